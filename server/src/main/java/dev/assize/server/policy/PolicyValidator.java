package dev.assize.server.policy;

import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.Limits;
import dev.assize.server.model.MalformedException;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document.ApprovalRuleDocument;
import dev.assize.server.policy.Document.FreezeDocument;
import dev.assize.server.policy.Document.GroupDocument;
import dev.assize.server.policy.Document.ResourceDocument;
import dev.assize.server.policy.Document.ResourceTypeDocument;
import dev.assize.server.policy.Document.RoleBindingDocument;
import dev.assize.server.policy.Document.RoleDocument;
import dev.assize.server.policy.Document.SeparationOfDutyDocument;
import dev.assize.server.policy.Document.SubjectDocument;
import dev.assize.server.policy.Document.TenantDocument;
import dev.assize.server.policy.PolicyIndex.Sort;
import java.util.Collection;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;

/**
 * Judges a set of documents as a whole: whether what they name exists, whether they lead in circles, whether conditions
 * compile and attributes are what is declared of them.
 *
 * <p>Deleting what is still referenced needs no rule of its own: the set without it has dangling names. Judging a
 * whole set grows with its size and no faster. Judging a change of a set that was right before looks at the documents that
 * changed; at the kinds of which there are few, if one of those changed; and, in the {@link PolicyIndex}, at whether
 * something refers to what is gone. What refers to a role or a group is known; only where something refers to another
 * thing is the whole set judged, to say what.
 */
public final class PolicyValidator {

    private static final int SHOWN_CYCLE = 20;

    /** There are few of these in a tenant, and one may change what any other document means. */
    private static final Set<Kind> FEW =
            EnumSet.of(Kind.RESOURCE_TYPE, Kind.ROLE, Kind.SEPARATION_OF_DUTY, Kind.APPROVAL_RULE);

    private static final Set<Kind> DECLARING = EnumSet.of(Kind.TENANT, Kind.RESOURCE_TYPE);

    private final Problems problems = new Problems();
    private final PolicySet set;
    private final PolicySet platform;
    private final InSight inSight;
    private final VocabularyValidator vocabulary;
    private final GrantValidator grants;
    private final RestraintValidator restraints;

    private PolicyValidator(PolicySet set, PolicySet platform) {
        this.set = set;
        this.platform = platform;
        inSight = new InSight(set, platform, problems);
        AttributeDeclarations declarations = AttributeDeclarations.of(set, platform);
        RolesHeld held = new RolesHeld(set, platform);
        vocabulary = new VocabularyValidator(inSight, declarations);
        grants = new GrantValidator(inSight, declarations, held);
        restraints = new RestraintValidator(inSight, held);
    }

    /** Everything that is wrong with a tenant's documents beside those of the platform. */
    public static List<Problem> validate(PolicySet tenant, PolicySet platform) {
        return new PolicyValidator(tenant, platform).run();
    }

    /**
     * Everything that is wrong with a tenant's documents, if nothing was before some of them changed.
     *
     * @param changed every document, of the tenant and of the platform, that was put or deleted
     */
    public static List<Problem> validate(PolicySet tenant, PolicySet platform, Set<DocumentKey> changed) {
        return new PolicyValidator(tenant, platform).runChanged(changed);
    }

    /** Everything that is wrong with the platform's documents. */
    public static List<Problem> validatePlatform(PolicySet platform) {
        return new PolicyValidator(platform, platform).run();
    }

    private List<Problem> run() {
        set.scope().tenant().ifPresent(this::checkTenant);
        set.documents().forEach(this::check);
        checkRoleNesting();
        checkGroupNesting(names(GroupDocument.class));
        restraints.checkInheritance();
        checkConditionsOfPlatform();
        return problems.toList();
    }

    private List<Problem> runChanged(Set<DocumentKey> changed) {
        boolean wide = changed.stream().anyMatch(this::isWide);
        boolean declaring = changed.stream().anyMatch(key -> DECLARING.contains(key.kind()));
        if (wide && namesWhatIsGone()) {
            return run();
        }
        set.scope().tenant().ifPresent(this::checkTenant);
        Set<DocumentKey> judged = judged(changed, wide, declaring);
        addDangling(changed, wide, judged);
        judged.forEach(key -> set.find(key).ifPresent(this::check));
        if (wide) {
            checkRoleNesting();
        }
        boolean nests = changed.stream()
                .anyMatch(
                        key -> key.kind() == Kind.GROUP && set.index().nested().containsKey(key.name()));
        if (nests) {
            checkGroupNesting(set.index().nested().keySet());
        }
        if (wide) {
            restraints.checkInheritance();
            checkConditionsOfPlatform();
        }
        return problems.toList();
    }

    /** Whether a change of it reaches beyond itself and what refers to it by name. */
    private boolean isWide(DocumentKey key) {
        return !key.scope().equals(set.scope())
                || key.kind() == Kind.TENANT
                || (FEW.contains(key.kind()) && key.kind() != Kind.APPROVAL_RULE);
    }

    private Set<DocumentKey> judged(Set<DocumentKey> changed, boolean wide, boolean declaring) {
        Set<DocumentKey> judged = new TreeSet<>();
        changed.stream().filter(key -> key.scope().equals(set.scope())).forEach(judged::add);
        if (wide) {
            addAll(RoleDocument.class, judged);
            addAll(ResourceTypeDocument.class, judged);
            addAll(SeparationOfDutyDocument.class, judged);
            addAll(ApprovalRuleDocument.class, judged);
        }
        if (declaring) {
            addAll(SubjectDocument.class, judged);
            addAll(ResourceDocument.class, judged);
            set.index()
                    .targets(Sort.CONDITIONAL)
                    .forEach(name -> judged.add(new DocumentKey(set.scope(), Kind.ROLE_BINDING, name)));
        }
        return judged;
    }

    private <D extends Document> void addAll(Class<D> kind, Set<DocumentKey> judged) {
        set.ofKind(kind).forEach(document -> judged.add(document.key()));
    }

    /** Whether one of the many refers to what is not there, and which of them is not known. */
    private boolean namesWhatIsGone() {
        return any(Sort.TYPE, name -> !inSight.hasType(name))
                || any(Sort.ENVIRONMENT, name -> !inSight.hasEnvironment(new Environment(name)))
                || any(Sort.ACTION, this::isUndeclared);
    }

    /** Those of the many that refer to a group or a role that is not there, or do what a rule now forbids. */
    private void addDangling(Set<DocumentKey> changed, boolean wide, Set<DocumentKey> judged) {
        changed.stream()
                .filter(key -> key.kind() == Kind.GROUP && set.find(key).isEmpty())
                .map(DocumentKey::name)
                .filter(name -> set.index().refersTo(Sort.GROUP, name))
                .forEach(name -> addNaming(name, judged));
        if (wide) {
            PolicyIndex index = set.index();
            for (String role : index.targets(Sort.ROLE)) {
                if (inSight.role(role) == null) {
                    index.ofRole(role).forEach(binding -> judged.add(binding.key()));
                    addAll(FreezeDocument.class, judged);
                }
            }
            index.targets(Sort.OPEN_ROLE).stream()
                    .filter(role -> grants.keepingApart(role) != null)
                    .forEach(role -> index.ofRole(role).forEach(binding -> judged.add(binding.key())));
        }
    }

    private void addNaming(String group, Set<DocumentKey> judged) {
        PolicyIndex.Uses uses = set.index().usesOf(new Subject(Subject.GROUP_TYPE, group));
        uses.bindings().forEach(binding -> judged.add(binding.key()));
        uses.groups().forEach(name -> judged.add(new DocumentKey(set.scope(), Kind.GROUP, name)));
        addAll(FreezeDocument.class, judged);
    }

    private boolean any(Sort sort, Predicate<String> wrong) {
        return set.index().targets(sort).stream().anyMatch(wrong);
    }

    private boolean isUndeclared(String target) {
        int slash = target.indexOf('/');
        Action action = new Action(target.substring(slash + 1));
        return slash == 0
                ? !inSight.hasAction(action)
                : !inSight.isDeclared(action, Set.of(target.substring(0, slash)), false);
    }

    private void check(Document document) {
        switch (document) {
            case TenantDocument _ -> {}
            case ResourceTypeDocument type -> vocabulary.check(type);
            case RoleDocument role -> grants.check(role);
            case GroupDocument group -> grants.check(group);
            case RoleBindingDocument binding -> grants.check(binding);
            case SubjectDocument subject -> vocabulary.check(subject);
            case ResourceDocument resource -> vocabulary.check(resource);
            case SeparationOfDutyDocument rule -> restraints.check(rule);
            case ApprovalRuleDocument rule -> restraints.check(rule);
            case FreezeDocument freeze -> restraints.check(freeze);
        }
    }

    private void checkTenant(TenantId tenant) {
        if (inSight.isTenantMissing() && set.size() > 0) {
            Document first = set.documents().iterator().next();
            problems.add(
                    first.place(),
                    "Tenant/" + tenant,
                    "",
                    "a document of kind `Tenant` as long as the tenant has others: it has " + set.size()
                            + ", among them `" + first.key() + "`");
        }
    }

    private void checkConditionsOfPlatform() {
        List<TenantDocument> self = set.ofKind(TenantDocument.class);
        if (!self.isEmpty()) {
            platform.ofKind(RoleDocument.class).forEach(role -> grants.checkConditionsOf(role, self.getFirst()));
        }
    }

    private void checkRoleNesting() {
        Nesting nesting = Nesting.of(names(RoleDocument.class), name -> {
            RoleDocument role = inSight.role(name);
            return role == null ? List.of() : role.inherits();
        });
        report(
                nesting,
                name -> Optional.ofNullable(inSight.role(name)),
                "spec.inherits",
                "a role that does not inherit itself",
                "levels of inheritance");
    }

    private void checkGroupNesting(Collection<String> names) {
        Nesting nesting = Nesting.of(
                names,
                name -> inSight.group(name).map(PolicyValidator::groupsIn).orElse(List.of()));
        report(
                nesting,
                inSight::group,
                "spec.members",
                "a group that does not contain itself",
                "groups within one another");
    }

    private void report(Nesting nesting, Lookup documents, String field, String acyclic, String levels) {
        nesting.cycles()
                .forEach((name, cycle) -> documents
                        .find(name)
                        .ifPresent(document -> problems.add(
                                new Problem(document.place(), document.key() + ": " + field, shown(cycle), acyclic))));
        for (String name : nesting.tooDeep()) {
            documents
                    .find(name)
                    .ifPresent(document -> inSight.add(
                            document,
                            field,
                            (Limits.NESTING + 1) + " deep",
                            "at most " + Limits.NESTING + " " + levels));
        }
    }

    /** Finds a document by its name. */
    private interface Lookup {
        Optional<? extends Document> find(String name);
    }

    private static String shown(List<String> cycle) {
        List<String> names = cycle.stream().map(MalformedException::shown).toList();
        return names.size() <= SHOWN_CYCLE
                ? String.join(" -> ", names)
                : String.join(" -> ", names.subList(0, SHOWN_CYCLE)) + " -> … -> " + names.getLast();
    }

    private <D extends Document> List<String> names(Class<D> kind) {
        return set.ofKind(kind).stream().map(Document::name).toList();
    }

    private static List<String> groupsIn(GroupDocument group) {
        return group.members().stream()
                .filter(Subject::isGroup)
                .map(Subject::id)
                .toList();
    }
}
