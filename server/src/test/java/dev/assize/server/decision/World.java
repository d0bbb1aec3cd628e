package dev.assize.server.decision;

import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Revision;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.AnyOf;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.Document.Effect;
import dev.assize.server.policy.Document.GroupDocument;
import dev.assize.server.policy.Document.Obligation;
import dev.assize.server.policy.Document.Permission;
import dev.assize.server.policy.Document.ResourceTypeDocument;
import dev.assize.server.policy.Document.RoleBindingDocument;
import dev.assize.server.policy.Document.RoleDocument;
import dev.assize.server.policy.Document.Scope;
import dev.assize.server.policy.Document.TenantDocument;
import dev.assize.server.policy.Metadata;
import dev.assize.server.policy.PolicySet;
import dev.assize.server.policy.SourcePlace;
import dev.assize.server.policy.SubjectPattern;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A random tenant and platform, and random requests to it. The pools of names are small and full of near misses
 * (prefixes, other cases, other homes), and moments are those of the bindings' boundaries or a nanosecond beside, so
 * that requests meet edges more often than not.
 */
final class World {

    private static final TenantId TENANT = new TenantId("acme");
    private static final List<TenantId> HOMES = List.of(TENANT, new TenantId("acme2"), new TenantId("Acme"));
    private static final List<String> TYPES = List.of("doc", "docs", "vault", "agent", "do");
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
    private static final Instant EPOCH = Instant.parse("2026-02-22T14:00:00Z");
    private static final List<Instant> MOMENTS = Stream.of(-48, -24, -1, 0, 1, 5, 23, 24, 25, 48)
            .map(hours -> EPOCH.plus(Duration.ofHours(hours)))
            .toList();

    /** The order of UTF-8 is not that of Java's strings for the last two. */
    private static final List<String> NAME_SUFFIXES = List.of("", "-b", "B", "z", "\uFF5E", "\uD83D\uDE00");

    private final SplittableRandom random;

    /** More roles than a long has bits, and nobody who has most of them. */
    private final boolean wide;

    private final PolicySet tenant;
    private final PolicySet platform;

    World(long seed) {
        random = new SplittableRandom(seed);
        wide = chance(5);
        List<String> roles = names("role", wide ? 150 : 1 + random.nextInt(7));
        int ofPlatform = random.nextInt(roles.size());
        List<Document> forPlatform = new ArrayList<>();
        List<Document> forTenant = new ArrayList<>();
        forTenant.add(new TenantDocument(
                metadata(PolicyScope.of(TENANT), TENANT.value()),
                SourcePlace.UNKNOWN,
                chance(80) ? ENVIRONMENTS : some(ENVIRONMENTS),
                new TreeMap<>()));
        declareTypes(forPlatform, forTenant);
        for (int i = 0; i < roles.size(); i++) {
            // Roles inherit from those before them, which are the platform's first: no cycles, nothing dangling.
            PolicyScope scope = i < ofPlatform ? PolicyScope.PLATFORM : PolicyScope.of(TENANT);
            (i < ofPlatform ? forPlatform : forTenant).add(role(scope, roles.get(i), roles.subList(0, i)));
        }
        List<String> groups = names("group", random.nextInt(6));
        for (int i = 0; i < groups.size(); i++) {
            forTenant.add(group(groups.get(i), groups.subList(0, i)));
        }
        for (String name : names("binding", wide ? 120 : random.nextInt(20))) {
            forTenant.add(binding(name, pick(roles), groups));
        }
        tenant = PolicySet.of(PolicyScope.of(TENANT), new Revision(random.nextInt(1, 100)), forTenant);
        platform = PolicySet.of(PolicyScope.PLATFORM, new Revision(random.nextInt(100)), forPlatform);
    }

    PolicySet tenant() {
        return tenant;
    }

    PolicySet platform() {
        return platform;
    }

    CheckQuery query() {
        return new CheckQuery(
                subject(), pick(ASKED), pick(ACTIONS), TENANT, pick(ENVIRONMENTS), chance(80) ? TENANT : pick(HOMES));
    }

    Instant moment() {
        return pick(MOMENTS).plusNanos(random.nextInt(-1, 2));
    }

    /** A moment from the one to just before the other. */
    Instant between(Instant from, Instant to) {
        Duration span = Duration.between(from, to);
        return switch (random.nextInt(3)) {
            case 0 -> to.minusNanos(1);
            case 1 -> from.plusNanos(random.nextLong(span.toNanos()));
            default -> {
                Instant moment = moment();
                yield moment.isBefore(from) || !moment.isBefore(to) ? from : moment;
            }
        };
    }

    /** The documents, for people to read. */
    @Override
    public String toString() {
        return Stream.concat(platform.documents().stream(), tenant.documents().stream())
                .map(World::text)
                .collect(Collectors.joining("\n"));
    }

    private static String text(Document document) {
        String head = document.key() + " of " + document.scope() + ": ";
        return head
                + switch (document) {
                    case TenantDocument it -> "environments " + it.environments();
                    case ResourceTypeDocument it -> "actions " + it.actions() + " implies " + it.implies();
                    case RoleDocument it ->
                        "inherits " + it.inherits()
                                + it.permissions().stream().map(World::text).collect(Collectors.joining());
                    case GroupDocument it -> "members " + it.members();
                    case Document.SubjectDocument it -> it.toString();
                    case Document.ResourceDocument it -> it.toString();
                    case Document.SeparationOfDutyDocument it -> it.toString();
                    case Document.ApprovalRuleDocument it -> it.toString();
                    case Document.FreezeDocument it -> it.toString();
                    case RoleBindingDocument it ->
                        "role " + it.role() + " subjects " + it.subjects() + " scope "
                                + it.scopeOfGrant() + " fromTenant " + it.fromTenant() + " [" + it.notBefore() + ", "
                                + it.notAfter() + ")";
                };
    }

    private static String text(Permission it) {
        return "\n    - " + it.effect() + " resources " + it.resources() + " actions " + it.actions() + " environments "
                + it.environments() + " obligations " + it.obligations();
    }

    private void declareTypes(List<Document> forPlatform, List<Document> forTenant) {
        if (chance(25)) {
            return;
        }
        for (String type : chance(80) ? TYPES : some(TYPES)) {
            boolean ofPlatform = chance(40);
            PolicyScope scope = ofPlatform ? PolicyScope.PLATFORM : PolicyScope.of(TENANT);
            List<Action> actions = chance(80) ? ACTIONS : some(ACTIONS);
            SortedMap<Action, AnyOf<Action>> implies = new TreeMap<>();
            actions.stream().filter(any -> chance(40)).forEach(action -> implies.put(action, anyOf(actions, 15)));
            (ofPlatform ? forPlatform : forTenant)
                    .add(new ResourceTypeDocument(
                            metadata(scope, type), SourcePlace.UNKNOWN, actions, implies, new TreeMap<>()));
        }
    }

    private RoleDocument role(PolicyScope scope, String name, List<String> inheritable) {
        List<String> inherits = inheritable.isEmpty() || chance(40) ? List.of() : few(inheritable, 2);
        return new RoleDocument(
                metadata(scope, name),
                SourcePlace.UNKNOWN,
                inherits,
                IntStream.range(0, random.nextInt(4))
                        .mapToObj(i -> permission())
                        .toList());
    }

    private Permission permission() {
        return new Permission(
                SourcePlace.UNKNOWN,
                chance(15) ? Effect.DENY : Effect.ALLOW,
                anyOf(TYPES, 40),
                anyOf(ACTIONS, 30),
                chance(60) ? new AnyOf.All<>() : anyOf(ENVIRONMENTS, 10),
                null,
                chance(60)
                        ? List.of()
                        : IntStream.range(0, 2).mapToObj(i -> obligation()).toList());
    }

    private Obligation obligation() {
        return new Obligation(
                pick(List.of("log", "mfa", "log\uFF5E", "log\uD83D\uDE00")),
                pick(List.of("audit", "step-up")),
                chance(50) ? new TreeMap<>() : new TreeMap<>(Map.of("level", pick(List.of("1", "2")))));
    }

    private GroupDocument group(String name, List<String> nestable) {
        List<Subject> members = new ArrayList<>(IntStream.range(0, 1 + random.nextInt(3))
                .mapToObj(i -> subject())
                .toList());
        if (!nestable.isEmpty() && chance(60)) {
            members.add(new Subject(Subject.GROUP_TYPE, pick(nestable)));
        }
        return new GroupDocument(
                metadata(PolicyScope.of(TENANT), name),
                SourcePlace.UNKNOWN,
                members.stream().distinct().toList());
    }

    private RoleBindingDocument binding(String name, String role, List<String> groups) {
        List<SubjectPattern> subjects = IntStream.range(0, 1 + random.nextInt(3))
                .mapToObj(i -> pattern(groups))
                .distinct()
                .toList();
        Instant notBefore = maybe(35, () -> pick(MOMENTS));
        Instant notAfter = maybe(35, () -> pick(MOMENTS));
        return new RoleBindingDocument(
                metadata(PolicyScope.of(TENANT), name),
                SourcePlace.UNKNOWN,
                subjects,
                role,
                chance(50) ? Scope.ALL : scope(),
                maybe(20, () -> pick(HOMES)),
                notBefore,
                notAfter,
                null,
                null);
    }

    private SubjectPattern pattern(List<String> groups) {
        return switch (random.nextInt(wide ? 2 : 0, 8)) {
            case 0 -> new SubjectPattern.Anyone();
            case 1 -> new SubjectPattern.AnyOfType(pick(SUBJECT_TYPES));
            case 2, 3, 4 ->
                groups.isEmpty()
                        ? new SubjectPattern.Named(subject())
                        : new SubjectPattern.Named(new Subject(Subject.GROUP_TYPE, pick(groups)));
            default -> new SubjectPattern.Named(subject());
        };
    }

    private Scope scope() {
        return new Scope(
                Optional.ofNullable(maybe(40, () -> anyOf(ENVIRONMENTS, 10))),
                Optional.ofNullable(maybe(40, () -> anyOf(TYPES, 10))),
                Optional.ofNullable(maybe(60, () -> chance(15) ? SCOPED.subList(0, 11) : few(SCOPED, 3))));
    }

    private Subject subject() {
        return new Subject(pick(SUBJECT_TYPES), pick(SUBJECT_IDS));
    }

    private List<String> names(String prefix, int count) {
        return IntStream.range(0, count)
                .mapToObj(i -> prefix + pick(NAME_SUFFIXES) + (count > 9 ? i : NAME_SUFFIXES.get(i % 6) + i / 6))
                .distinct()
                .toList();
    }

    private static Metadata metadata(PolicyScope scope, String name) {
        return new Metadata(scope, name, new TreeMap<>(), null);
    }

    private <T> AnyOf<T> anyOf(List<T> pool, int percentAll) {
        return chance(percentAll) ? new AnyOf.All<>() : new AnyOf.Listed<>(few(pool, 3));
    }

    private <T> List<T> some(List<T> pool) {
        return few(pool, pool.size());
    }

    private <T> List<T> few(List<T> pool, int atMost) {
        return IntStream.range(0, 1 + random.nextInt(atMost))
                .mapToObj(i -> pick(pool))
                .distinct()
                .toList();
    }

    private <T> @Nullable T maybe(int percent, Supplier<T> value) {
        return chance(percent) ? value.get() : null;
    }

    private <T> T pick(List<T> pool) {
        return pool.get(random.nextInt(pool.size()));
    }

    private boolean chance(int percent) {
        return random.nextInt(100) < percent;
    }
}
