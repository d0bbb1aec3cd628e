package dev.assize.benchmarks;

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
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Tenants of one shape: 20 types of 20 actions in 4 environments, 20 roles of 10 random permissions each, 200 users
 * with 5 direct bindings of one user and one role each (1,000 bindings), and besides, each of one user or group: a
 * deny, a group, a scope and a time. Requests are asked with fresh strings, as if they had come over the wire.
 */
final class DecisionWorld {

    static final Instant NOW = Instant.parse("2026-02-22T14:00:00Z");
    static final int USERS = 200;

    private static final int TYPES = 20;
    private static final int ACTIONS = 20;
    private static final int ROLES = 20;
    private static final int PERMISSIONS = 10;
    private static final int ROLES_OF_A_USER = 5;
    private static final List<String> ENVIRONMENTS = List.of("default", "test", "staging", "production");

    private DecisionWorld() {}

    static TenantId tenantId(int index) {
        return new TenantId("tenant-" + index);
    }

    static PolicySet platform() {
        return PolicySet.empty(PolicyScope.PLATFORM);
    }

    /** The policy of a tenant; the same for the same index. */
    static PolicySet tenant(int index) {
        SplittableRandom random = new SplittableRandom(index);
        PolicyScope scope = PolicyScope.of(tenantId(index));
        List<Document> documents = new ArrayList<>();
        documents.add(new TenantDocument(
                metadata(scope, tenantId(index).value()),
                SourcePlace.UNKNOWN,
                ENVIRONMENTS.stream().map(Environment::new).toList(),
                new TreeMap<>()));
        List<Action> actions =
                IntStream.range(0, ACTIONS).mapToObj(DecisionWorld::action).toList();
        for (int type = 0; type < TYPES; type++) {
            documents.add(new ResourceTypeDocument(
                    metadata(scope, "type" + type), SourcePlace.UNKNOWN, actions, new TreeMap<>(), new TreeMap<>()));
        }
        for (int role = 0; role < ROLES; role++) {
            documents.add(role(scope, "role-" + role, permissions(random)));
        }
        for (int user = 0; user < USERS; user++) {
            for (int i = 0; i < ROLES_OF_A_USER; i++) {
                documents.add(binding(
                        scope, "user-" + user + "-" + i, user(user), "role-" + random.nextInt(ROLES), Scope.ALL, null));
            }
        }
        documents.addAll(specials(scope));
        return PolicySet.of(scope, new Revision(1), documents);
    }

    /** A random request, most of which some role covers. */
    static CheckQuery random(SplittableRandom random, int tenant) {
        return query(
                tenant,
                user(random.nextInt(USERS)),
                "type" + random.nextInt(TYPES) + ":" + random.nextInt(1_000),
                action(random.nextInt(ACTIONS)),
                ENVIRONMENTS.get(random.nextInt(ENVIRONMENTS.size())));
    }

    static CheckQuery query(int tenant, Subject subject, String resource, Action action, String environment) {
        TenantId tenantId = tenantId(tenant);
        return new CheckQuery(
                fresh(subject),
                ResourcePath.parse(resource),
                new Action(fresh(action.value())),
                tenantId,
                new Environment(fresh(environment)),
                tenantId);
    }

    static Subject user(int index) {
        return new Subject("user", "user-" + index + "@example.com");
    }

    static Action action(int index) {
        return new Action("action" + index);
    }

    private static Subject fresh(Subject subject) {
        return new Subject(fresh(subject.type()), fresh(subject.id()));
    }

    /** Equal, but with neither identity nor a remembered hash code. */
    private static String fresh(String text) {
        return new String(text.toCharArray());
    }

    private static List<Permission> permissions(SplittableRandom random) {
        return IntStream.range(0, PERMISSIONS)
                .mapToObj(i -> permission(
                        Effect.ALLOW,
                        "type" + random.nextInt(TYPES),
                        action(random.nextInt(ACTIONS)),
                        random.nextInt(2) == 0
                                ? new AnyOf.All<>()
                                : new AnyOf.Listed<>(List.of(
                                        new Environment(ENVIRONMENTS.get(random.nextInt(ENVIRONMENTS.size())))))))
                .toList();
    }

    /** Subjects `service:…` of their own for each way to be allowed or denied. */
    private static List<Document> specials(PolicyScope scope) {
        Permission everything = permission(Effect.ALLOW, "type0", action(0), new AnyOf.All<>());
        Permission nothing = permission(Effect.DENY, "type0", action(0), new AnyOf.All<>());
        Subject group = new Subject(Subject.GROUP_TYPE, "outer");
        return List.of(
                role(scope, "special", List.of(everything)),
                role(scope, "special-deny", List.of(nothing)),
                group(scope, "inner", service("of-group")),
                group(scope, "outer", new Subject(Subject.GROUP_TYPE, "inner")),
                binding(scope, "direct", service("direct"), "special", Scope.ALL, null),
                binding(scope, "denied", service("denied"), "special", Scope.ALL, null),
                binding(scope, "denied-too", service("denied"), "special-deny", Scope.ALL, null),
                binding(scope, "of-group", group, "special", Scope.ALL, null),
                binding(
                        scope,
                        "scoped",
                        service("scoped"),
                        "special",
                        new Scope(
                                Optional.of(new AnyOf.Listed<>(List.of(new Environment("production")))),
                                Optional.empty(),
                                Optional.of(List.of(ResourcePath.parse("type1:a"), ResourcePath.parse("type1:b")))),
                        null),
                binding(scope, "timed", service("timed"), "special", Scope.ALL, NOW.plusSeconds(3_600)));
    }

    static Subject service(String id) {
        return new Subject("service", id);
    }

    private static RoleDocument role(PolicyScope scope, String name, List<Permission> permissions) {
        return new RoleDocument(metadata(scope, name), SourcePlace.UNKNOWN, List.of(), permissions);
    }

    private static Permission permission(Effect effect, String type, Action action, AnyOf<Environment> environments) {
        return new Permission(
                SourcePlace.UNKNOWN,
                effect,
                new AnyOf.Listed<>(List.of(type)),
                new AnyOf.Listed<>(List.of(action)),
                environments,
                null,
                List.of());
    }

    private static GroupDocument group(PolicyScope scope, String name, Subject member) {
        return new GroupDocument(metadata(scope, name), SourcePlace.UNKNOWN, List.of(member));
    }

    private static RoleBindingDocument binding(
            PolicyScope policy, String name, Subject subject, String role, Scope scope, @Nullable Instant notAfter) {
        return new RoleBindingDocument(
                metadata(policy, name),
                SourcePlace.UNKNOWN,
                List.of(new SubjectPattern.Named(subject)),
                role,
                scope,
                null,
                null,
                notAfter,
                null,
                null);
    }

    private static Metadata metadata(PolicyScope scope, String name) {
        return new Metadata(scope, name, new TreeMap<>(), null);
    }
}
