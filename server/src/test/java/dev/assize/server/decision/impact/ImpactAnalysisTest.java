package dev.assize.server.decision.impact;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.decision.DirectedChange;
import dev.assize.server.decision.RandomChange;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.decision.compile.GraphCompiler;
import dev.assize.server.decision.evaluate.DecisionGraph;
import dev.assize.server.decision.evaluate.Evaluator;
import dev.assize.server.decision.evaluate.Prospect;
import dev.assize.server.decision.evaluate.Verdict;
import dev.assize.server.decision.impact.ImpactAnalysis.Pair;
import dev.assize.server.decision.impact.Universe.Place;
import dev.assize.server.model.Action;
import dev.assize.server.model.MalformedException;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Revision;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.DocumentReader;
import dev.assize.server.policy.PolicySet;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * The impact of random changes is exactly the difference. More of them, and others, run with
 *
 * <pre>-Dassize.fuzz.worlds=2000 -Dassize.fuzz.seed=7</pre>
 */
final class ImpactAnalysisTest {

    private static final long SEED = Long.getLong("assize.fuzz.seed", 20_261_122L);
    private static final int WORLDS = Integer.getInteger("assize.fuzz.worlds", 4);
    private static final int CHANGES = 5;
    private static final int DIRECTED = 25 * WORLDS;

    @Test
    void impactIsExactlyTheDifference() {
        AtomicInteger lines = new AtomicInteger();
        RandomChange.each(SEED, WORLDS, CHANGES, 0, change -> lines.addAndGet(compare(change)));
        assertThat(lines.get()).as("lines that were compared").isGreaterThan(WORLDS);
    }

    /** Of one document in a world that is made for it: what a large one says elsewhere may hide it. */
    @Test
    void impactOfOneDocumentIsExactlyTheDifference() {
        AtomicInteger lines = new AtomicInteger();
        DirectedChange.each(SEED, DIRECTED, 0, change -> {
            if (holdsTogether(change)) {
                lines.addAndGet(compare(change));
            }
        });
        assertThat(lines.get()).as("lines that were compared").isGreaterThan(DIRECTED);
    }

    /** What dangles is refused before anything is compared. */
    private static boolean holdsTogether(RandomChange change) {
        try {
            DecisionGraph _ = GraphCompiler.compile(change.tenantAfter(), change.platformAfter());
            return true;
        } catch (IllegalArgumentException dangling) {
            return false;
        }
    }

    private static int compare(RandomChange change) {
        PolicyState before = new PolicyState(change.tenantBefore(), change.platformBefore());
        PolicyState after = new PolicyState(change.tenantAfter(), change.platformAfter());
        Impact impact =
                ImpactAnalysis.of(before, after, change.changed(), change.now(), Long.MAX_VALUE / 2, Integer.MAX_VALUE);
        Set<Impact.Line> expected = new ImpactReference(before, after, change.changed(), change.now()).lines();
        Set<Impact.Line> actual = new HashSet<>(impact.lines());
        Set<Impact.Line> missing = new HashSet<>(expected);
        missing.removeAll(actual);
        Set<Impact.Line> surplus = new HashSet<>(actual);
        surplus.removeAll(expected);
        assertThat(missing)
                .as("missing of %s, seed %d", change.changed(), change.seed())
                .isEmpty();
        assertThat(surplus)
                .as("surplus of %s, seed %d", change.changed(), change.seed())
                .isEmpty();
        assertThat(impact.lineCount()).isEqualTo(actual.size());
        return actual.size();
    }

    @Test
    void whatIsSaidAheadHoldsForEveryRequest() {
        AtomicInteger certain = new AtomicInteger();
        AtomicInteger conditional = new AtomicInteger();
        RandomChange.each(SEED, WORLDS * 2, CHANGES, 60, change -> {
            PolicyState before = new PolicyState(change.tenantBefore(), change.platformBefore());
            PolicyState after = new PolicyState(change.tenantAfter(), change.platformAfter());
            ImpactReference reference = new ImpactReference(before, after, change.changed(), change.now());
            DecisionGraph was = GraphCompiler.compile(before.tenant(), before.platform());
            DecisionGraph is = GraphCompiler.compile(after.tenant(), after.platform());
            for (CheckQuery query : change.queries()) {
                if (!query.activeRoles().isEmpty()) {
                    continue;
                }
                Pair pair = ahead(reference, query);
                Boolean earlier = allows(was, query, change);
                Boolean later = allows(is, query, change);
                if (pair == null || earlier == null || later == null) {
                    continue;
                }
                String place = query + " at " + change.now() + ", seed " + change.seed() + ": " + pair;
                require(pair.from(), earlier, place);
                require(pair.to(), later, place);
                if (!pair.differs()) {
                    assertThat(later).as("%s", place).isEqualTo(earlier);
                }
                if (!pair.to().gives(pair.from()) && later) {
                    assertThat(earlier).as("given: %s", place).isTrue();
                }
                (pair.to().effect() == Prospect.Effect.CONDITIONAL ? conditional : certain).incrementAndGet();
            }
        });
        assertThat(certain.get()).isGreaterThan(WORLDS);
        assertThat(conditional.get()).isGreaterThan(WORLDS / 2);
    }

    @Test
    void countsWhatItDoesNotList() {
        Impact all = ofOneBinding(Long.MAX_VALUE / 2, 100);
        Impact one = ofOneBinding(Long.MAX_VALUE / 2, 1);

        assertThat(all.lines()).hasSize(4);
        assertThat(all.isTruncated()).isFalse();
        assertThat(ofOneBinding(Long.MAX_VALUE / 2, 4).isTruncated()).isFalse();
        assertThat(one.lines()).containsExactly(all.lines().getFirst());
        assertThat(one.lineCount()).isEqualTo(4);
        assertThat(one.complete()).isTrue();
        assertThat(one.isTruncated()).isTrue();
    }

    @Test
    void saysWhenItWasNotCompared() {
        assertThat(ofOneBinding(4, 100).complete()).isTrue();
        Impact cut = ofOneBinding(3, 100);
        assertThat(cut.complete()).isFalse();
        assertThat(cut.isTruncated()).isTrue();
        assertThat(cut.lineCount()).isEqualTo(3);
    }

    /** Two actions in two environments, of one type: four questions. */
    private static Impact ofOneBinding(long questions, int lines) {
        PolicyScope scope = PolicyScope.of(new TenantId("acme"));
        PolicySet platform = PolicySet.empty(PolicyScope.PLATFORM);
        List<Document> documents = DocumentReader.read("t.yaml", 1, """
                {apiVersion: assize.dev/v1, kind: Tenant, metadata: {name: acme}, spec: {environments: [a, b]}}
                ---
                {apiVersion: assize.dev/v1, kind: ResourceType, metadata: {tenant: acme, name: doc}, spec: {actions: [r, w]}}
                ---
                {apiVersion: assize.dev/v1, kind: Role, metadata: {tenant: acme, name: all},
                  spec: {permissions: [{resources: [doc], actions: ["*"]}]}}
                ---
                {apiVersion: assize.dev/v1, kind: RoleBinding, metadata: {tenant: acme, name: b},
                  spec: {subjects: ["user:u"], role: all}}
                """.getBytes(StandardCharsets.UTF_8))
                .documents();
        PolicySet before = PolicySet.of(scope, new Revision(1), documents.subList(0, 3));
        PolicySet after = PolicySet.of(scope, new Revision(2), documents);
        return ImpactAnalysis.of(
                new PolicyState(before, platform),
                new PolicyState(after, platform),
                Set.of(documents.get(3).key()),
                Instant.parse("2026-03-01T12:00:00Z"),
                questions,
                lines);
    }

    private static void require(Prospect prospect, boolean allowed, String place) {
        switch (prospect.effect()) {
            case ALLOW -> assertThat(allowed).as("%s", place).isTrue();
            case DENY -> assertThat(allowed).as("%s", place).isFalse();
            case CONDITIONAL -> {}
        }
    }

    /** What policy says, histories and approvals apart; null for a question that is no question. */
    private static @Nullable Boolean allows(DecisionGraph graph, CheckQuery query, RandomChange change) {
        try {
            Verdict verdict = Evaluator.evaluate(graph, query, change.now());
            return verdict.answer().reason().isAllow();
        } catch (MalformedException malformed) {
            return null;
        }
    }

    /** The narrowest place that a request lies in. */
    private static @Nullable Pair ahead(ImpactReference reference, CheckQuery query) {
        Universe universe = reference.universe();
        if (!universe.environments().contains(query.env())) {
            return null;
        }
        Person person = reference.person(query.subject(), query.subjectTenant());
        String type = query.resource().type();
        String known = universe.types().contains(type) ? type : Universe.OTHER_TYPE;
        List<Action> actions = universe.actions(known);
        Action action = actions.contains(query.action())
                ? query.action()
                : actions.stream()
                        .filter(each -> Universe.shown(each).equals("*"))
                        .findFirst()
                        .orElse(null);
        if (action == null) {
            return null;
        }
        Set<ResourcePath> paths = universe.paths(reference.bindings(person));
        String asked = query.resource().value();
        Place found = null;
        for (Place place : universe.places(known, paths)) {
            int length = place.path().value().length() - known.length();
            boolean inside =
                    place.open() && asked.startsWith(place.path().value().substring(0, length));
            if (inside
                    && (found == null
                            || found.path().value().length()
                                    <= place.path().value().length())) {
                found = place;
            }
        }
        for (Place place : universe.places(known, paths)) {
            found = !place.open() && place.path().equals(query.resource()) ? place : found;
        }
        String run = universe.runs().contains(query.runId()) ? query.runId() : null;
        return found == null ? null : reference.pair(person, found, action, query.env(), run);
    }
}
