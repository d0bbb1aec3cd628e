package dev.assize.server.decision.approval;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.decision.approval.ApprovalRequest.PinnedRule;
import dev.assize.server.decision.approval.ApprovalRequest.Vote;
import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.AnyOf;
import dev.assize.server.policy.Document.ApprovalRuleDocument;
import dev.assize.server.policy.Metadata;
import dev.assize.server.policy.SourcePlace;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class ApprovalJudgeTest {

    private static final TenantId ACME = new TenantId("acme");
    private static final TenantId PARTNER = new TenantId("partner");
    private static final Instant ASKED = Instant.parse("2026-03-01T10:00:00Z");
    private static final Duration MICRO = Duration.ofNanos(1_000);
    private static final Duration WAIT = Duration.ofHours(1);
    private static final Duration HOLD = Duration.ofMinutes(15);

    @Test
    void doesNotSatisfyARuleThatItDidNotPin() {
        ApprovalRequest request = request(pinned("payments"), approval("bob", 1));
        assertThat(isUsable(rule("other"), request, minute(2))).isFalse();
    }

    @Test
    void doesNotSatisfyBeforeItsApprovals() {
        ApprovalRequest request = request(pinned("payments"), approval("bob", 1));
        assertThat(isUsable(rule("payments"), request, minute(1).minus(MICRO))).isFalse();
        assertThat(isUsable(rule("payments"), request, minute(1))).isTrue();
    }

    @Test
    void doesNotSatisfyBeforeItWasMade() {
        ApprovalRequest request = request(pinned("payments"), approval("bob", -1));
        assertThat(isUsable(rule("payments"), request, ASKED.minus(MICRO))).isFalse();
        assertThat(isUsable(rule("payments"), request, ASKED)).isTrue();
    }

    @Test
    void doesNotCountAnApprovalThatCameWhenWaitingHadEnded() {
        Vote late = approval("bob", ASKED.plus(WAIT), "payments");
        Vote last = approval("bob", ASKED.plus(WAIT).minus(MICRO), "payments");
        assertThat(isUsable(rule("payments"), request(pinned("payments"), late), late.at()))
                .isFalse();
        assertThat(isUsable(rule("payments"), request(pinned("payments"), last), late.at()))
                .isTrue();
    }

    @Test
    void endsWhenTheTimeFromTheLastApprovalNeededIsOver() {
        ApprovalRequest request = request(pinned("payments", 2), approval("bob", 5), approval("carol", 20));
        Instant end = minute(20).plus(HOLD);
        assertThat(isUsable(rule("payments"), request, minute(20).minus(MICRO))).isFalse();
        assertThat(isUsable(rule("payments"), request, minute(20))).isTrue();
        assertThat(isUsable(rule("payments"), request, end.minus(MICRO))).isTrue();
        assertThat(isUsable(rule("payments"), request, end)).isFalse();
    }

    @Test
    void isNotProlongedByAnApprovalBeyondThoseNeeded() {
        ApprovalRequest request = request(pinned("payments"), approval("bob", 5), approval("carol", 14));
        assertThat(isUsable(rule("payments"), request, minute(5).plus(HOLD))).isFalse();
    }

    @Test
    void countsNobodyTwice() {
        ApprovalRequest request = request(pinned("payments", 2), approval("bob", 1), approval("bob", 2));
        assertThat(isUsable(rule("payments"), request, minute(3))).isFalse();
    }

    @Test
    void countsTwoOfOneNameFromTwoHomes() {
        Vote guest = new Vote(user("bob"), PARTNER, true, List.of("payments"), null, minute(2));
        ApprovalRequest request = request(pinned("payments", 2), approval("bob", 1), guest);
        assertThat(isUsable(rule("payments"), request, minute(3))).isTrue();
    }

    @Test
    void countsAVoteOnlyForTheRulesItWasGivenTo() {
        ApprovalRequest request = request(
                List.of(pinned("ledger"), pinned("payments")),
                List.of(approval("bob", minute(1), "ledger")),
                null,
                null);
        assertThat(isUsable(rule("payments"), request, minute(2))).isFalse();
        assertThat(isUsable(rule("ledger"), request, minute(2))).isTrue();
    }

    @Test
    void endsWithARejection() {
        Vote no = new Vote(user("carol"), ACME, false, List.of("payments"), null, minute(3));
        ApprovalRequest request = request(pinned("payments"), approval("bob", 1), no);
        assertThat(isUsable(rule("payments"), request, minute(3).minus(MICRO))).isTrue();
        assertThat(isUsable(rule("payments"), request, minute(3))).isFalse();
        assertThat(state(request, minute(3))).isEqualTo(ApprovalState.REJECTED);
    }

    @Test
    void endsForAllRulesWithARejectionGivenToOne() {
        Vote no = new Vote(user("carol"), ACME, false, List.of("ledger"), null, minute(3));
        ApprovalRequest request = request(
                List.of(pinned("ledger"), pinned("payments")),
                List.of(approval("bob", minute(1), "payments"), no),
                null,
                null);
        assertThat(isUsable(rule("payments"), request, minute(3))).isFalse();
    }

    @Test
    void endsWhenItIsCancelled() {
        ApprovalRequest request = request(List.of(pinned("payments")), List.of(approval("bob", 1)), minute(4), null);
        assertThat(isUsable(rule("payments"), request, minute(4).minus(MICRO))).isTrue();
        assertThat(isUsable(rule("payments"), request, minute(4))).isFalse();
        assertThat(state(request, minute(4))).isEqualTo(ApprovalState.CANCELLED);
    }

    @Test
    void endsWhenItIsUsed() {
        ApprovalRequest request = request(List.of(pinned("payments")), List.of(approval("bob", 1)), null, minute(4));
        assertThat(isUsable(rule("payments"), request, minute(4).minus(MICRO))).isTrue();
        assertThat(isUsable(rule("payments"), request, minute(4))).isFalse();
        assertThat(state(request, minute(4))).isEqualTo(ApprovalState.USED);
    }

    @Test
    void needsTheGreaterNumberOfApprovals() {
        ApprovalRequest one = request(pinned("payments", 1), approval("bob", 1));
        assertThat(isUsable(rule("payments", 2), one, minute(2))).isFalse();
        ApprovalRequest pinnedTwo = request(pinned("payments", 2), approval("bob", 1));
        assertThat(isUsable(rule("payments", 1), pinnedTwo, minute(2))).isFalse();
    }

    @Test
    void holdsForTheShorterTime() {
        ApprovalRequest request = request(pinned("payments"), approval("bob", 1));
        Duration shorter = Duration.ofMinutes(5);
        ApprovalRuleDocument now = rule("payments", 1, "approver", List.of("user"), WAIT, shorter, false);
        assertThat(isUsable(now, request, minute(6).minus(MICRO))).isTrue();
        assertThat(isUsable(now, request, minute(6))).isFalse();
        ApprovalRuleDocument longer =
                rule("payments", 1, "approver", List.of("user"), WAIT, HOLD.multipliedBy(2), false);
        assertThat(isUsable(longer, request, minute(16))).isFalse();
    }

    @Test
    void waitsForTheShorterTime() {
        ApprovalRequest request = request(pinned("payments"), approval("bob", 10));
        ApprovalRuleDocument now =
                rule("payments", 1, "approver", List.of("user"), Duration.ofMinutes(10), HOLD, false);
        assertThat(isUsable(now, request, minute(10))).isFalse();
    }

    @Test
    void admitsOnlyTypesOfThenAndNow() {
        Vote service = new Vote(new Subject("service", "gate"), ACME, true, List.of("payments"), null, minute(1));
        PinnedRule both = new PinnedRule("payments", 1, "approver", List.of("service", "user"), WAIT, HOLD, false);
        ApprovalRequest request = request(List.of(both), List.of(service), null, null);
        assertThat(isUsable(rule("payments"), request, minute(2))).isFalse();
        ApprovalRuleDocument now = rule("payments", 1, "approver", List.of("service", "user"), WAIT, HOLD, false);
        assertThat(isUsable(now, request, minute(2))).isTrue();
    }

    @Test
    void isWorthNothingUnderARuleThatAsksAnotherRole() {
        ApprovalRequest request = request(pinned("payments"), approval("bob", 1));
        ApprovalRuleDocument now = rule("payments", 1, "controller", List.of("user"), WAIT, HOLD, false);
        assertThat(isUsable(now, request, minute(2))).isFalse();
    }

    @Test
    void picksTheFirstUsableById() {
        ApprovalRequest b = withId("b", request(pinned("payments"), approval("bob", 1)));
        ApprovalRequest a = withId("a", request(pinned("payments"), approval("bob", 1)));
        ApprovalRequest unusable = withId("0", request(pinned("payments")));
        assertThat(ApprovalJudge.judge(rule("payments"), List.of(b, unusable, a), minute(2)))
                .contains(a);
    }

    @Test
    void isForASingleUseWhereEitherRuleSaysSo() {
        ApprovalRequest plain = request(pinned("payments"));
        ApprovalRequest single = request(List.of(singleUse("payments")), List.of(), null, null);
        ApprovalRuleDocument now = rule("payments", 1, "approver", List.of("user"), WAIT, HOLD, true);
        assertThat(ApprovalJudge.isSingleUse(rule("payments"), plain)).isFalse();
        assertThat(ApprovalJudge.isSingleUse(now, plain)).isTrue();
        assertThat(ApprovalJudge.isSingleUse(rule("payments"), single)).isTrue();
    }

    @Test
    void isPendingUntilItsTimeIsOver() {
        ApprovalRequest request = request(pinned("payments"));
        List<ApprovalRuleDocument> current = List.of(rule("payments"));
        Instant deadline = ASKED.plus(WAIT);
        assertThat(ApprovalJudge.standing(request, current, deadline.minus(MICRO)))
                .isEqualTo(new Standing(ApprovalState.PENDING, deadline));
        assertThat(ApprovalJudge.standing(request, current, deadline))
                .isEqualTo(new Standing(ApprovalState.EXPIRED, null));
    }

    @Test
    void isApprovedUntilItsTimeIsOver() {
        ApprovalRequest request = request(pinned("payments"), approval("bob", 1));
        Instant end = minute(1).plus(HOLD);
        assertThat(ApprovalJudge.standing(request, List.of(rule("payments")), minute(1)))
                .isEqualTo(new Standing(ApprovalState.APPROVED, end));
        assertThat(ApprovalJudge.standing(request, List.of(rule("payments")), end))
                .isEqualTo(new Standing(ApprovalState.EXPIRED, null));
    }

    @Test
    void isApprovedOnlyWhereAllItsRulesAre() {
        List<PinnedRule> both = List.of(pinned("ledger", 2), pinned("payments"));
        List<ApprovalRuleDocument> current = List.of(rule("ledger"), rule("payments"));
        Vote bob = approval("bob", minute(1), "ledger", "payments");
        Vote carol = approval("carol", minute(3), "ledger");
        ApprovalRequest half = request(both, List.of(bob), null, null);
        ApprovalRequest whole = request(both, List.of(bob, carol), null, null);
        assertThat(ApprovalJudge.standing(half, current, minute(4)).state()).isEqualTo(ApprovalState.PENDING);
        assertThat(ApprovalJudge.standing(whole, current, minute(4)))
                .isEqualTo(new Standing(ApprovalState.APPROVED, minute(1).plus(HOLD)));
    }

    @Test
    void isExpiredWhereOneOfItsRulesIs() {
        List<PinnedRule> both = List.of(pinned("ledger", 2), pinned("payments"));
        List<ApprovalRuleDocument> current = List.of(rule("ledger"), rule("payments"));
        ApprovalRequest half = request(both, List.of(approval("bob", minute(1), "ledger", "payments")), null, null);
        assertThat(ApprovalJudge.standing(half, current, minute(1).plus(HOLD)))
                .isEqualTo(new Standing(ApprovalState.EXPIRED, null));
    }

    @Test
    void owesNothingToARuleThatCoversItNoMore() {
        ApprovalRequest half = request(
                List.of(pinned("ledger", 2), pinned("payments")),
                List.of(approval("bob", minute(1), "payments")),
                null,
                null);
        assertThat(ApprovalJudge.standing(half, List.of(rule("payments")), minute(2))
                        .state())
                .isEqualTo(ApprovalState.APPROVED);
    }

    @Test
    void isJudgedAsPinnedWhereNoRuleCoversItAnyMore() {
        ApprovalRequest request = request(pinned("payments", 2), approval("bob", 1));
        assertThat(ApprovalJudge.standing(request, List.of(), minute(2)))
                .isEqualTo(new Standing(ApprovalState.PENDING, ASKED.plus(WAIT)));
    }

    @Test
    void survivesATimeThatLeavesTheCalendar() {
        PinnedRule endless = new PinnedRule(
                "payments",
                1,
                "approver",
                List.of("user"),
                Duration.ofSeconds(Long.MAX_VALUE),
                Duration.ofSeconds(Long.MAX_VALUE),
                false);
        ApprovalRequest request = request(List.of(endless), List.of(approval("bob", 1)), null, null);
        assertThat(ApprovalJudge.standing(request, List.of(), minute(2)))
                .isEqualTo(new Standing(ApprovalState.APPROVED, Instant.MAX));
    }

    @Test
    void ofThePastIsSeenOnlyWhatHadHappenedByThen() {
        Vote early = approval("bob", 1);
        Vote late = approval("carol", 3);
        ApprovalRequest cancelled = request(List.of(pinned("payments")), List.of(early, late), minute(4), null);
        ApprovalRequest used = request(List.of(pinned("payments")), List.of(early, late), null, minute(4));
        assertThat(cancelled.asOf(minute(3).minus(MICRO)).votes()).containsExactly(early);
        assertThat(cancelled.asOf(minute(3)).votes()).containsExactly(early, late);
        assertThat(cancelled.asOf(minute(4).minus(MICRO)).cancelledAt()).isNull();
        assertThat(cancelled.asOf(minute(4))).isEqualTo(cancelled);
        assertThat(used.asOf(minute(4).minus(MICRO)).usedAt()).isNull();
        assertThat(used.asOf(minute(4))).isEqualTo(used);
    }

    @Test
    void pinsARuleAsItIs() {
        ApprovalRuleDocument rule = rule("payments", 2, "approver", List.of("user", "service"), WAIT, HOLD, true);
        assertThat(PinnedRule.of(rule))
                .isEqualTo(new PinnedRule("payments", 2, "approver", List.of("user", "service"), WAIT, HOLD, true));
    }

    private static boolean isUsable(ApprovalRuleDocument rule, ApprovalRequest request, Instant at) {
        return ApprovalJudge.judge(rule, List.of(request), at).isPresent();
    }

    private static ApprovalState state(ApprovalRequest request, Instant at) {
        return ApprovalJudge.standing(request, List.of(rule("payments")), at).state();
    }

    private static Instant minute(long minutes) {
        return ASKED.plus(Duration.ofMinutes(minutes));
    }

    private static Subject user(String id) {
        return new Subject("user", id);
    }

    private static Vote approval(String id, long minute) {
        return approval(id, minute(minute), "payments");
    }

    private static Vote approval(String id, Instant at, String... rules) {
        return new Vote(user(id), ACME, true, Arrays.asList(rules), null, at);
    }

    private static PinnedRule pinned(String name) {
        return pinned(name, 1);
    }

    private static PinnedRule pinned(String name, int approvals) {
        return new PinnedRule(name, approvals, "approver", List.of("user"), WAIT, HOLD, false);
    }

    private static PinnedRule singleUse(String name) {
        return new PinnedRule(name, 1, "approver", List.of("user"), WAIT, HOLD, true);
    }

    private static ApprovalRequest request(PinnedRule rule, Vote... votes) {
        return request(List.of(rule), new ArrayList<>(Arrays.asList(votes)), null, null);
    }

    private static ApprovalRequest request(
            List<PinnedRule> rules, List<Vote> votes, @Nullable Instant cancelledAt, @Nullable Instant usedAt) {
        return new ApprovalRequest(
                "request",
                ACME,
                user("alice"),
                ACME,
                user("alice"),
                ACME,
                new Action("pay"),
                ResourcePath.parse("invoice:7"),
                Environment.DEFAULT,
                rules,
                votes,
                ASKED,
                cancelledAt,
                usedAt);
    }

    private static ApprovalRequest withId(String id, ApprovalRequest request) {
        return new ApprovalRequest(
                id,
                request.tenant(),
                request.requester(),
                request.requesterHome(),
                request.subject(),
                request.subjectHome(),
                request.action(),
                request.resource(),
                request.env(),
                request.rules(),
                request.votes(),
                request.requestedAt(),
                request.cancelledAt(),
                request.usedAt());
    }

    private static ApprovalRuleDocument rule(String name) {
        return rule(name, 1);
    }

    private static ApprovalRuleDocument rule(String name, int approvals) {
        return rule(name, approvals, "approver", List.of("user"), WAIT, HOLD, false);
    }

    private static ApprovalRuleDocument rule(
            String name,
            int approvals,
            String approverRole,
            List<String> types,
            Duration pendingTtl,
            Duration ttl,
            boolean singleUse) {
        return new ApprovalRuleDocument(
                new Metadata(PolicyScope.of(ACME), name, new TreeMap<>(), null),
                SourcePlace.UNKNOWN,
                new AnyOf.All<>(),
                new AnyOf.All<>(),
                new AnyOf.All<>(),
                approvals,
                approverRole,
                types,
                pendingTtl,
                ttl,
                singleUse);
    }
}
