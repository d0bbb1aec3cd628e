package dev.assize.server.decision.impact;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.decision.RandomChange;
import dev.assize.server.decision.check.Answer.DecidedBy;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.decision.check.CheckQuery.Delegator;
import dev.assize.server.decision.compile.GraphCompiler;
import dev.assize.server.decision.evaluate.DecisionGraph;
import dev.assize.server.decision.evaluate.Evaluator;
import dev.assize.server.decision.evaluate.Prospect.Effect;
import dev.assize.server.decision.evaluate.Verdict;
import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.MalformedException;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Reason;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Revision;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.DocumentReader;
import dev.assize.server.policy.PolicySet;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * What is said of decisions on record is what the engine would have answered. More worlds with
 *
 * <pre>-Dassize.fuzz.worlds=2000 -Dassize.fuzz.seed=7</pre>
 */
final class LedgerImpactTest {

    private static final long SEED = Long.getLong("assize.fuzz.seed", 20_261_123L);
    private static final int WORLDS = Integer.getInteger("assize.fuzz.worlds", 12);

    private int flips;
    private int attributedFlips;
    private long open;

    @Test
    void turnsExactlyWhatTheEngineWouldAnswerOtherwise() {
        RandomChange.each(SEED, WORLDS, 5, 80, change -> {
            PolicyState before = new PolicyState(change.tenantBefore(), change.platformBefore());
            PolicyState after = new PolicyState(change.tenantAfter(), change.platformAfter());
            DecisionGraph was = GraphCompiler.compile(before.tenant(), before.platform());
            DecisionGraph is = GraphCompiler.compile(after.tenant(), after.platform());
            Map<String, CheckQuery> asked = new TreeMap<>();
            List<Recalled> recalled = new ArrayList<>();
            for (CheckQuery query : change.queries()) {
                if (!isTaken(was, query, change.now()) || !isTaken(is, query, change.now())) {
                    continue;
                }
                String id = "d" + asked.size();
                asked.put(id, query);
                boolean allowed = evaluate(was, query, change.now()).allowed;
                recalled.add(new Recalled(bare(query), isAttributed(query), allowed ? 3 : 0, allowed ? 0 : 2, id));
            }
            LedgerImpact impact = LedgerImpact.of(before, after, recalled, change.now());

            Set<String> turned = new TreeSet<>();
            impact.flips().forEach(flip -> turned.add(flip.request().lastId()));
            long mayTurn = 0;
            for (Recalled request : recalled) {
                CheckQuery query = requireNonNull(asked.get(request.lastId()));
                Outcome earlier = evaluate(was, query, change.now());
                Outcome later = evaluate(is, query, change.now());
                String place = query + " at " + change.now() + ", seed " + change.seed();
                if (!request.attributed()) {
                    assertThat(turned.contains(request.lastId())).as(place).isEqualTo(!earlier.equals(later));
                } else if (!turned.contains(request.lastId()) && earlier.allowed != later.allowed) {
                    mayTurn += request.times();
                }
            }
            assertThat(impact.open()).as("seed %d", change.seed()).isGreaterThanOrEqualTo(mayTurn);
            for (LedgerImpact.Flip flip : impact.flips()) {
                CheckQuery query = requireNonNull(asked.get(flip.request().lastId()));
                String place = query + " at " + change.now() + ", seed " + change.seed() + ": " + flip;
                assertThat(evaluate(was, query, change.now()).allowed)
                        .as(place)
                        .isEqualTo(flip.from().effect() == Effect.ALLOW);
                assertThat(evaluate(is, query, change.now()).allowed)
                        .as(place)
                        .isEqualTo(flip.to().effect() == Effect.ALLOW);
                attributedFlips += flip.request().attributed() ? 1 : 0;
            }
            assertThat(impact.flipped())
                    .isEqualTo(impact.flips().stream()
                            .mapToLong(flip -> flip.request().times())
                            .sum());
            assertThat(impact.moved()).as("nothing was decided otherwise").isZero();
            flips += impact.flips().size();
            open += impact.open();
        });
        assertThat(flips).isGreaterThan(WORLDS);
        assertThat(open).isPositive();
        System.out.println(flips + " flips, " + attributedFlips + " of requests with attributes, " + open + " open");
    }

    private static final TenantId ACME = new TenantId("acme");
    private static final String WORLD = """
        {apiVersion: assize.dev/v1, kind: Tenant, metadata: {name: acme}, spec: {environments: [default]}}
        ---
        {apiVersion: assize.dev/v1, kind: Role, metadata: {tenant: acme, name: worker},
          spec: {permissions: [{resources: [doc], actions: [read, write, sign, file]}]}}
        ---
        {apiVersion: assize.dev/v1, kind: ApprovalRule, metadata: {tenant: acme, name: four-eyes}, spec: {resources: [doc],
          actions: [write], approvals: 1, approverRole: worker, pendingTtl: 1h, ttl: 1h}}
        ---
        {apiVersion: assize.dev/v1, kind: SeparationOfDuty, metadata: {tenant: acme, name: apart},
          spec: {type: performed-actions, actions: [file, archive], resources: [doc]}}
        ---
        {apiVersion: assize.dev/v1, kind: RoleBinding, metadata: {tenant: acme, name: ann},
          spec: {subjects: ["user:ann"], role: worker}}
        """;

    @Test
    void tellsTheMostFrequentFirstAndWhatElseThanThisChangeThereIs() {
        LedgerImpact impact = withoutItsBinding(List.of(
                recalled("user:ann", "read", 3, 1),
                recalled("user:ann", "write", 2, 0),
                recalled("user:ann", "file", 1, 0),
                recalled("user:ann", "sign", 7, 0),
                recalled("user:bob", "read", 2, 9)));

        assertThat(impact.flips())
                .extracting(flip -> flip.request().query().action() + " "
                        + flip.from().effect() + " " + flip.to().effect())
                .containsExactly("sign ALLOW DENY", "read ALLOW DENY", "write ALLOW DENY", "file ALLOW DENY");
        assertThat(impact.flipCount()).isEqualTo(4);
        assertThat(impact.flipped()).isEqualTo(7 + 4 + 2 + 1);
        assertThat(impact.moved())
                .as("denied though policy allows, and allowed though it denies")
                .isEqualTo(1 + 2);
        assertThat(impact.outside()).as("an approval and a history").isEqualTo(2 + 1);
        assertThat(impact.open()).isZero();
    }

    @Test
    void listsSoManyAndCountsAll() {
        LedgerImpact impact =
                withoutItsBinding(Collections.nCopies(LedgerImpact.MAX_FLIPS + 1, recalled("user:ann", "read", 1, 0)));

        assertThat(impact.flips()).hasSize(LedgerImpact.MAX_FLIPS);
        assertThat(impact.flipCount()).isEqualTo(LedgerImpact.MAX_FLIPS + 1);
    }

    /** Whoever acts for somebody, with that one's roles beside its own. */
    @Test
    void asksForWhomItWasDoneToo() {
        String bob = """
            ---
            {apiVersion: assize.dev/v1, kind: RoleBinding, metadata: {tenant: acme, name: bob},
              spec: {subjects: ["user:bob"], role: worker%s}}
            """;
        Recalled forBob = new Recalled(
                query("user:ann", "read", new Delegator(Subject.parse("user:bob"), ACME)), false, 5, 0, "d");

        LedgerImpact ended = between(WORLD + bob.formatted(""), WORLD, List.of(forBob));
        assertThat(ended.flips()).singleElement().satisfies(flip -> {
            assertThat(flip.from().reason()).isEqualTo(Reason.ALLOWED);
            assertThat(flip.from().decidedBy()).isEqualTo(new DecidedBy.Grant("ann", "worker", 0));
            assertThat(flip.to().reason()).isEqualTo(Reason.DELEGATOR_DENIED);
        });
        LedgerImpact otherwise = between(
                WORLD + bob.formatted(", when: 'has(context.day)'"),
                WORLD + bob.formatted(", when: 'has(context.night)'"),
                List.of(new Recalled(forBob.query(), true, 5, 0, "d")));
        assertThat(otherwise.flips()).isEmpty();
        assertThat(otherwise.open())
                .as("it hangs on what only bob's binding asks")
                .isEqualTo(5);
    }

    private static LedgerImpact withoutItsBinding(List<Recalled> requests) {
        return between(WORLD, WORLD.substring(0, WORLD.lastIndexOf("---")), requests);
    }

    private static LedgerImpact between(String before, String after, List<Recalled> requests) {
        return LedgerImpact.of(state(before), state(after), requests, Instant.parse("2026-03-01T12:00:00Z"));
    }

    private static PolicyState state(String yaml) {
        List<Document> documents = DocumentReader.read("t.yaml", 1, yaml.getBytes(StandardCharsets.UTF_8))
                .documents();
        return new PolicyState(
                PolicySet.of(PolicyScope.of(ACME), new Revision(1), documents), PolicySet.empty(PolicyScope.PLATFORM));
    }

    private static Recalled recalled(String subject, String action, long allowed, long denied) {
        return new Recalled(query(subject, action, null), false, allowed, denied, subject + " " + action);
    }

    private static CheckQuery query(String subject, String action, @Nullable Delegator delegator) {
        return new CheckQuery(
                Subject.parse(subject),
                ResourcePath.parse("doc:1"),
                new Action(action),
                ACME,
                Environment.DEFAULT,
                ACME,
                Map.of(),
                Map.of(),
                Map.of(),
                List.of(),
                delegator,
                null);
    }

    /** What policy alone says, as far as an answer can turn on it. */
    private record Outcome(boolean allowed, Set<String> approvals, Set<String> histories) {}

    private static Outcome evaluate(DecisionGraph graph, CheckQuery query, Instant now) {
        Outcome own = of(Evaluator.evaluate(graph, query, now));
        if (query.onBehalfOf() == null || !own.allowed) {
            return own;
        }
        Outcome delegator = of(Evaluator.evaluate(graph, query.of(query.onBehalfOf()), now));
        if (!delegator.allowed) {
            return delegator;
        }
        Set<String> approvals = new TreeSet<>(own.approvals);
        approvals.addAll(delegator.approvals);
        Set<String> histories = new TreeSet<>(own.histories);
        histories.addAll(delegator.histories);
        return new Outcome(true, approvals, histories);
    }

    /** One whose attributes are of other types than policy declares is refused, and never on record. */
    private static boolean isTaken(DecisionGraph graph, CheckQuery query, Instant now) {
        try {
            evaluate(graph, query, now);
            return true;
        } catch (MalformedException refused) {
            return false;
        }
    }

    private static Outcome of(Verdict verdict) {
        Set<String> approvals = new TreeSet<>();
        verdict.approvals().stream().map(rule -> rule + "").forEach(approvals::add);
        Set<String> histories = new TreeSet<>();
        verdict.histories().stream().map(Document::name).forEach(histories::add);
        return new Outcome(verdict.answer().reason().isAllow(), approvals, histories);
    }

    private static boolean isAttributed(CheckQuery query) {
        return !query.subjectAttributes().isEmpty()
                || !query.resourceAttributes().isEmpty()
                || !query.context().isEmpty();
    }

    private static CheckQuery bare(CheckQuery query) {
        return new CheckQuery(
                query.subject(),
                query.resource(),
                query.action(),
                query.tenant(),
                query.env(),
                query.subjectTenant(),
                Map.of(),
                Map.of(),
                Map.of(),
                query.activeRoles(),
                query.onBehalfOf(),
                query.runId());
    }
}
