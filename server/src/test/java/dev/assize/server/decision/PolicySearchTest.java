package dev.assize.server.decision;

import static dev.assize.server.decision.Policies.ACME;
import static dev.assize.server.decision.Policies.ALICE;
import static dev.assize.server.decision.Policies.tenant;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.decision.check.PointInTime;
import dev.assize.server.decision.evaluate.Evaluator;
import dev.assize.server.decision.search.Search;
import dev.assize.server.decision.search.Search.Surroundings;
import dev.assize.server.decision.search.SearchPage;
import dev.assize.server.model.Action;
import dev.assize.server.model.AttributeValue;
import dev.assize.server.model.Environment;
import dev.assize.server.model.MalformedException;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Revision;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.AnyOf;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.Document.GroupDocument;
import dev.assize.server.policy.Document.ResourceDocument;
import dev.assize.server.policy.Document.ResourceTypeDocument;
import dev.assize.server.policy.Document.RoleBindingDocument;
import dev.assize.server.policy.Document.RoleDocument;
import dev.assize.server.policy.Document.SubjectDocument;
import dev.assize.server.policy.DocumentReader;
import dev.assize.server.policy.PolicySet;
import dev.assize.server.policy.SubjectPattern;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** A search is a filter of the names that the policy knows by the whole decision; here it is written as one. */
class PolicySearchTest {

    private static final long SEED = Long.getLong("assize.fuzz.seed", 20_260_301L);
    private static final int WORLDS = Integer.getInteger("assize.fuzz.worlds", 150);
    private static final int SEARCHES_A_WORLD = 6;
    private static final Duration LONG = Duration.ofHours(1);

    private final AtomicReference<Instant> now = new AtomicReference<>(Instant.parse("2026-02-22T14:00:00Z"));
    private final FakePolicySource source = new FakePolicySource();
    private final AtomicReference<WorldRecords> records = new AtomicReference<>(WorldRecords.NONE);
    private final DecisionConfig config = WorldPdp.CONFIG;
    private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
    private final DecisionMetrics metrics = new DecisionMetrics(registry);

    @Test
    void findsExactlyWhatACheckAllows() {
        int found = 0;
        for (int i = 0; i < WORLDS; i++) {
            found += new Played(SEED + i).found();
        }
        assertThat(found).as("names found in all").isGreaterThan(WORLDS);
    }

    @Test
    void goesOnWhereTheTimeWasUp() {
        Subject bob = new Subject("user", "bob");
        source.put(tenant(ACME, 1, ALICE, bob));
        Room room = new Room();
        Search search = new Search.Subjects(
                null, ResourcePath.parse("doc:1"), new Action("read"), at(ACME, Environment.DEFAULT));
        SearchPage first = room.searches.search(search, PointInTime.NOW, null, 10, Duration.ZERO);
        assertThat(first.found()).containsExactly("user:alice");
        assertThat(first.next()).isEqualTo("user:alice");
        SearchPage second = room.searches.search(search, PointInTime.NOW, first.next(), 10, Duration.ZERO);
        assertThat(second.found()).containsExactly("user:bob");
        assertThat(second.next()).isNull();
    }

    @Test
    void whereNoTypeIsDeclaredTheActionsAreThoseThatPermissionsNameForIt() {
        String yaml = """
                apiVersion: assize.dev/v1
                kind: Tenant
                metadata: {name: acme}
                spec: {environments: [default]}
                ---
                apiVersion: assize.dev/v1
                kind: Role
                metadata: {tenant: acme, name: r}
                spec:
                  permissions:
                    - {resources: [doc], actions: [write, read]}
                    - {resources: [doc, vault], actions: [read, list]}
                    - {resources: [vault], actions: [open]}
                    - {resources: ["*"], actions: [audit]}
                    - {resources: [doc], actions: ["*"]}
                ---
                apiVersion: assize.dev/v1
                kind: RoleBinding
                metadata: {tenant: acme, name: b}
                spec: {subjects: ["user:alice"], role: r}
                """;
        source.put(acme(yaml));
        Search search = new Search.Actions(ALICE, ResourcePath.parse("doc:1"), at(ACME, Environment.DEFAULT));
        PolicySearch searches = new Room().searches;
        assertThat(searches.search(search, PointInTime.NOW, null, 10, LONG).found())
                .containsExactly("audit", "list", "read", "write");
        assertThat(searches.search(search, PointInTime.NOW, "list", 10, LONG).found())
                .containsExactly("read", "write");
    }

    @Test
    void whoeverIsMeantWithoutAnIdIsToldByTheWildcard() {
        String yaml = """
                apiVersion: assize.dev/v1
                kind: Tenant
                metadata: {name: acme}
                spec: {environments: [default]}
                ---
                apiVersion: assize.dev/v1
                kind: Role
                metadata: {tenant: acme, name: r}
                spec: {permissions: [{resources: [doc], actions: [read]}]}
                ---
                apiVersion: assize.dev/v1
                kind: RoleBinding
                metadata: {tenant: acme, name: b}
                spec: {subjects: ["user:*", "user:alice", "bot:*", "agent:*"], role: r}
                """;
        assertThat(wildcards(yaml, null)).containsExactly("agent:*", "bot:*", "user:*");
        assertThat(wildcards(yaml, "user")).containsExactly("user:*");
        assertThat(wildcards(yaml, "service")).isEmpty();
        String anyone = yaml.replace("\"bot:*\"", "\"*\"");
        assertThat(wildcards(anyone, null)).containsExactly("*", "agent:*", "user:*");
        assertThat(wildcards(anyone, "service")).containsExactly("*");
    }

    private List<String> wildcards(String yaml, @Nullable String subjectType) {
        source.put(acme(yaml));
        Search search = new Search.Subjects(
                subjectType, ResourcePath.parse("doc:1"), new Action("read"), at(ACME, Environment.DEFAULT));
        return new Room()
                .searches
                .search(search, PointInTime.NOW, null, 10, LONG)
                .wildcards();
    }

    private static PolicySet acme(String yaml) {
        return PolicySet.of(
                PolicyScope.of(ACME),
                new Revision(1),
                DocumentReader.read("acme.yaml", 1, yaml.getBytes(StandardCharsets.UTF_8))
                        .documents());
    }

    @Test
    void refusesAPageOfNothing() {
        Search search = new Search.Actions(ALICE, ResourcePath.parse("doc:1"), at(ACME, Environment.DEFAULT));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new Room().searches.search(search, PointInTime.NOW, null, 0, LONG));
    }

    @Test
    void endsAPageWhereItIsFullAndCountsWhatItLookedAt() {
        Subject bob = new Subject("user", "bob");
        Subject carol = new Subject("user", "carol");
        source.put(tenant(ACME, 1, ALICE, bob, carol));
        Room room = new Room();
        Search search = new Search.Subjects(
                null, ResourcePath.parse("doc:1"), new Action("read"), at(ACME, Environment.DEFAULT));
        SearchPage page = room.searches.search(search, PointInTime.NOW, null, 2, LONG);
        assertThat(page.found()).containsExactly("user:alice", "user:bob");
        assertThat(page.next()).isEqualTo("user:bob");
        assertThat(registry.get("assize.decision.search.candidates").counter().count())
                .isEqualTo(2);
        assertThat(registry.get("assize.decision.search.duration")
                        .tag("kind", "subjects")
                        .timer()
                        .count())
                .isEqualTo(1);
    }

    @Test
    void findsNothingWhereThereIsNoTenant() {
        SearchPage page = new Room()
                .searches.search(
                        new Search.Actions(ALICE, ResourcePath.parse("doc:1"), at(ACME, Environment.DEFAULT)),
                        PointInTime.NOW,
                        null,
                        1,
                        LONG);
        assertThat(page).isEqualTo(new SearchPage(List.of(), List.of(), null));
    }

    @Test
    void refusesAnAttributeOfAnotherTypeAlsoWhereNobodyIsKnown() {
        String yaml = """
                apiVersion: assize.dev/v1
                kind: Tenant
                metadata: {name: acme}
                spec:
                  environments: [default]
                  subjectAttributes: {level: {type: int}}
                """;
        source.put(PolicySet.of(
                PolicyScope.of(ACME),
                new Revision(1),
                DocumentReader.read("acme.yaml", 1, yaml.getBytes(StandardCharsets.UTF_8))
                        .documents()));
        Surroundings surroundings = new Surroundings(
                ACME,
                Environment.DEFAULT,
                ACME,
                Map.of("level", new AttributeValue.Text("high")),
                Map.of(),
                Map.of(),
                List.of(),
                null,
                null);
        ResourcePath document = ResourcePath.parse("doc:1");
        Action read = new Action("read");
        for (Search search : List.of(
                new Search.Subjects("robot", document, read, surroundings),
                new Search.Resources(ALICE, read, "nothing", surroundings),
                new Search.Actions(ALICE, ResourcePath.parse("nothing"), surroundings))) {
            assertThatThrownBy(() -> new Room().searches.search(search, PointInTime.NOW, null, 10, LONG))
                    .isInstanceOf(MalformedException.class)
                    .hasMessageContaining("subject_attributes[level]");
        }
    }

    private static Surroundings at(TenantId tenant, Environment env) {
        return new Surroundings(tenant, env, tenant, Map.of(), Map.of(), Map.of(), List.of(), null, null);
    }

    /** The services over one cache, which another world must not meet. */
    private final class Room {

        private final GraphCache graphs = new GraphCache(source, config, Clocks.steady(now::get), metrics);
        private final Moments moments = new Moments(
                graphs, new PastGraphs(source, graphs, config, now::get, metrics), config, now::get, metrics);
        private final Decisions decisions = new Decisions(
                (tenant, actor, resource, actions, until) ->
                        known().firstPerformed(tenant, actor, resource, actions, until),
                (tenant, subject, home, action, resource, env, until) ->
                        known().find(tenant, subject, home, action, resource, env, until),
                metrics,
                Evaluator::evaluate);
        private final PolicyDecisionPoint pdp =
                new PolicyDecisionPoint(graphs, source, moments, decisions, now::get, metrics);
        private final PolicySearch searches = new PolicySearch(moments, decisions, now::get, metrics);

        /** What was done and approved by now. */
        private WorldRecords known() {
            return records.get().at(now.get());
        }
    }

    /** Random searches of one random world. */
    private final class Played {

        private final long seed;
        private final World world;
        private final SplittableRandom random;
        private final Room room = new Room();

        Played(long seed) {
            this.seed = seed;
            this.world = new World(seed);
            this.random = new SplittableRandom(seed);
            source.put(world.tenant()).put(world.platform());
            records.set(world.records());
        }

        int found() {
            int found = 0;
            for (int i = 0; i < SEARCHES_A_WORLD; i++) {
                CheckQuery query = world.query();
                now.set(world.moment(query));
                found += subjects(query) + resources(query) + actions(query);
            }
            return found;
        }

        private int subjects(CheckQuery query) {
            String type = random.nextBoolean() ? query.subject().type() : null;
            Search.Subjects search = new Search.Subjects(type, query.resource(), query.action(), surroundings(query));
            return agrees(
                    query,
                    search,
                    subjects(query.subjectTenant())
                            .filter(subject -> type == null || subject.type().equals(type)),
                    search::about);
        }

        private int resources(CheckQuery query) {
            Search.Resources search = new Search.Resources(
                    query.subject(), query.action(), query.resource().type(), surroundings(query));
            return agrees(
                    query, search, paths().filter(path -> path.type().equals(search.resourceType())), search::about);
        }

        private int actions(CheckQuery query) {
            Search.Actions search = new Search.Actions(query.subject(), query.resource(), surroundings(query));
            return agrees(query, search, known(query.resource().type()), search::about);
        }

        private <T> int agrees(
                CheckQuery query, Search search, Stream<T> candidates, Function<T, CheckQuery> question) {
            List<String> expected;
            try {
                room.pdp.evaluate(query);
                expected = allowed(candidates, question);
            } catch (MalformedException malformed) {
                assertThatThrownBy(() -> pages(search, 1_000_000))
                        .as("what no check answers, seed %d: %s", seed, search)
                        .isInstanceOf(MalformedException.class);
                return 0;
            }
            List<String> whole = pages(search, 1_000_000);
            assertThat(whole)
                    .as("one page of %s, seed %d at %s\n%s", search, seed, now, world)
                    .isEqualTo(expected);
            assertThat(pages(search, 1 + random.nextInt(4)))
                    .as("many pages of %s, seed %d at %s\n%s", search, seed, now, world)
                    .isEqualTo(expected);
            return expected.size();
        }

        private <T> List<String> allowed(Stream<T> candidates, Function<T, CheckQuery> question) {
            return candidates
                    .distinct()
                    .filter(name ->
                            room.pdp.evaluate(question.apply(name)).reason().isAllow())
                    .map(Object::toString)
                    .sorted((left, right) -> Arrays.compareUnsigned(
                            left.getBytes(StandardCharsets.UTF_8), right.getBytes(StandardCharsets.UTF_8)))
                    .toList();
        }

        private List<String> pages(Search search, int limit) {
            List<String> found = new ArrayList<>();
            @Nullable String after = null;
            do {
                SearchPage page = room.searches.search(search, PointInTime.NOW, after, limit, LONG);
                assertThat(page.found()).hasSizeLessThanOrEqualTo(limit);
                found.addAll(page.found());
                after = page.next();
            } while (after != null);
            return found;
        }

        private Surroundings surroundings(CheckQuery query) {
            return new Surroundings(
                    query.tenant(),
                    query.env(),
                    query.subjectTenant(),
                    query.subjectAttributes(),
                    query.resourceAttributes(),
                    query.context(),
                    query.activeRoles(),
                    query.onBehalfOf(),
                    query.runId());
        }

        private Stream<Subject> subjects(TenantId home) {
            Stream<Subject> bound = of(RoleBindingDocument.class)
                    .filter(binding -> (binding.fromTenant() == null ? ACME : binding.fromTenant()).equals(home))
                    .flatMap(binding -> binding.subjects().stream())
                    .flatMap(pattern -> pattern instanceof SubjectPattern.Named(Subject subject)
                            ? Stream.of(subject)
                            : Stream.empty());
            Stream<Subject> own = Stream.concat(
                    of(GroupDocument.class).flatMap(group -> group.members().stream()),
                    of(SubjectDocument.class).map(SubjectDocument::subject));
            return (home.equals(ACME) ? Stream.concat(bound, own) : bound).filter(subject -> !subject.isGroup());
        }

        private Stream<ResourcePath> paths() {
            return Stream.concat(
                    of(ResourceDocument.class).map(ResourceDocument::resource),
                    of(RoleBindingDocument.class)
                            .flatMap(binding -> binding.scopeOfGrant().resources().stream())
                            .flatMap(List::stream));
        }

        private Stream<Action> known(String type) {
            Set<ResourceTypeDocument> declared = of(ResourceTypeDocument.class).collect(Collectors.toSet());
            if (!declared.isEmpty()) {
                return declared.stream()
                        .filter(document -> document.name().equals(type))
                        .flatMap(document -> document.actions().stream());
            }
            Set<Action> named = new HashSet<>();
            of(RoleDocument.class).flatMap(role -> role.permissions().stream()).forEach(permission -> {
                if (permission.resources().contains(type)
                        && permission.actions() instanceof AnyOf.Listed<Action>(List<Action> listed)) {
                    named.addAll(listed);
                }
            });
            return named.stream();
        }

        private <D extends Document> Stream<D> of(Class<D> kind) {
            return Stream.concat(world.tenant().ofKind(kind).stream(), world.platform().ofKind(kind).stream());
        }
    }
}
