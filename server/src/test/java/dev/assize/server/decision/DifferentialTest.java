package dev.assize.server.decision;

import static dev.assize.server.decision.ReferenceCondition.readsTheMoment;
import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.decision.check.Answer;
import dev.assize.server.decision.check.Answer.DecidedBy;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.decision.check.Explanation;
import dev.assize.server.decision.check.Explanation.BindingState;
import dev.assize.server.decision.check.Explanation.BindingTrace;
import dev.assize.server.decision.check.Explanation.RuleTrace;
import dev.assize.server.model.MalformedException;
import dev.assize.server.model.Reason;
import dev.assize.server.policy.Document.FreezeDocument;
import dev.assize.server.policy.Document.RoleBindingDocument;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * Plays the engine, with all that serves it, against the reference on random worlds. As many checks as wanted, from a
 * seed of choice:
 *
 * <pre>mvn test -pl server -am -Dtest=DifferentialTest -Dsurefire.failIfNoSpecifiedTests=false \
 *     -Dassize.fuzz.checks=2000000 -Dassize.fuzz.seed=7</pre>
 *
 * A failure prints the seed of its world: as {@code assize.fuzz.seed} it makes that world the first.
 */
class DifferentialTest {

    private static final long USUAL_SEED = 20_260_222L;
    private static final long SEED = Long.getLong("assize.fuzz.seed", USUAL_SEED);
    private static final int CHECKS = Integer.getInteger("assize.fuzz.checks", 3_000);
    private static final int CHECKS_A_WORLD = 25;

    /** Fewer, from fewer worlds, say nothing about how often a reason comes up; of the usual seed it is known of these. */
    private static final int CHECKS_TO_TELL = SEED == USUAL_SEED ? 3_000 : 10_000;

    /** Of a thousand checks so many have this reason at least, else the worlds have gone blind to it. */
    private static final Map<Reason, Integer> LEAST_PER_THOUSAND = new EnumMap<>(Map.ofEntries(
            Map.entry(Reason.ALLOWED, 80),
            Map.entry(Reason.ENVIRONMENT_UNKNOWN, 20),
            Map.entry(Reason.TYPE_UNKNOWN, 20),
            Map.entry(Reason.ACTION_UNKNOWN, 20),
            Map.entry(Reason.FROZEN, 20),
            Map.entry(Reason.EXPLICIT_DENY, 20),
            Map.entry(Reason.CONDITION_ERROR, 10),
            Map.entry(Reason.CONDITION_FALSE, 5),
            Map.entry(Reason.GRANT_EXPIRED, 10),
            Map.entry(Reason.GRANT_NOT_YET_VALID, 10),
            Map.entry(Reason.OUT_OF_SCOPE, 10),
            Map.entry(Reason.NO_GRANT, 20),
            Map.entry(Reason.SEPARATION_OF_DUTY, 10),
            Map.entry(Reason.APPROVAL_REQUIRED, 10),
            Map.entry(Reason.DELEGATOR_DENIED, 4)));

    private final Map<Reason, Integer> seen = new EnumMap<>(Reason.class);
    private int malformed;
    private int lasting;
    private int throughApprovals;
    private int approved;
    private int byBytes;
    private int bytesOnly;

    @Test
    void agreesWithTheReference() {
        for (int done = 0; done < CHECKS; done += CHECKS_A_WORLD) {
            long seed = SEED + done / CHECKS_A_WORLD;
            World world = new World(seed);
            WorldPdp pdp =
                    new WorldPdp(new FakePolicySource().put(world.tenant()).put(world.platform()), world.records());
            ReferenceEvaluator reference = new ReferenceEvaluator(world.tenant(), world.platform(), world.records());
            for (int i = 0; i < CHECKS_A_WORLD; i++) {
                CheckQuery query = world.query();
                play(new Match(seed, world, pdp, reference, query, world.moment(query)));
            }
        }
        System.out.println(CHECKS + " checks from seed " + SEED + ": " + seen + ", " + malformed + " malformed, "
                + lasting + " valid for some time, " + byBytes + " also by bytes and " + bytesOnly
                + " where all but names was left out, " + approved + " approved, " + throughApprovals
                + " through single-use approvals");
        if (CHECKS >= CHECKS_TO_TELL) {
            requireSight();
        }
    }

    private void requireSight() {
        LEAST_PER_THOUSAND.forEach((reason, least) -> {
            assertThat(1_000L * seen.getOrDefault(reason, 0) / CHECKS)
                    .as("of a thousand checks that end in %s", reason)
                    .isGreaterThanOrEqualTo(least);
        });
        assertThat(1_000L * lasting / CHECKS)
                .as("of a thousand answers that are valid for some time")
                .isGreaterThanOrEqualTo(400);
        assertThat(1_000L * byBytes / CHECKS)
                .as("of a thousand checks that are decided by the bytes of their names, too")
                .isGreaterThanOrEqualTo(50);
        assertThat(1_000L * bytesOnly / CHECKS)
                .as("of a thousand that are where all but the names is left out")
                .isGreaterThanOrEqualTo(500);
        assertThat(1_000L * approved / CHECKS)
                .as("of a thousand checks that are allowed because they were approved")
                .isGreaterThanOrEqualTo(2);
        assertThat(throughApprovals)
                .as("allowed through what is for a single use")
                .isPositive();
    }

    private void play(Match match) {
        if (!match.reference.isWellFormed(match.query)) {
            match.refusal();
            malformed++;
            return;
        }
        Answer answer = match.pdp.evaluate(match.query, match.now);
        match.sameAnswer(answer);
        match.validity(answer);
        match.explanation(answer);
        byBytes += match.sameByBytes(match.query, answer) ? 1 : 0;
        bytesOnly += match.sameOfNamesAlone() ? 1 : 0;
        seen.merge(answer.reason(), 1, Integer::sum);
        lasting += match.now.equals(answer.validUntil()) ? 0 : 1;
        approved += answer.reason().isAllow() && match.reference.needsApproval(match.query) ? 1 : 0;
        throughApprovals += answer.approvalId() == null ? 0 : 1;
    }

    /** One request to one world. */
    private record Match(
            long seed, World world, WorldPdp pdp, ReferenceEvaluator reference, CheckQuery query, Instant now) {

        void refusal() {
            try {
                Answer answer = pdp.evaluate(query, now);
                require(false, "an answer to what is malformed", "a refusal", answer);
            } catch (MalformedException expected) {
                require(expected.getMessage() != null, "an empty refusal", "a message", expected);
            }
        }

        void sameAnswer(Answer actual) {
            Answer expected = reference.evaluate(query, now);
            require(sameButValidity(expected, actual), "another answer", expected, actual);
        }

        /** The question without all that only some questions say, in both forms; whether both were answered. */
        boolean sameOfNamesAlone() {
            CheckQuery alone = alone();
            Answer expected = reference.evaluate(alone, now);
            Answer actual = pdp.evaluate(alone, now);
            require(sameButValidity(expected, actual), "another answer to the names alone", expected, actual);
            return sameByBytes(alone, actual);
        }

        private CheckQuery alone() {
            return new CheckQuery(
                    query.subject(), query.resource(), query.action(), query.tenant(), query.env(), query.tenant());
        }

        /** Field by field the same by the bytes of the names; whether it was decided so. */
        boolean sameByBytes(CheckQuery asked, Answer answer) {
            if (!asked.equals(alone())) {
                return false;
            }
            Instant millisecond = now.truncatedTo(ChronoUnit.MILLIS);
            Answer exactly = pdp.evaluate(asked, millisecond);
            Answer byBytes = pdp.evaluateBytes(asked, millisecond);
            require(byBytes == null || byBytes.equals(exactly), "another answer by bytes", exactly, "" + byBytes);
            Instant end = Objects.requireNonNull(exactly.validUntil());
            require(
                    byBytes != null
                            || end.isBefore(millisecond.plusMillis(2))
                            || !isAscii(asked)
                            || reference.isSettledByRecords(asked),
                    "not decided by bytes",
                    exactly,
                    "nothing");
            Answer within = pdp.evaluateBytes(asked, now);
            require(within == null || sameButValidity(within, answer), "another answer by bytes", answer, "" + within);
            return within != null;
        }

        private static boolean isAscii(CheckQuery query) {
            return StandardCharsets.US_ASCII
                    .newEncoder()
                    .canEncode(query.subject().toString() + query.resource().value());
        }

        /** Within it the answer stays; it ends at most a day ahead, or where something in the policy begins or ends. */
        void validity(Answer answer) {
            Instant end = Objects.requireNonNull(answer.validUntil());
            Instant horizon = now.plus(Duration.ofHours(24));
            require(!end.isBefore(now) && !end.isAfter(horizon), "validity out of bounds", horizon, answer);
            if (end.equals(now)) {
                require(reference.mayBeMomentary(query, now), "no validity for no reason", horizon, answer);
                return;
            }
            require(
                    end.equals(horizon) || reference.edges(query).contains(end),
                    "validity ends for no reason",
                    horizon,
                    answer);
            require(!restsOnTheMoment(answer), "validity of what rests on a moment", now, answer);
            sameUntil(world.between(now, end), answer);
            for (Instant edge : boundaries()) {
                if (edge.isAfter(now) && edge.isBefore(end)) {
                    sameUntil(edge, answer);
                }
            }
        }

        private void sameUntil(Instant later, Answer answer) {
            Answer then = reference.evaluate(query, later);
            require(sameButValidity(then, answer), "another answer already at " + later, then, answer);
        }

        private List<Instant> boundaries() {
            return Stream.concat(
                            world.tenant().ofKind(RoleBindingDocument.class).stream()
                                    .flatMap(binding -> Stream.of(binding.notBefore(), binding.notAfter())),
                            world.tenant().ofKind(FreezeDocument.class).stream()
                                    .flatMap(freeze -> Stream.of(freeze.from(), freeze.until())))
                    .filter(Objects::nonNull)
                    .toList();
        }

        /** "A condition reading `now` or attributes, a history rule or an approval rule is in question." */
        private boolean restsOnTheMoment(Answer answer) {
            if (answer.decidedBy() instanceof DecidedBy.Approval
                    || (answer.reason() == Reason.ALLOWED && reference.isSettledByRecords(query))) {
                return true;
            }
            if (!(answer.decidedBy() instanceof DecidedBy.Grant(String name, String role, int position))
                    || answer.delegatorReason() != null) {
                return false;
            }
            String ofBinding = reference.binding(name).when();
            String ofPermission =
                    reference.role(role).permissions().get(position).when();
            return switch (answer.reason()) {
                case ALLOWED, EXPLICIT_DENY -> readsTheMoment(ofBinding) || readsTheMoment(ofPermission);
                case CONDITION_FALSE, CONDITION_ERROR ->
                    ofBinding == null ? readsTheMoment(ofPermission) : readsTheMoment(ofBinding);
                default -> false;
            };
        }

        void explanation(Answer answer) {
            Explanation explanation = pdp.explain(query, now);
            require(explanation.answer().equals(answer), "explained another answer", explanation, answer);
            Explanation own = answer.delegatorReason() == null ? explanation : explanation.delegator();
            Reason reason = answer.delegatorReason() == null ? answer.reason() : answer.delegatorReason();
            require(own != null && explains(own, reason, answer.decidedBy()), "no trace", explanation, answer);
        }

        private static boolean explains(Explanation explanation, Reason reason, @Nullable DecidedBy decidedBy) {
            return switch (decidedBy) {
                case null -> true;
                case DecidedBy.Freeze(String name) -> denies(explanation.freezes(), name);
                case DecidedBy.Duty(String name) -> denies(explanation.duties(), name);
                case DecidedBy.Approval(String name) -> denies(explanation.approvals(), name);
                case DecidedBy.Grant grant ->
                    explanation.bindings().stream()
                            .filter(binding -> binding.binding().equals(grant.binding()))
                            .anyMatch(binding -> explains(binding, reason, grant));
            };
        }

        private static boolean denies(List<RuleTrace> rules, String name) {
            return rules.stream().anyMatch(rule -> rule.name().equals(name) && rule.denies());
        }

        private static boolean explains(BindingTrace trace, Reason reason, DecidedBy.Grant decidedBy) {
            return expectedStates(reason).contains(trace.state())
                    && trace.permissions().stream()
                            .anyMatch(permission -> permission.role().equals(decidedBy.role())
                                    && permission.position() == decidedBy.position()
                                    && permission.through().getFirst().equals(trace.role())
                                    && permission.through().getLast().equals(decidedBy.role()));
        }

        /** Of a binding that decides so; a condition may be its own or its permission's. */
        private static Set<BindingState> expectedStates(Reason reason) {
            return switch (reason) {
                case ALLOWED -> EnumSet.of(BindingState.HOLDS);
                case EXPLICIT_DENY ->
                    EnumSet.of(BindingState.HOLDS, BindingState.CONDITION_ERROR, BindingState.NOT_ACTIVE);
                case CONDITION_ERROR -> EnumSet.of(BindingState.CONDITION_ERROR, BindingState.HOLDS);
                case CONDITION_FALSE -> EnumSet.of(BindingState.CONDITION_FALSE, BindingState.HOLDS);
                case GRANT_EXPIRED -> EnumSet.of(BindingState.EXPIRED);
                case GRANT_NOT_YET_VALID -> EnumSet.of(BindingState.NOT_YET_VALID);
                case OUT_OF_SCOPE -> EnumSet.of(BindingState.OUT_OF_SCOPE);
                default -> EnumSet.noneOf(BindingState.class);
            };
        }

        private static boolean sameButValidity(Answer left, Answer right) {
            return left.reason() == right.reason()
                    && Objects.equals(left.decidedBy(), right.decidedBy())
                    && left.revision().equals(right.revision())
                    && left.platformRevision().equals(right.platformRevision())
                    && left.obligations().equals(right.obligations())
                    && left.delegatorReason() == right.delegatorReason()
                    && Objects.equals(left.approvalId(), right.approvalId());
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
