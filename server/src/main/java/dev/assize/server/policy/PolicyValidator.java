package dev.assize.server.policy;

import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.Limits;
import dev.assize.server.model.MalformedException;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document.ApprovalRuleDocument;
import dev.assize.server.policy.Document.FreezeDocument;
import dev.assize.server.policy.Document.GroupDocument;
import dev.assize.server.policy.Document.Permission;
import dev.assize.server.policy.Document.ResourceDocument;
import dev.assize.server.policy.Document.ResourceTypeDocument;
import dev.assize.server.policy.Document.RoleBindingDocument;
import dev.assize.server.policy.Document.RoleDocument;
import dev.assize.server.policy.Document.Scope;
import dev.assize.server.policy.Document.SeparationOfDutyDocument;
import dev.assize.server.policy.Document.SubjectDocument;
import dev.assize.server.policy.Document.TenantDocument;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Judges a set of documents as a whole: whether what they name exists, and whether they lead in circles.
 *
 * <p>Deleting what is still referenced needs no rule of its own: the set without it has dangling names. Every
 * name is looked up in a hash table built once, so the work grows with the size of the set and no faster.
 */
public final class PolicyValidator {

    private static final int SHOWN_CYCLE = 20;

    private final Problems problems = new Problems();
    private final PolicySet set;
    private final Map<String, ResourceTypeDocument> platformTypes;
    private final Map<String, RoleDocument> platformRoles;
    private final Map<String, ResourceTypeDocument> types;
    private final Map<String, RoleDocument> roles;
    private final Map<String, GroupDocument> groups;

    /** Which types declare an action; empty where no types are declared, and then nothing is checked. */
    private final Map<Action, Set<String>> typesByAction = new HashMap<>();

    /** Null where they are not known: on the platform, and in a tenant that does not say. */
    private final @Nullable Set<Environment> environments;

    private PolicyValidator(PolicySet set, PolicySet platform) {
        this.set = set;
        platformTypes = byName(platform, ResourceTypeDocument.class);
        platformRoles = byName(platform, RoleDocument.class);
        types = new HashMap<>(platformTypes);
        types.putAll(byName(set, ResourceTypeDocument.class));
        roles = new HashMap<>(platformRoles);
        roles.putAll(byName(set, RoleDocument.class));
        groups = byName(set, GroupDocument.class);
        types.forEach((name, type) -> type.actions()
                .forEach(action -> typesByAction
                        .computeIfAbsent(action, key -> new HashSet<>())
                        .add(name)));
        List<TenantDocument> tenants = set.ofKind(TenantDocument.class);
        environments =
                tenants.isEmpty() ? null : new HashSet<>(tenants.getFirst().environments());
    }

    /** Everything that is wrong with a tenant's documents beside those of the platform. */
    public static List<Problem> validate(PolicySet tenant, PolicySet platform) {
        return new PolicyValidator(tenant, platform).run();
    }

    /** Everything that is wrong with the platform's documents. */
    public static List<Problem> validatePlatform(PolicySet platform) {
        return new PolicyValidator(platform, platform).run();
    }

    private List<Problem> run() {
        set.scope().tenant().ifPresent(this::checkTenant);
        for (Document document : set.documents()) {
            switch (document) {
                case TenantDocument tenant -> {}
                case ResourceTypeDocument type -> checkResourceType(type);
                case RoleDocument role -> checkRole(role);
                case GroupDocument group -> checkGroup(group);
                case RoleBindingDocument binding -> checkBinding(binding);
                case SubjectDocument _,
                        ResourceDocument _,
                        SeparationOfDutyDocument _,
                        ApprovalRuleDocument _,
                        FreezeDocument _ -> {}
            }
        }
        checkRoleNesting();
        checkGroupNesting();
        return problems.toList();
    }

    private void checkTenant(TenantId tenant) {
        if (environments == null && !set.documents().isEmpty()) {
            Document first = set.documents().iterator().next();
            int count = set.documents().size();
            problems.add(
                    first.place(),
                    "Tenant/" + tenant,
                    "",
                    "a document of kind `Tenant` as long as the tenant has others: it has " + count + ", among them `"
                            + first.key() + "`");
        }
    }

    private void checkResourceType(ResourceTypeDocument type) {
        checkOnlyHere(type, platformTypes);
        Set<Action> actions = new HashSet<>(type.actions());
        type.implies().forEach((action, implied) -> {
            String field = "spec.implies." + action;
            String expected = "an action that `spec.actions` declares";
            if (!actions.contains(action)) {
                add(type, field, action.value(), expected);
            }
            forEachListed(implied, (name, index) -> {
                if (!actions.contains(name)) {
                    add(type, field + "[" + index + "]", name.value(), expected);
                }
            });
        });
    }

    private void checkRole(RoleDocument role) {
        checkOnlyHere(role, platformRoles);
        for (int i = 0; i < role.inherits().size(); i++) {
            checkRoleExists(role, "spec.inherits[" + i + "]", role.inherits().get(i));
        }
        for (int i = 0; i < role.permissions().size(); i++) {
            checkPermission(
                    role, "spec.permissions[" + i + "].", role.permissions().get(i));
        }
    }

    private void checkPermission(RoleDocument role, String field, Permission permission) {
        Set<String> named = new HashSet<>();
        forEachListed(permission.resources(), (type, index) -> {
            named.add(type);
            checkType(role, permission.place(), field + "resources[" + index + "]", type);
        });
        boolean allTypes = permission.resources() instanceof AnyOf.All<?>;
        forEachListed(permission.actions(), (action, index) -> {
            if (!isDeclared(action, named, allTypes)) {
                add(
                        role,
                        permission.place(),
                        field + "actions[" + index + "]",
                        action.value(),
                        allTypes
                                ? "an action that a resource type declares"
                                : "an action that one of the permission's resource types declares");
            }
        });
        checkEnvironments(role, permission.place(), field + "environments", permission.environments());
    }

    /** Looks through the smaller of the two sets. */
    private boolean isDeclared(Action action, Set<String> named, boolean allTypes) {
        if (types.isEmpty()) {
            return true;
        }
        Set<String> declaring = typesByAction.getOrDefault(action, Set.of());
        if (allTypes) {
            return !declaring.isEmpty();
        }
        return named.size() < declaring.size()
                ? named.stream().anyMatch(declaring::contains)
                : declaring.stream().anyMatch(named::contains);
    }

    private void checkGroup(GroupDocument group) {
        for (int i = 0; i < group.members().size(); i++) {
            checkGroupExists(group, "spec.members[" + i + "]", group.members().get(i));
        }
    }

    private void checkBinding(RoleBindingDocument binding) {
        for (int i = 0; i < binding.subjects().size(); i++) {
            if (binding.subjects().get(i) instanceof SubjectPattern.Named named) {
                checkGroupExists(binding, "spec.subjects[" + i + "]", named.subject());
            }
        }
        checkRoleExists(binding, "spec.role", binding.role());
        Scope scope = binding.scopeOfGrant();
        scope.environments()
                .ifPresent(names -> checkEnvironments(binding, binding.place(), "spec.scope.environments", names));
        scope.resourceTypes()
                .ifPresent(names -> forEachListed(
                        names,
                        (type, index) ->
                                checkType(binding, binding.place(), "spec.scope.resourceTypes[" + index + "]", type)));
        scope.resources().ifPresent(paths -> checkPaths(binding, paths));
    }

    private void checkPaths(RoleBindingDocument binding, List<ResourcePath> paths) {
        for (int i = 0; i < paths.size(); i++) {
            if (paths.get(i).wholeType()) {
                add(
                        binding,
                        "spec.scope.resources[" + i + "]",
                        paths.get(i).value(),
                        "a resource path whose segments all have ids");
            }
        }
    }

    private void checkOnlyHere(Document document, Map<String, ? extends Document> onPlatform) {
        if (!set.scope().isPlatform() && onPlatform.containsKey(document.name())) {
            add(document, "metadata.name", document.name(), "a name that the platform does not define already");
        }
    }

    private void checkType(Document document, SourcePlace place, String field, String type) {
        if (!types.isEmpty() && !types.containsKey(type)) {
            add(document, place, field, type, "a declared resource type (kind `ResourceType`)");
        }
    }

    private void checkEnvironments(Document document, SourcePlace place, String field, AnyOf<Environment> names) {
        Set<Environment> declared = environments;
        if (declared != null) {
            forEachListed(names, (environment, index) -> {
                if (!declared.contains(environment)) {
                    add(
                            document,
                            place,
                            field + "[" + index + "]",
                            environment.value(),
                            "an environment that `Tenant/" + set.scope().key() + "` declares");
                }
            });
        }
    }

    private void checkRoleExists(Document document, String field, String role) {
        if (!roles.containsKey(role)) {
            add(document, field, role, "an existing role of " + visibleFrom());
        }
    }

    private void checkGroupExists(Document document, String field, Subject subject) {
        if (subject.isGroup() && !groups.containsKey(subject.id())) {
            add(document, field, subject.toString(), "an existing group of " + set.scope());
        }
    }

    private String visibleFrom() {
        return set.scope().isPlatform() ? "the platform" : set.scope() + " or of the platform";
    }

    private void checkRoleNesting() {
        Nesting nesting = Nesting.of(names(RoleDocument.class), name -> {
            RoleDocument role = roles.get(name);
            return role == null ? List.of() : role.inherits();
        });
        report(nesting, roles, "spec.inherits", "a role that does not inherit itself", "levels of inheritance");
    }

    private void checkGroupNesting() {
        Nesting nesting = Nesting.of(names(GroupDocument.class), name -> {
            GroupDocument group = groups.get(name);
            return group == null ? List.of() : groupsIn(group);
        });
        report(nesting, groups, "spec.members", "a group that does not contain itself", "groups within one another");
    }

    private void report(
            Nesting nesting, Map<String, ? extends Document> documents, String field, String acyclic, String levels) {
        nesting.cycles().forEach((name, cycle) -> {
            Document document = documents.get(name);
            if (document != null) {
                problems.add(new Problem(document.place(), document.key() + ": " + field, shown(cycle), acyclic));
            }
        });
        for (String name : nesting.tooDeep()) {
            Document document = documents.get(name);
            if (document != null) {
                add(document, field, (Limits.NESTING + 1) + " deep", "at most " + Limits.NESTING + " " + levels);
            }
        }
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

    private void add(Document document, String field, String value, String expected) {
        add(document, document.place(), field, value, expected);
    }

    private void add(Document document, SourcePlace place, String field, String value, String expected) {
        problems.add(place, document.key() + ": " + field, value, expected);
    }

    private static <D extends Document> Map<String, D> byName(PolicySet set, Class<D> kind) {
        Map<String, D> byName = new HashMap<>();
        set.ofKind(kind).forEach(document -> byName.put(document.name(), document));
        return byName;
    }

    private static <T> void forEachListed(AnyOf<T> names, Indexed<T> each) {
        if (names instanceof AnyOf.Listed<T> listed) {
            for (int i = 0; i < listed.values().size(); i++) {
                each.accept(listed.values().get(i), i);
            }
        }
    }

    /** Takes a value and its position in its list. */
    private interface Indexed<T> {
        void accept(T value, int index);
    }
}
