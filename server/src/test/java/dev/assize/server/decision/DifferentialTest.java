package dev.assize.server.decision;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.decision.check.Answer;
import dev.assize.server.decision.check.Answer.DecidedBy.Grant;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.decision.check.Explanation;
import dev.assize.server.decision.check.Explanation.BindingState;
import dev.assize.server.decision.check.Explanation.BindingTrace;
import dev.assize.server.decision.compile.GraphCompiler;
import dev.assize.server.decision.evaluate.DecisionGraph;
import dev.assize.server.decision.evaluate.Evaluator;
import dev.assize.server.decision.evaluate.Explainer;
import dev.assize.server.model.Reason;
import java.time.Instant;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * Plays the engine against the reference on random worlds. As many checks as wanted, from a seed of choice:
 *
 * <pre>mvn test -pl server -am -Dtest=DifferentialTest -Dsurefire.failIfNoSpecifiedTests=false \
 *     -Dassize.fuzz.checks=2000000 -Dassize.fuzz.seed=7</pre>
 *
 * A failure prints the seed of its world: as {@code assize.fuzz.seed} it makes that world the first.
 */
class DifferentialTest {

    private static final long SEED = Long.getLong("assize.fuzz.seed", 20_260_222L);
    private static final int CHECKS = Integer.getInteger("assize.fuzz.checks", 25_000);
    private static final int CHECKS_A_WORLD = 100;

    @Test
    void agreesWithTheReference() {
        Map<Reason, Integer> seen = new EnumMap<>(Reason.class);
        for (int done = 0; done < CHECKS; done += CHECKS_A_WORLD) {
            long seed = SEED + done / CHECKS_A_WORLD;
            World world = new World(seed);
            DecisionGraph graph = GraphCompiler.compile(world.tenant(), world.platform());
            ReferenceEvaluator reference = new ReferenceEvaluator(world.tenant(), world.platform());
            for (int i = 0; i < CHECKS_A_WORLD; i++) {
                CheckQuery query = world.query();
                Instant now = world.moment();
                Match match = new Match(seed, world, query, now);
                Answer answer = Evaluator.evaluate(graph, query, now).answer();
                match.sameAnswer(reference.evaluate(query, now), answer);
                match.validity(reference, answer);
                match.explanation(Explainer.explain(graph, query, now), answer);
                seen.merge(answer.reason(), 1, Integer::sum);
            }
        }
        assertThat(seen.keySet())
                .as("reasons that the worlds lead to")
                .containsExactlyInAnyOrder(
                        Reason.ALLOWED,
                        Reason.ENVIRONMENT_UNKNOWN,
                        Reason.TYPE_UNKNOWN,
                        Reason.ACTION_UNKNOWN,
                        Reason.EXPLICIT_DENY,
                        Reason.GRANT_EXPIRED,
                        Reason.GRANT_NOT_YET_VALID,
                        Reason.OUT_OF_SCOPE,
                        Reason.NO_GRANT);
        System.out.println(CHECKS + " checks from seed " + SEED + ": " + seen);
    }

    /** One request to one world. */
    private record Match(long seed, World world, CheckQuery query, Instant now) {

        void sameAnswer(Answer expected, Answer actual) {
            require(sameButValidity(expected, actual), "another answer", expected, actual);
        }

        /** Within it the answer stays; it ends at most a day ahead, or where a binding in question begins or ends. */
        void validity(ReferenceEvaluator reference, Answer answer) {
            Instant end = Objects.requireNonNull(answer.validUntil());
            Instant horizon = now.plus(Evaluator.HORIZON);
            require(end.isAfter(now) && !end.isAfter(horizon), "validity out of bounds", horizon, answer);
            require(end.equals(horizon) || isBoundary(end, reference), "validity ends for no reason", horizon, answer);
            Instant later = world.between(now, end);
            Answer then = reference.evaluate(query, later);
            require(sameButValidity(then, answer), "another answer already at " + later, then, answer);
        }

        private boolean isBoundary(Instant end, ReferenceEvaluator reference) {
            return reference.inQuestion(query).stream()
                    .anyMatch(binding -> end.equals(binding.notBefore()) || end.equals(binding.notAfter()));
        }

        void explanation(Explanation explanation, Answer answer) {
            require(explanation.answer().equals(answer), "explained another answer", explanation, answer);
            if (!(answer.decidedBy() instanceof Grant decidedBy)) {
                return;
            }
            BindingTrace trace = explanation.bindings().stream()
                    .filter(binding -> binding.binding().equals(decidedBy.binding()))
                    .findAny()
                    .orElse(null);
            require(trace != null && explains(trace, answer.reason(), decidedBy), "no trace", explanation, answer);
        }

        private static boolean explains(BindingTrace trace, Reason reason, Grant decidedBy) {
            return trace.state() == expectedState(reason)
                    && trace.permissions().stream()
                            .anyMatch(permission -> permission.role().equals(decidedBy.role())
                                    && permission.position() == decidedBy.position()
                                    && permission.through().getFirst().equals(trace.role())
                                    && permission.through().getLast().equals(decidedBy.role()));
        }

        private static @Nullable BindingState expectedState(Reason reason) {
            return Map.of(
                            Reason.ALLOWED, BindingState.HOLDS,
                            Reason.EXPLICIT_DENY, BindingState.HOLDS,
                            Reason.GRANT_EXPIRED, BindingState.EXPIRED,
                            Reason.GRANT_NOT_YET_VALID, BindingState.NOT_YET_VALID,
                            Reason.OUT_OF_SCOPE, BindingState.OUT_OF_SCOPE)
                    .get(reason);
        }

        private static boolean sameButValidity(Answer left, Answer right) {
            return left.reason() == right.reason()
                    && Objects.equals(left.decidedBy(), right.decidedBy())
                    && left.revision().equals(right.revision())
                    && left.platformRevision().equals(right.platformRevision())
                    && left.obligations().equals(right.obligations());
        }

        private void require(boolean holds, String otherwise, Object expected, Object actual) {
            if (!holds) {
                throw new AssertionError(String.join(
                        "\n",
                        List.of(
                                otherwise + ", seed " + seed,
                                world.toString(),
                                "query    " + query + " at " + now,
                                "expected " + expected,
                                "actual   " + actual)));
            }
        }
    }
}
