package dev.assize.server.decision;

import dev.assize.server.decision.approval.ApprovalRequest;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.decision.check.CheckQuery.Delegator;
import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Revision;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.AnyOf;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.Document.ApprovalRuleDocument;
import dev.assize.server.policy.Document.Effect;
import dev.assize.server.policy.Document.FreezeDocument;
import dev.assize.server.policy.Document.GroupDocument;
import dev.assize.server.policy.Document.Obligation;
import dev.assize.server.policy.Document.Permission;
import dev.assize.server.policy.Document.ResourceDocument;
import dev.assize.server.policy.Document.ResourceTypeDocument;
import dev.assize.server.policy.Document.RoleBindingDocument;
import dev.assize.server.policy.Document.RoleDocument;
import dev.assize.server.policy.Document.Scope;
import dev.assize.server.policy.Document.SeparationOfDutyDocument;
import dev.assize.server.policy.Document.SubjectDocument;
import dev.assize.server.policy.Document.TenantDocument;
import dev.assize.server.policy.Metadata;
import dev.assize.server.policy.PolicySet;
import dev.assize.server.policy.SourcePlace;
import dev.assize.server.policy.SubjectPattern;
import dev.assize.server.policy.condition.AttributeDeclaration;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A random tenant and platform, what was done and approved there, and random requests to it. The pools of names are
 * small and full of near misses (prefixes, other cases, other homes), and moments are those of the boundaries or a
 * nanosecond beside, so that requests meet edges more often than not.
 */
public final class World {

    private static final TenantId TENANT = new TenantId("acme");
    private static final List<TenantId> HOMES = List.of(TENANT, new TenantId("acme2"), new TenantId("Acme"));

    /** Types of resources, which a world declares all or some of, or none. */
    public static final List<String> TYPES = List.of("doc", "docs", "vault", "agent", "do");

    private static final List<Action> ACTIONS = Stream.of("read", "Read", "write", "delete", "admin", "rea")
            .map(Action::new)
            .toList();
    private static final List<Environment> ENVIRONMENTS = Stream.of("default", "prod", "Prod", "staging")
            .map(Environment::new)
            .toList();
    private static final List<String> SUBJECT_TYPES = List.of("user", "service", "agent");
    private static final List<String> SUBJECT_IDS = List.of("a", "b", "ab", "a:b", "A", "é", "zed");
    private static final List<ResourcePath> SCOPED = Stream.of(
                    "vault:c",
                    "vault:co",
                    "vault:c/doc:1",
                    "vault:c/doc:12",
                    "vault:c/docs:1",
                    "doc:1",
                    "doc:1%2F",
                    "vault:c/doc:1/agent:x",
                    "agent:x",
                    "vault:C",
                    "vault:c/vault:c",
                    "doc:2",
                    "docs:1",
                    "do:1")
            .map(ResourcePath::parse)
            .toList();
    private static final List<ResourcePath> ASKED = Stream.concat(
                    SCOPED.stream(),
                    Stream.of(
                                    "doc",
                                    "docs",
                                    "vault",
                                    "agent",
                                    "do",
                                    "vault:c/doc",
                                    "vault:comp",
                                    "doc:1/doc:1",
                                    "vault:c/doc:1/agent",
                                    "vault:c/doc:1/agent:xy",
                                    "vault:x/doc:1",
                                    "other:1")
                            .map(ResourcePath::parse))
            .toList();

    /** What is a number of hours away from all of its moments. */
    public static final Instant EPOCH = Instant.parse("2026-02-22T14:00:00Z");

    private static final List<Instant> MOMENTS = Stream.of(-48, -24, -1, 0, 1, 5, 23, 24, 25, 48)
            .map(hours -> EPOCH.plus(Duration.ofHours(hours)))
            .toList();

    /** The order of UTF-8 is not that of Java's strings for the last two. */
    private static final List<String> NAME_SUFFIXES = List.of("", "-b", "B", "z", "\uFF5E", "\uD83D\uDE00");

    private static final List<String> RUNS = List.of("run-1", "run-12", "Run-1");

    /**
     * What names and moments there are.
     *
     * @param scoped paths whose segments all have ids
     * @param asked those and others
     */
    record Pools(
            TenantId tenant,
            List<TenantId> homes,
            List<String> types,
            List<Action> actions,
            List<Environment> environments,
            List<String> subjectTypes,
            List<ResourcePath> scoped,
            List<ResourcePath> asked,
            List<String> runs,
            List<Instant> moments) {
        Subject subject(Dice dice) {
            return new Subject(dice.pick(subjectTypes), dice.pick(SUBJECT_IDS));
        }
    }

    private static final Pools POOLS =
            new Pools(TENANT, HOMES, TYPES, ACTIONS, ENVIRONMENTS, SUBJECT_TYPES, SCOPED, ASKED, RUNS, MOMENTS);

    private final Dice dice;
    private final WorldConditions conditions;

    /** More roles than a long has bits, and nobody who has most of them. */
    private final boolean wide;

    /** Conditions are half of what could go wrong, and hide the other half. */
    private final boolean conditional;

    private final List<String> roles;
    private final List<String> groups;
    private final PolicySet tenant;
    private final PolicySet platform;
    private final WorldRecords records;
    private final SortedMap<String, AttributeDeclaration> ofSubjects;
    private final WorldRules rules;

    public World(long seed) {
        dice = new Dice(seed);
        wide = dice.chance(5);
        conditional = dice.chance(60);
        roles = names("role", wide ? 150 : 1 + dice.below(7));
        groups = names("group", dice.below(6));
        conditions = new WorldConditions(
                dice,
                MOMENTS,
                Stream.of(groups, SUBJECT_IDS, TYPES, List.of("user", "read", "prod", "acme", "vault:c/doc:1"))
                        .flatMap(List::stream)
                        .toList());
        ofSubjects = conditions.declaredOfSubjects();
        int ofPlatform = dice.below(roles.size());
        List<Document> forPlatform = new ArrayList<>();
        List<Document> forTenant = new ArrayList<>();
        forTenant.add(new TenantDocument(
                metadata(PolicyScope.of(TENANT), TENANT.value()),
                SourcePlace.UNKNOWN,
                dice.chance(90) ? ENVIRONMENTS : dice.some(ENVIRONMENTS),
                ofSubjects));
        declareTypes(forPlatform, forTenant);
        for (int i = 0; i < roles.size(); i++) {
            // Roles inherit from those before them, which are the platform's first: no cycles, nothing dangling.
            PolicyScope scope = i < ofPlatform ? PolicyScope.PLATFORM : PolicyScope.of(TENANT);
            (i < ofPlatform ? forPlatform : forTenant).add(role(scope, roles.get(i), roles.subList(0, i)));
        }
        for (int i = 0; i < groups.size(); i++) {
            forTenant.add(group(groups.get(i), groups.subList(0, i)));
        }
        for (String name : names("binding", wide ? 120 : dice.below(24))) {
            forTenant.add(binding(name));
        }
        storeAttributes(forPlatform, forTenant);
        rules = new WorldRules(dice, POOLS, roles, groups);
        addRules(forPlatform, forTenant, ofPlatform);
        List<RoleBindingDocument> bindings = forTenant.stream()
                .filter(RoleBindingDocument.class::isInstance)
                .map(RoleBindingDocument.class::cast)
                .toList();
        List<RoleDocument> roleDocuments = visibleRoles(forTenant, forPlatform);
        records = rules.records(
                forTenant.stream()
                        .filter(ApprovalRuleDocument.class::isInstance)
                        .map(ApprovalRuleDocument.class::cast)
                        .toList(),
                () -> aim(bindings, roleDocuments));
        tenant = PolicySet.of(PolicyScope.of(TENANT), new Revision(dice.between(1, 99)), forTenant);
        platform = PolicySet.of(PolicyScope.PLATFORM, new Revision(dice.between(1, 99)), forPlatform);
    }

    public PolicySet tenant() {
        return tenant;
    }

    public PolicySet platform() {
        return platform;
    }

    WorldRecords records() {
        return records;
    }

    Dice dice() {
        return dice;
    }

    /** A document of the same name that may say anything else. */
    Document another(Document document) {
        String name = document.name();
        return switch (document) {
            case TenantDocument it ->
                new TenantDocument(
                        it.metadata(),
                        it.place(),
                        dice.chance(70) ? ENVIRONMENTS : dice.some(ENVIRONMENTS),
                        dice.chance(50) ? it.subjectAttributes() : conditions.declaredOfSubjects());
            case ResourceTypeDocument it ->
                new ResourceTypeDocument(
                        it.metadata(),
                        it.place(),
                        it.actions(),
                        new TreeMap<>(Map.of(dice.pick(it.actions()), dice.anyOf(it.actions(), 15))),
                        dice.chance(50) ? it.attributes() : conditions.declaredOfResources());
            case RoleDocument it -> role(it.scope(), name, roles.subList(0, roles.indexOf(name)));
            case RoleBindingDocument _ -> binding(name);
            case GroupDocument _ -> group(name, groups.subList(0, groups.indexOf(name)));
            case FreezeDocument _ -> rules.freeze(name);
            case ApprovalRuleDocument _ -> rules.approvalRule(name);
            case SeparationOfDutyDocument it -> it.scope().isPlatform() ? it : rules.duty(it.scope(), name);
            case SubjectDocument it ->
                new SubjectDocument(it.metadata(), it.place(), it.subject(), conditions.storedOfSubject(ofSubjects));
            case ResourceDocument it ->
                new ResourceDocument(
                        it.metadata(),
                        it.place(),
                        it.resource(),
                        conditions.storedOfResource(declared(it.resource(), platform.documents(), tenant.documents())));
        };
    }

    /** Who, on what, does what, where. */
    record Aim(Subject subject, TenantId home, ResourcePath resource, Action action, Environment env) {}

    /** Anything, or what some binding is about, or what was done or approved. */
    public CheckQuery query() {
        Aim aim = aim(tenant.ofKind(RoleBindingDocument.class), visibleRoles(tenant.documents(), platform.documents()));
        if (dice.chance(20)) {
            WorldRecords.Entry entry = dice.pick(records.entries());
            aim = new Aim(entry.actor(), TENANT, entry.resource(), dice.pick(ACTIONS), entry.env());
        } else if (!records.approvals().isEmpty() && dice.chance(50)) {
            ApprovalRequest approval = dice.pick(records.approvals());
            aim = new Aim(
                    approval.subject(), approval.subjectHome(), approval.resource(), approval.action(), approval.env());
        }
        return query(aim);
    }

    private Aim aim(List<RoleBindingDocument> bindings, List<RoleDocument> roleDocuments) {
        Subject subject = POOLS.subject(dice);
        TenantId home = dice.chance(80) ? TENANT : dice.pick(HOMES);
        ResourcePath resource = dice.pick(ASKED);
        Action action = dice.pick(ACTIONS);
        Environment env = dice.pick(ENVIRONMENTS);
        if (bindings.isEmpty() || dice.chance(40)) {
            return new Aim(subject, home, resource, action, env);
        }
        RoleBindingDocument binding = dice.pick(bindings);
        if (dice.pick(binding.subjects()) instanceof SubjectPattern.Named(Subject named) && !named.isGroup()) {
            subject = named;
        }
        if (binding.fromTenant() != null && dice.chance(50)) {
            home = binding.fromTenant();
        }
        Optional<Permission> permission = roleDocuments.stream()
                .filter(role -> role.name().equals(binding.role()))
                .flatMap(role -> role.permissions().stream())
                .findFirst();
        if (permission.isPresent()) {
            List<ResourcePath> covered = ASKED.stream()
                    .filter(path -> permission.get().resources().contains(path.type()))
                    .toList();
            resource = covered.isEmpty() ? resource : dice.pick(covered);
            action = oneOf(permission.get().actions(), action);
            env = oneOf(permission.get().environments(), env);
        }
        return new Aim(subject, home, resource, action, env);
    }

    private <T> T oneOf(AnyOf<T> names, T otherwise) {
        return names instanceof AnyOf.Listed<T>(List<T> listed) ? dice.pick(listed) : otherwise;
    }

    private static List<RoleDocument> visibleRoles(Collection<Document> tenants, Collection<Document> platforms) {
        return Stream.concat(tenants.stream(), platforms.stream())
                .filter(RoleDocument.class::isInstance)
                .map(RoleDocument.class::cast)
                .toList();
    }

    private CheckQuery query(Aim aim) {
        boolean bare = !conditional || dice.chance(20);
        return new CheckQuery(
                aim.subject,
                aim.resource,
                aim.action,
                TENANT,
                aim.env,
                aim.home,
                bare ? Map.of() : conditions.requestedOfSubject(),
                bare
                        ? Map.of()
                        : conditions.requestedOfResource(
                                declared(aim.resource, platform.documents(), tenant.documents())
                                        .keySet()),
                bare ? Map.of() : conditions.context(),
                dice.chance(80)
                        ? List.of()
                        : dice.few(
                                Stream.concat(roles.stream(), Stream.of("nobodys"))
                                        .toList(),
                                4),
                dice.maybe(35, () -> new Delegator(POOLS.subject(dice), dice.chance(90) ? TENANT : dice.pick(HOMES))),
                dice.maybe(50, () -> dice.pick(RUNS)));
    }

    Instant moment() {
        return dice.pick(MOMENTS).plusNanos(dice.between(-1, 1));
    }

    /** A moment at which something about the request may be decided. */
    Instant moment(CheckQuery query) {
        List<Instant> done = records.entries().stream()
                .filter(entry -> entry.actor().equals(query.subject())
                        && entry.resource().equals(query.resource()))
                .map(WorldRecords.Entry::recordedAt)
                .toList();
        List<Instant> approved = records.approvals().stream()
                .filter(request -> request.subject().equals(query.subject())
                        && request.resource().equals(query.resource())
                        && request.action().equals(query.action()))
                .flatMap(request -> WorldRules.edges(request).stream())
                .toList();
        List<Instant> edges = done.isEmpty() || (!approved.isEmpty() && dice.chance(70)) ? approved : done;
        return edges.isEmpty() || dice.chance(25) ? moment() : dice.pick(edges).plusNanos(dice.between(-1, 1));
    }

    /** A moment from the one to just before the other. */
    Instant between(Instant from, Instant to) {
        Duration span = Duration.between(from, to);
        return switch (dice.below(3)) {
            case 0 -> to.minusNanos(1);
            case 1 -> from.plusNanos(dice.longBelow(span.toNanos()));
            default -> {
                Instant moment = moment();
                yield moment.isBefore(from) || !moment.isBefore(to) ? from : moment;
            }
        };
    }

    /** The documents and what was done and approved, for people to read. */
    @Override
    public String toString() {
        return Stream.of(
                        platform.documents().stream().map(World::text),
                        tenant.documents().stream().map(World::text),
                        records.entries().stream().map(Object::toString),
                        records.approvals().stream().map(Object::toString))
                .flatMap(lines -> lines)
                .collect(Collectors.joining("\n"));
    }

    private static String text(Document document) {
        String head = document.key() + " of " + document.scope() + ": ";
        return head
                + switch (document) {
                    case TenantDocument it ->
                        "environments " + it.environments() + " attributes " + it.subjectAttributes();
                    case ResourceTypeDocument it ->
                        "actions " + it.actions() + " implies " + it.implies() + " attributes " + it.attributes();
                    case RoleDocument it ->
                        "inherits " + it.inherits()
                                + it.permissions().stream().map(World::text).collect(Collectors.joining());
                    case GroupDocument it -> "members " + it.members();
                    case SubjectDocument it -> it.attributes().toString();
                    case ResourceDocument it -> it.attributes().toString();
                    case SeparationOfDutyDocument it -> it.duty() + " environments " + it.environments();
                    case ApprovalRuleDocument it -> it.toString();
                    case FreezeDocument it -> it.target() + " [" + it.from() + ", " + it.until() + ")";
                    case RoleBindingDocument it ->
                        "role " + it.role() + " subjects " + it.subjects() + " scope "
                                + it.scopeOfGrant() + " fromTenant " + it.fromTenant() + " [" + it.notBefore() + ", "
                                + it.notAfter() + ") when " + it.when();
                };
    }

    private static String text(Permission it) {
        return "\n    - " + it.effect() + " resources " + it.resources() + " actions " + it.actions() + " environments "
                + it.environments() + " when " + it.when() + " obligations " + it.obligations();
    }

    private void declareTypes(List<Document> forPlatform, List<Document> forTenant) {
        if (dice.chance(25)) {
            return;
        }
        for (String type : dice.chance(80) ? TYPES : dice.some(TYPES)) {
            boolean ofPlatform = dice.chance(40);
            PolicyScope scope = ofPlatform ? PolicyScope.PLATFORM : PolicyScope.of(TENANT);
            List<Action> actions = dice.chance(80) ? ACTIONS : dice.some(ACTIONS);
            SortedMap<Action, AnyOf<Action>> implies = new TreeMap<>();
            actions.stream()
                    .filter(any -> dice.chance(40))
                    .forEach(action -> implies.put(action, dice.anyOf(actions, 15)));
            (ofPlatform ? forPlatform : forTenant)
                    .add(new ResourceTypeDocument(
                            metadata(scope, type),
                            SourcePlace.UNKNOWN,
                            actions,
                            implies,
                            conditions.declaredOfResources()));
        }
    }

    /** What is known of some subjects and resources. */
    private void storeAttributes(List<Document> forPlatform, List<Document> forTenant) {
        PolicyScope scope = PolicyScope.of(TENANT);
        if (!conditional) {
            return;
        }
        for (String type : SUBJECT_TYPES) {
            for (String id : dice.some(SUBJECT_IDS)) {
                Subject subject = new Subject(type, id);
                forTenant.add(new SubjectDocument(
                        metadata(scope, subject.toString()),
                        SourcePlace.UNKNOWN,
                        subject,
                        conditions.storedOfSubject(ofSubjects)));
            }
        }
        for (ResourcePath path : dice.some(ASKED)) {
            SortedMap<String, AttributeDeclaration> declared = declared(path, forPlatform, forTenant);
            forTenant.add(new ResourceDocument(
                    metadata(scope, path.value()), SourcePlace.UNKNOWN, path, conditions.storedOfResource(declared)));
        }
    }

    private static SortedMap<String, AttributeDeclaration> declared(
            ResourcePath path, Collection<Document> ofPlatform, Collection<Document> ofTenant) {
        return Stream.concat(ofPlatform.stream(), ofTenant.stream())
                .filter(ResourceTypeDocument.class::isInstance)
                .map(ResourceTypeDocument.class::cast)
                .filter(type -> type.name().equals(path.type()))
                .findAny()
                .map(ResourceTypeDocument::attributes)
                .orElseGet(TreeMap::new);
    }

    private void addRules(List<Document> forPlatform, List<Document> forTenant, int ofPlatform) {
        if (dice.chance(50)) {
            names("freeze", dice.between(1, 4)).forEach(name -> forTenant.add(rules.freeze(name)));
        }
        if (dice.chance(60)) {
            for (String name : names("duty", dice.between(1, 3))) {
                boolean platformsOwn = ofPlatform == roles.size() - 1 && dice.chance(40);
                SeparationOfDutyDocument duty =
                        rules.duty(platformsOwn ? PolicyScope.PLATFORM : PolicyScope.of(TENANT), name);
                (platformsOwn ? forPlatform : forTenant).add(duty);
            }
        }
        if (dice.chance(40)) {
            names("rule", dice.between(1, 2)).forEach(name -> forTenant.add(rules.approvalRule(name)));
        }
    }

    private RoleDocument role(PolicyScope scope, String name, List<String> inheritable) {
        List<String> inherits = inheritable.isEmpty() || dice.chance(40) ? List.of() : dice.few(inheritable, 2);
        return new RoleDocument(metadata(scope, name), SourcePlace.UNKNOWN, inherits, dice.times(3, this::permission));
    }

    private Permission permission() {
        return new Permission(
                SourcePlace.UNKNOWN,
                dice.chance(12) ? Effect.DENY : Effect.ALLOW,
                dice.anyOf(TYPES, 40),
                dice.anyOf(ACTIONS, 30),
                dice.chance(60) ? new AnyOf.All<>() : dice.anyOf(ENVIRONMENTS, 10),
                when(30),
                dice.chance(60) ? List.of() : List.of(obligation(), obligation()));
    }

    private @Nullable String when(int percent) {
        return conditional ? dice.maybe(percent, conditions::condition) : null;
    }

    private Obligation obligation() {
        return new Obligation(
                dice.pick(List.of("log", "mfa", "log\uFF5E", "log\uD83D\uDE00")),
                dice.pick(List.of("audit", "step-up")),
                dice.chance(50) ? new TreeMap<>() : new TreeMap<>(Map.of("level", dice.pick(List.of("1", "2")))));
    }

    private GroupDocument group(String name, List<String> nestable) {
        List<Subject> members = new ArrayList<>(dice.times(2, () -> POOLS.subject(dice)));
        members.add(POOLS.subject(dice));
        if (!nestable.isEmpty() && dice.chance(60)) {
            members.add(new Subject(Subject.GROUP_TYPE, dice.pick(nestable)));
        }
        return new GroupDocument(
                metadata(PolicyScope.of(TENANT), name),
                SourcePlace.UNKNOWN,
                members.stream().distinct().toList());
    }

    private RoleBindingDocument binding(String name) {
        List<SubjectPattern> subjects = Stream.concat(Stream.of(pattern()), dice.times(2, this::pattern).stream())
                .distinct()
                .toList();
        return new RoleBindingDocument(
                metadata(PolicyScope.of(TENANT), name),
                SourcePlace.UNKNOWN,
                subjects,
                dice.pick(roles),
                dice.chance(50) ? Scope.ALL : scope(),
                dice.maybe(20, () -> dice.pick(HOMES)),
                dice.maybe(35, () -> dice.pick(MOMENTS)),
                dice.maybe(35, () -> dice.pick(MOMENTS)),
                when(20),
                null);
    }

    private SubjectPattern pattern() {
        return switch (wide ? dice.between(2, 7) : dice.below(9)) {
            case 0, 8 -> new SubjectPattern.Anyone();
            case 1 -> new SubjectPattern.AnyOfType(dice.pick(SUBJECT_TYPES));
            case 2, 3, 4 ->
                groups.isEmpty()
                        ? new SubjectPattern.Named(POOLS.subject(dice))
                        : new SubjectPattern.Named(new Subject(Subject.GROUP_TYPE, dice.pick(groups)));
            default -> new SubjectPattern.Named(POOLS.subject(dice));
        };
    }

    private Scope scope() {
        return new Scope(
                Optional.ofNullable(dice.maybe(40, () -> dice.anyOf(ENVIRONMENTS, 10))),
                Optional.ofNullable(dice.maybe(40, () -> dice.anyOf(TYPES, 10))),
                Optional.ofNullable(
                        dice.maybe(60, () -> dice.chance(15) ? SCOPED.subList(0, 11) : dice.few(SCOPED, 3))));
    }

    private List<String> names(String prefix, int count) {
        return IntStream.range(0, count)
                .mapToObj(i -> prefix + dice.pick(NAME_SUFFIXES) + (count > 9 ? i : NAME_SUFFIXES.get(i % 6) + i / 6))
                .distinct()
                .toList();
    }

    static Metadata metadata(PolicyScope scope, String name) {
        return new Metadata(scope, name, new TreeMap<>(), null);
    }
}
