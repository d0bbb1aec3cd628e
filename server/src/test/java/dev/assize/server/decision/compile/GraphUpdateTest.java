package dev.assize.server.decision.compile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.decision.evaluate.DecisionGraph;
import dev.assize.server.decision.evaluate.Evaluator;
import dev.assize.server.decision.evaluate.Explainer;
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
import dev.assize.server.policy.Document.FreezeDocument;
import dev.assize.server.policy.Document.FreezeTarget;
import dev.assize.server.policy.Document.GroupDocument;
import dev.assize.server.policy.Document.Permission;
import dev.assize.server.policy.Document.ResourceDocument;
import dev.assize.server.policy.Document.RoleBindingDocument;
import dev.assize.server.policy.Document.RoleDocument;
import dev.assize.server.policy.Document.Scope;
import dev.assize.server.policy.Document.SubjectDocument;
import dev.assize.server.policy.Document.TenantDocument;
import dev.assize.server.policy.DocumentKey;
import dev.assize.server.policy.Kind;
import dev.assize.server.policy.Metadata;
import dev.assize.server.policy.PolicySet;
import dev.assize.server.policy.SourcePlace;
import dev.assize.server.policy.SubjectPattern;
import dev.assize.server.policy.condition.AttributeDeclaration;
import dev.assize.server.policy.condition.AttributeDeclaration.Source;
import dev.assize.server.policy.condition.AttributeType;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.assertj.core.data.Percentage;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What is brought up to date is what would be compiled anew. */
class GraphUpdateTest {

    private static final int WORLDS = Integer.getInteger("assize.fuzz.worlds", 6);
    private static final int LARGE_WORLDS = Math.min(3, WORLDS);
    private static final TenantId ACME = new TenantId("acme");
    private static final TenantId GLOBEX = new TenantId("globex");
    private static final PolicyScope SCOPE = PolicyScope.of(ACME);
    private static final PolicySet PLATFORM = PolicySet.empty(PolicyScope.PLATFORM);
    private static final Instant NOW = Instant.parse("2026-02-22T14:00:00Z");
    private static final List<String> TYPES = List.of("doc", "vault", "agent");
    private static final List<Action> ACTIONS = List.of(new Action("read"), new Action("write"), new Action("delete"));
    private static final List<ResourcePath> PATHS =
            List.of(ResourcePath.parse("doc:1"), ResourcePath.parse("vault:c/doc:1"), ResourcePath.parse("vault:c"));
    private static final List<String> CONDITIONS =
            List.of("action == 'read'", "subject.attr.level > 2", "'group0' in subject.groups");

    private SplittableRandom random = new SplittableRandom();

    /** How many names bindings have. */
    private int names = 60;

    /** How many questions two graphs are compared by: each costs what its subject has of bindings. */
    private int questions = 25;

    @Test
    void anUpdatedGraphAnswersAsOneThatIsCompiled() {
        for (long seed = 1; seed <= WORLDS; seed++) {
            random = new SplittableRandom(seed);
            PolicySet policy = PolicySet.of(SCOPE, new Revision(1), beginning());
            DecisionGraph graph = GraphCompiler.compile(policy, PLATFORM);
            for (int step = 2; step < 25; step++) {
                PolicySet next = changed(policy, new Revision(step));
                DecisionGraph updated = GraphCompiler.update(graph, next, PLATFORM, differing(policy, next));
                requireSame("seed " + seed + ", step " + step, GraphCompiler.compile(next, PLATFORM), updated);
                requireSame("old, seed " + seed, GraphCompiler.compile(policy, PLATFORM), graph);
                policy = next;
                graph = updated;
            }
        }
    }

    @Test
    void thatIsSoOfASubjectOfVeryManyBindings() {
        names = 900;
        questions = 5;
        for (long seed = 1; seed <= LARGE_WORLDS; seed++) {
            random = new SplittableRandom(seed);
            List<Document> documents = beginning();
            for (int i = 40; i < names; i++) {
                SubjectPattern subject = new SubjectPattern.Named(i % 3 == 0 ? group("group0") : user(1));
                documents.add(binding("binding" + i, "role" + i % 5, subject, null));
            }
            documents.removeIf(document -> document.name().equals("group0"));
            documents.add(new GroupDocument(metadata("group0"), SourcePlace.UNKNOWN, List.of(user(1), user(2))));
            PolicySet policy = PolicySet.of(SCOPE, new Revision(1), documents);
            DecisionGraph graph = GraphCompiler.compile(policy, PLATFORM);
            for (int step = 2; step < 30; step++) {
                PolicySet next = changed(policy, new Revision(step));
                DecisionGraph updated = GraphCompiler.update(graph, next, PLATFORM, differing(policy, next));
                requireSame("seed " + seed + ", step " + step, GraphCompiler.compile(next, PLATFORM), updated);
                policy = next;
                graph = updated;
            }
        }
    }

    @Test
    void aRoleOrGroupThatIsStillNamedCannotGo() {
        PolicySet policy = PolicySet.of(SCOPE, new Revision(1), beginning());
        DocumentKey role = new DocumentKey(SCOPE, Kind.ROLE, "role0");
        DocumentKey group = new DocumentKey(SCOPE, Kind.GROUP, "group0");
        policy = policy.with(
                new Revision(2),
                List.of(binding("uses", "role0", new SubjectPattern.Named(group("group0")), null)),
                List.of());
        DecisionGraph graph = GraphCompiler.compile(policy, PLATFORM);
        PolicySet withoutRole = policy.with(new Revision(3), List.of(), List.of(role));
        PolicySet withoutGroup = policy.with(new Revision(3), List.of(), List.of(group));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> GraphCompiler.update(graph, withoutRole, PLATFORM, Set.of(role)));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> GraphCompiler.update(graph, withoutGroup, PLATFORM, Set.of(group)));
    }

    private void requireSame(String place, DecisionGraph expected, DecisionGraph actual) {
        for (int i = 0; i < questions; i++) {
            CheckQuery query = query();
            assertThat(Evaluator.evaluate(actual, query, NOW))
                    .as("%s: %s", place, query)
                    .isEqualTo(Evaluator.evaluate(expected, query, NOW));
            assertThat(Explainer.explain(actual, query, NOW)).isEqualTo(Explainer.explain(expected, query, NOW));
        }
        for (TenantId home : List.of(ACME, GLOBEX)) {
            assertThat(all(actual.knownSubjects(home, null, null)))
                    .as(place)
                    .isEqualTo(all(expected.knownSubjects(home, null, null)));
            assertThat(all(actual.knownSubjects(home, "user", "user:1")))
                    .isEqualTo(all(expected.knownSubjects(home, "user", "user:1")));
            assertThat(actual.wildcards(home, null)).isEqualTo(expected.wildcards(home, null));
        }
        for (String type : TYPES) {
            assertThat(all(actual.knownResources(type, null))).isEqualTo(all(expected.knownResources(type, null)));
            assertThat(actual.knownActions(type)).isEqualTo(expected.knownActions(type));
        }
        assertThat(actual.weightBytes())
                .as("%s: weight", place)
                .isCloseTo(expected.weightBytes(), Percentage.withPercentage(25));
    }

    private static <T> List<T> all(Iterator<T> names) {
        List<T> all = new ArrayList<>();
        names.forEachRemaining(all::add);
        return all;
    }

    private List<Document> beginning() {
        List<Document> documents = new ArrayList<>();
        documents.add(tenant());
        for (int i = 0; i < 5; i++) {
            documents.add(role("role" + i, i));
            documents.add(group("group" + i, i));
        }
        for (int i = 0; i < 40; i++) {
            documents.add(binding("binding" + i));
        }
        return documents;
    }

    /** A few documents put or deleted. Roles and groups stay, bindings, freezes, subjects and resources come and go. */
    private PolicySet changed(PolicySet policy, Revision revision) {
        List<Document> puts = new ArrayList<>();
        List<DocumentKey> deletes = new ArrayList<>();
        for (int i = random.nextInt(1, 5); i > 0; i--) {
            int number = random.nextInt(names);
            switch (random.nextInt(12)) {
                case 0 -> puts.add(role("role" + number % 5, number % 5));
                case 1, 2 -> puts.add(group("group" + number % 5, number % 5));
                case 3 -> puts.add(freeze("freeze" + number % 3));
                case 4 -> deletes.add(new DocumentKey(SCOPE, Kind.FREEZE, "freeze" + number % 3));
                case 5 ->
                    puts.add(new SubjectDocument(
                            metadata(user(number).toString()), SourcePlace.UNKNOWN, user(number), new TreeMap<>()));
                case 6 ->
                    deletes.add(
                            new DocumentKey(SCOPE, Kind.SUBJECT, user(number).toString()));
                case 7 ->
                    puts.add(new ResourceDocument(
                            metadata(PATHS.get(0).value()), SourcePlace.UNKNOWN, PATHS.get(0), new TreeMap<>()));
                case 8 -> deletes.add(new DocumentKey(SCOPE, Kind.ROLE_BINDING, "binding" + number));
                case 9 -> puts.add(tenant());
                default -> puts.add(binding("binding" + number));
            }
        }
        Set<DocumentKey> put = new HashSet<>();
        puts.removeIf(document -> !put.add(document.key()));
        deletes.removeIf(put::contains);
        return policy.with(revision, puts, deletes);
    }

    private static Set<DocumentKey> differing(PolicySet before, PolicySet after) {
        Set<DocumentKey> keys = new HashSet<>();
        before.documents().forEach(document -> keys.add(document.key()));
        after.documents().forEach(document -> keys.add(document.key()));
        keys.removeIf(key -> before.find(key).equals(after.find(key)));
        return keys;
    }

    private CheckQuery query() {
        return new CheckQuery(
                user(random.nextInt(12)),
                pick(PATHS),
                pick(ACTIONS),
                ACME,
                Environment.DEFAULT,
                random.nextInt(5) == 0 ? GLOBEX : ACME);
    }

    /** What conditions are compiled under. */
    private TenantDocument tenant() {
        SortedMap<String, AttributeDeclaration> attributes = new TreeMap<>();
        if (random.nextBoolean()) {
            attributes.put("level", new AttributeDeclaration(AttributeType.parse("int"), Source.EITHER));
        }
        return new TenantDocument(metadata("acme"), SourcePlace.UNKNOWN, List.of(Environment.DEFAULT), attributes);
    }

    private RoleDocument role(String name, int number) {
        List<Permission> permissions = new ArrayList<>();
        for (int i = random.nextInt(3); i >= 0; i--) {
            permissions.add(new Permission(
                    SourcePlace.UNKNOWN,
                    random.nextInt(6) == 0 ? Effect.DENY : Effect.ALLOW,
                    random.nextInt(3) == 0 ? new AnyOf.All<>() : new AnyOf.Listed<>(List.of(pick(TYPES))),
                    random.nextInt(3) == 0 ? new AnyOf.All<>() : new AnyOf.Listed<>(List.of(pick(ACTIONS))),
                    new AnyOf.All<>(),
                    random.nextInt(4) == 0 ? pick(CONDITIONS) : null,
                    List.of()));
        }
        List<String> inherits =
                number > 0 && random.nextBoolean() ? List.of("role" + random.nextInt(number)) : List.of();
        return new RoleDocument(metadata(name), SourcePlace.UNKNOWN, inherits, permissions);
    }

    private GroupDocument group(String name, int number) {
        List<Subject> members = new ArrayList<>(List.of(user(random.nextInt(12)), user(random.nextInt(12))));
        if (number > 0 && random.nextBoolean()) {
            members.add(group("group" + random.nextInt(number)));
        }
        return new GroupDocument(metadata(name), SourcePlace.UNKNOWN, members);
    }

    private RoleBindingDocument binding(String name) {
        SubjectPattern subject = switch (random.nextInt(6)) {
            case 0 -> new SubjectPattern.Anyone();
            case 1 -> new SubjectPattern.AnyOfType("user");
            case 2 -> new SubjectPattern.Named(group("group" + random.nextInt(5)));
            default -> new SubjectPattern.Named(user(random.nextInt(12)));
        };
        boolean ofGroup = subject.toString().startsWith("group:");
        return binding(name, "role" + random.nextInt(5), subject, random.nextInt(5) == 0 && !ofGroup ? GLOBEX : null);
    }

    private RoleBindingDocument binding(
            String name, String role, SubjectPattern subject, @Nullable TenantId fromTenant) {
        return new RoleBindingDocument(
                metadata(name),
                SourcePlace.UNKNOWN,
                List.of(subject),
                role,
                random.nextInt(3) > 0
                        ? Scope.ALL
                        : new Scope(Optional.empty(), Optional.empty(), Optional.of(List.of(pick(PATHS)))),
                fromTenant,
                null,
                random.nextInt(6) == 0 ? NOW.plusSeconds(random.nextInt(-5, 5)) : null,
                random.nextInt(5) == 0 ? pick(CONDITIONS) : null,
                null);
    }

    private FreezeDocument freeze(String name) {
        FreezeTarget target = random.nextBoolean()
                ? new FreezeTarget(user(random.nextInt(12)), null, null, null, null, null, null, false)
                : new FreezeTarget(null, "role" + random.nextInt(5), null, null, null, null, null, false);
        return new FreezeDocument(metadata(name), SourcePlace.UNKNOWN, target, "review", null, null);
    }

    private static Subject user(int number) {
        return new Subject("user", Integer.toString(number));
    }

    private static Subject group(String name) {
        return new Subject(Subject.GROUP_TYPE, name);
    }

    private <T> T pick(List<T> pool) {
        return pool.get(random.nextInt(pool.size()));
    }

    private static Metadata metadata(String name) {
        return new Metadata(SCOPE, name, new TreeMap<>(), null);
    }
}
