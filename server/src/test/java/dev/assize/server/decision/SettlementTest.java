package dev.assize.server.decision;

import static dev.assize.server.decision.Policies.ACME;
import static dev.assize.server.decision.Policies.ALICE;
import static dev.assize.server.decision.Policies.mayRead;
import static dev.assize.server.decision.Policies.metadata;
import static dev.assize.server.decision.Policies.tenant;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import dev.assize.server.decision.approval.ApprovalRequest;
import dev.assize.server.decision.approval.ApprovalRequest.PinnedRule;
import dev.assize.server.decision.approval.ApprovalRequest.Vote;
import dev.assize.server.decision.check.Answer;
import dev.assize.server.decision.check.Answer.DecidedBy;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.decision.check.CheckQuery.Delegator;
import dev.assize.server.decision.check.Explanation;
import dev.assize.server.decision.check.Explanation.RuleTrace;
import dev.assize.server.decision.compile.GraphCompiler;
import dev.assize.server.decision.evaluate.DecisionGraph;
import dev.assize.server.decision.evaluate.Verdict;
import dev.assize.server.model.Action;
import dev.assize.server.model.AttributeValue;
import dev.assize.server.model.Environment;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Reason;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Revision;
import dev.assize.server.model.Subject;
import dev.assize.server.policy.AnyOf;
import dev.assize.server.policy.Document.ApprovalRuleDocument;
import dev.assize.server.policy.Document.Duty.PerformedActions;
import dev.assize.server.policy.Document.Obligation;
import dev.assize.server.policy.Document.SeparationOfDutyDocument;
import dev.assize.server.policy.PolicySet;
import dev.assize.server.policy.SourcePlace;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What becomes of an allow of the policy; the policy says here what a test wants it to say. */
class SettlementTest {

    private static final Instant NOW = Instant.parse("2026-02-22T14:00:00Z");
    private static final Instant LATER = NOW.plus(Duration.ofHours(5));
    private static final Subject BOB = new Subject("user", "bob");
    private static final Subject AGENT = new Subject("agent", "replay");
    private static final Action READ = new Action("read");
    private static final Action CREATE = new Action("create");
    private static final Action BE = new Action("be");
    private static final ResourcePath DOC = ResourcePath.parse("doc:1");
    private static final Obligation LOG = new Obligation("log", "audit", new TreeMap<>());
    private static final Obligation MASK = new Obligation("mask", "redact", new TreeMap<>());
    private static final DecisionGraph GRAPH =
            GraphCompiler.compile(tenant(ACME, 3, ALICE), PolicySet.empty(PolicyScope.PLATFORM));

    private final FakeFacts facts = new FakeFacts();
    private final Map<Subject, Verdict> verdicts = new HashMap<>();
    private final List<CheckQuery> asked = new ArrayList<>();
    private final Settlement settlement = new Settlement(facts, facts, (graph, query, now) -> {
        asked.add(query);
        return verdicts.getOrDefault(query.subject(), verdict(Reason.NO_GRANT, LATER, List.of()));
    });

    @Test
    void asksNothingWhereNoSuchRuleWasReached() {
        verdicts.put(ALICE, verdict(Reason.ALLOWED, LATER, List.of(LOG)));
        Answer answer = decide(mayRead(ACME, ALICE));
        assertThat(answer)
                .isEqualTo(verdict(Reason.ALLOWED, LATER, List.of(LOG)).answer());
        verdicts.put(
                ALICE,
                verdict(Reason.EXPLICIT_DENY, LATER, List.of(), List.of(history("a")), List.of(rule("b", true))));
        assertThat(decide(mayRead(ACME, ALICE)).reason()).isEqualTo(Reason.EXPLICIT_DENY);
        assertThat(facts.reads()).isZero();
    }

    @Test
    void deniesWhoDidTheOtherActionThere() {
        verdicts.put(
                ALICE,
                verdict(
                        Reason.ALLOWED,
                        NOW,
                        List.of(LOG),
                        List.of(history("a", READ, new Action("other")), history("b"), history("c")),
                        List.of(rule("r", false))));
        facts.did(ALICE, READ, DOC, NOW.minusSeconds(9));
        facts.did(ALICE, CREATE, ResourcePath.parse("doc:2"), NOW.minusSeconds(9));
        facts.did(BOB, CREATE, DOC, NOW.minusSeconds(9));
        assertThat(decide(mayRead(ACME, ALICE)).reason()).isEqualTo(Reason.APPROVAL_REQUIRED);
        facts.did(ALICE, CREATE, DOC, NOW.minusSeconds(1));
        Answer answer = decide(mayRead(ACME, ALICE));
        assertThat(answer.reason()).isEqualTo(Reason.SEPARATION_OF_DUTY);
        assertThat(answer.decidedBy()).isEqualTo(new DecidedBy.Duty("b"));
        assertThat(answer.validUntil()).isEqualTo(NOW);
        assertThat(answer.obligations()).isEmpty();
        assertThat(answer.revision()).isEqualTo(new Revision(3));
    }

    @Test
    void whatWasCommittedHasHappenedWhateverTheClocksSay() {
        verdicts.put(ALICE, verdict(Reason.ALLOWED, NOW, List.of(), List.of(history("a")), List.of()));
        facts.did(ALICE, CREATE, DOC, NOW.plusMillis(5));
        assertThat(decide(mayRead(ACME, ALICE)).reason()).isEqualTo(Reason.SEPARATION_OF_DUTY);
        assertThat(settlement.decide(GRAPH, mayRead(ACME, ALICE), NOW, NOW).reason())
                .as("by then it was not committed")
                .isEqualTo(Reason.ALLOWED);
        verdicts.put(ALICE, verdict(Reason.ALLOWED, NOW, List.of(), List.of(), List.of(rule("r", false))));
        facts.request(request("1", ALICE, NOW.plusMillis(1), NOW.plusMillis(2), "r"));
        assertThat(decide(mayRead(ACME, ALICE)).reason()).isEqualTo(Reason.ALLOWED);
    }

    @Test
    void everyRuleNeedsItsApproval() {
        verdicts.put(
                ALICE,
                verdict(
                        Reason.ALLOWED,
                        NOW,
                        List.of(LOG),
                        List.of(),
                        List.of(rule("a", false), rule("b", false), rule("c", false))));
        facts.request(request("1", ALICE, NOW.minusSeconds(60), NOW.minusSeconds(30), "a"));
        Answer denied = decide(mayRead(ACME, ALICE));
        assertThat(denied.reason()).isEqualTo(Reason.APPROVAL_REQUIRED);
        assertThat(denied.decidedBy()).isEqualTo(new DecidedBy.Approval("b"));
        assertThat(denied.validUntil()).isEqualTo(NOW);
        assertThat(denied.obligations()).isEmpty();
        facts.request(request("2", ALICE, NOW.minusSeconds(60), NOW.minusSeconds(30), "b", "c"));
        Answer allowed = decide(mayRead(ACME, ALICE));
        assertThat(allowed.reason()).isEqualTo(Reason.ALLOWED);
        assertThat(allowed.approvalId()).isNull();
        assertThat(allowed.obligations()).containsExactly(LOG);
        assertThat(allowed.validUntil()).isEqualTo(NOW);
    }

    @Test
    void anAllowThroughASingleUseApprovalSaysSo() {
        verdicts.put(
                ALICE,
                verdict(
                        Reason.ALLOWED,
                        NOW,
                        List.of(LOG),
                        List.of(),
                        List.of(rule("a", false), rule("b", true), rule("c", true))));
        facts.request(request("0", ALICE, NOW.minusSeconds(60), NOW.minusSeconds(30), "a"));
        facts.request(request("2", ALICE, NOW.minusSeconds(60), NOW.minusSeconds(30), "b"));
        facts.request(request("1", ALICE, NOW.minusSeconds(60), NOW.minusSeconds(30), "c"));
        Answer allowed = decide(mayRead(ACME, ALICE));
        assertThat(allowed.approvalId()).isEqualTo("1");
        assertThat(allowed.obligations()).containsExactly(use("1"), LOG);
    }

    @Test
    void theDelegatorIsAskedWithoutWhatTheSubjectBrings() {
        verdicts.put(AGENT, verdict(Reason.ALLOWED, LATER, List.of()));
        decide(onBehalfOfAlice());
        assertThat(asked).hasSize(2);
        CheckQuery delegated = asked.get(1);
        assertThat(delegated.subject()).isEqualTo(ALICE);
        assertThat(delegated.subjectAttributes()).isEmpty();
        assertThat(delegated.activeRoles()).isEmpty();
        assertThat(delegated.onBehalfOf()).isNull();
        assertThat(delegated.runId()).isEqualTo("run-1");
    }

    @Test
    void whoIsDeniedItselfNeedsNoDelegator() {
        verdicts.put(AGENT, verdict(Reason.OUT_OF_SCOPE, LATER, List.of()));
        verdicts.put(ALICE, verdict(Reason.ALLOWED, LATER, List.of()));
        Answer answer = decide(onBehalfOfAlice());
        assertThat(answer.reason()).isEqualTo(Reason.OUT_OF_SCOPE);
        assertThat(answer.delegatorReason()).isNull();
        assertThat(asked).hasSize(1);
    }

    @Test
    void aDeniedDelegatorDeniesWithItsReasonAndAdvice() {
        verdicts.put(AGENT, verdict(Reason.ALLOWED, LATER, List.of(LOG)));
        verdicts.put(ALICE, verdict(Reason.EXPLICIT_DENY, LATER.minusSeconds(1), List.of(MASK)));
        Answer answer = decide(onBehalfOfAlice());
        assertThat(answer.reason()).isEqualTo(Reason.DELEGATOR_DENIED);
        assertThat(answer.delegatorReason()).isEqualTo(Reason.EXPLICIT_DENY);
        assertThat(answer.decidedBy()).isEqualTo(new DecidedBy.Grant("EXPLICIT_DENY", "role", 0));
        assertThat(answer.obligations()).containsExactly(MASK);
        assertThat(answer.validUntil()).isEqualTo(LATER.minusSeconds(1));
    }

    @Test
    void bothAllowedIsTheUnionOfTheirDuties() {
        verdicts.put(AGENT, verdict(Reason.ALLOWED, LATER, List.of(LOG)));
        verdicts.put(ALICE, verdict(Reason.ALLOWED, NOW, List.of(LOG, MASK), List.of(), List.of(rule("r", true))));
        assertThat(decide(onBehalfOfAlice()).delegatorReason()).isEqualTo(Reason.APPROVAL_REQUIRED);
        facts.request(request("7", ALICE, NOW.minusSeconds(60), NOW.minusSeconds(30), "r"));
        Answer answer = decide(onBehalfOfAlice());
        assertThat(answer.reason()).isEqualTo(Reason.ALLOWED);
        assertThat(answer.obligations()).containsExactly(use("7"), LOG, MASK);
        assertThat(answer.approvalId()).isEqualTo("7");
        assertThat(answer.validUntil()).isEqualTo(NOW);
    }

    @Test
    void whatASourceThrowsIsNoAnswer() {
        facts.setBroken(true);
        verdicts.put(ALICE, verdict(Reason.ALLOWED, NOW, List.of(), List.of(history("a")), List.of()));
        assertThatThrownBy(() -> decide(mayRead(ACME, ALICE))).hasMessageContaining("broken");
        verdicts.put(ALICE, verdict(Reason.ALLOWED, NOW, List.of(), List.of(), List.of(rule("a", false))));
        assertThatThrownBy(() -> decide(mayRead(ACME, ALICE))).hasMessageContaining("broken");
    }

    @Test
    void remembersWhatItAskedForTheSameMoment() {
        verdicts.put(ALICE, verdict(Reason.ALLOWED, NOW, List.of(), List.of(history("a")), List.of(rule("r", false))));
        Settlement remembering = settlement.remembering();
        for (int i = 0; i < 3; i++) {
            remembering.decide(GRAPH, mayRead(ACME, ALICE), NOW, Moments.ALL_COMMITTED);
        }
        assertThat(facts.reads()).isEqualTo(2);
    }

    @Test
    void decidesAlikeWhereItRemembersWhatItAsked() {
        verdicts.put(ALICE, verdict(Reason.ALLOWED, NOW, List.of(), List.of(history("a")), List.of()));
        facts.did(ALICE, CREATE, DOC, NOW.minusSeconds(1));
        verdicts.put(AGENT, verdict(Reason.ALLOWED, NOW, List.of(), List.of(), List.of(rule("r", true))));
        facts.request(request("7", AGENT, NOW.minusSeconds(60), NOW.minusSeconds(30), "r"));
        Settlement remembering = settlement.remembering();
        for (int i = 0; i < 2; i++) {
            Answer done = remembering.decide(GRAPH, mayRead(ACME, ALICE), NOW, Moments.ALL_COMMITTED);
            assertThat(done.reason()).isEqualTo(Reason.SEPARATION_OF_DUTY);
            Answer approved = remembering.decide(GRAPH, mayRead(ACME, AGENT), NOW, Moments.ALL_COMMITTED);
            assertThat(approved.approvalId()).isEqualTo("7");
        }
    }

    @Test
    void measuresWhatItAsksAndCountsWhatFails() {
        SimpleMeterRegistry registry = new SimpleMeterRegistry();
        MeasuredFacts measured = new MeasuredFacts(facts, facts, new DecisionMetrics(registry));
        Settlement measuring = new Settlement(
                measured,
                measured,
                (graph, query, now) ->
                        verdict(Reason.ALLOWED, NOW, List.of(), List.of(history("a")), List.of(rule("r", false))));
        facts.request(request("7", ALICE, NOW.minusSeconds(60), NOW.minusSeconds(30), "r"));
        CheckQuery query = mayRead(ACME, ALICE);
        assertThat(measuring.decide(GRAPH, query, NOW, Moments.ALL_COMMITTED).reason())
                .isEqualTo(Reason.ALLOWED);
        facts.did(ALICE, CREATE, DOC, NOW.minusSeconds(1));
        assertThat(measuring.decide(GRAPH, query, NOW, Moments.ALL_COMMITTED).reason())
                .isEqualTo(Reason.SEPARATION_OF_DUTY);
        facts.setBroken(true);
        assertThatThrownBy(() -> measuring.decide(GRAPH, query, NOW, Moments.ALL_COMMITTED))
                .hasRootCauseMessage("the fake facts are broken");
        assertThat(registry.get("assize.decision.history.duration").timer().count())
                .isEqualTo(2);
        assertThat(registry.get("assize.decision.approval.duration").timer().count())
                .isEqualTo(1);
        assertThat(registry.get("assize.decision.failures")
                        .tag("cause", "history")
                        .counter()
                        .count())
                .isEqualTo(1);
    }

    @Test
    void tellsWhatTheLedgerShows() {
        verdicts.put(
                ALICE,
                verdict(Reason.ALLOWED, NOW, List.of(), List.of(history("a"), history("b", READ, BE)), List.of()));
        facts.did(ALICE, CREATE, DOC, NOW.minusSeconds(1));
        Explanation explanation = explain(mayRead(ACME, ALICE));
        assertThat(explanation.answer()).isEqualTo(decide(mayRead(ACME, ALICE)));
        assertThat(explanation.duties())
                .extracting(RuleTrace::name, RuleTrace::denies, RuleTrace::detail)
                .containsExactly(
                        tuple(
                                "a",
                                true,
                                "the ledger shows that `user:alice` did `create` on `doc:1` at 2026-02-22T13:59:59Z, "
                                        + "entry 0: whoever did `create` there does not `read`"),
                        tuple("b", false, "the ledger does not show that `user:alice` did `be` on `doc:1`"));
    }

    @Test
    void tellsWhichApprovalsThereAreAndWhatIsMissing() {
        verdicts.put(
                ALICE,
                verdict(
                        Reason.ALLOWED,
                        NOW,
                        List.of(),
                        List.of(),
                        List.of(rule("a", false), rule("b", true), rule("c", false))));
        assertThat(approvalDetails())
                .first()
                .isEqualTo("needs an approval by `user` holding role `approver`; nobody has asked for it");
        facts.request(request("1", ALICE, NOW.minusSeconds(60), NOW.minusSeconds(30), "b"));
        facts.request(request("2", ALICE, NOW.minusSeconds(60), null, "c"));
        assertThat(approvalDetails())
                .containsExactly(
                        "needs an approval by `user` holding role `approver`; request `1` was made before this rule "
                                + "covered it; request `2` was made before this rule covered it",
                        "request `1` is approved: 1 of 1 approvals, until 2026-02-22T14:59:30Z, for one use",
                        "needs an approval by `user` holding role `approver`; request `1` was made before this rule "
                                + "covered it; request `2` is pending until 2026-02-22T14:14:00Z, with 0 of 1 "
                                + "approvals");
    }

    @Test
    void tellsWhoRejectedAndCountsNobodyTwiceNorForAnotherRule() {
        verdicts.put(ALICE, verdict(Reason.ALLOWED, NOW, List.of(), List.of(), List.of(rule("a", false))));
        ApprovalRequest pending = request("1", ALICE, NOW.minusSeconds(60), null, "a", "b");
        Subject carol = new Subject("user", "carol");
        Instant voted = NOW.minusSeconds(30);
        Vote no = new Vote(carol, ACME, false, List.of("a"), null, voted);
        Vote other = new Vote(carol, ACME, true, List.of("b"), null, voted);
        Vote yes = new Vote(carol, ACME, true, List.of("a"), null, voted);
        facts.request(with(pending, List.of(other, no)));
        assertThat(approvalDetails())
                .containsExactly("needs an approval by `user` holding role `approver`; request `1` was rejected by"
                        + " `user:carol` at " + voted);
        facts.clear();
        facts.request(with(pending, List.of(other)));
        assertThat(approvalDetails()).first().asString().endsWith("with 0 of 1 approvals");
        facts.clear();
        facts.request(with(pending, List.of(yes, yes)));
        assertThat(approvalDetails()).first().asString().contains("is approved: 1 of 1 approvals");
    }

    private static ApprovalRequest with(ApprovalRequest request, List<Vote> votes) {
        return new ApprovalRequest(
                request.id(),
                request.tenant(),
                request.requester(),
                request.requesterHome(),
                request.subject(),
                request.subjectHome(),
                request.action(),
                request.resource(),
                request.env(),
                request.rules(),
                votes,
                request.requestedAt(),
                null,
                null);
    }

    @Test
    void tracesTheDelegator() {
        verdicts.put(AGENT, verdict(Reason.ALLOWED, LATER, List.of()));
        verdicts.put(ALICE, verdict(Reason.ALLOWED, NOW, List.of(), List.of(history("a")), List.of()));
        facts.did(ALICE, CREATE, DOC, NOW.minusSeconds(1));
        Explanation explanation = explain(onBehalfOfAlice());
        assertThat(explanation.answer()).isEqualTo(decide(onBehalfOfAlice()));
        Explanation delegator = explanation.delegator();
        assertThat(delegator).isNotNull();
        assertThat(Objects.requireNonNull(delegator).answer().reason()).isEqualTo(Reason.SEPARATION_OF_DUTY);
        assertThat(delegator.duties()).extracting(RuleTrace::denies).containsExactly(true);
    }

    private List<String> approvalDetails() {
        return explain(mayRead(ACME, ALICE)).approvals().stream()
                .map(RuleTrace::detail)
                .toList();
    }

    private Answer decide(CheckQuery query) {
        return settlement.decide(GRAPH, query, NOW, Moments.ALL_COMMITTED);
    }

    private Explanation explain(CheckQuery query) {
        return settlement.explain(GRAPH, query, NOW, Moments.ALL_COMMITTED);
    }

    private static CheckQuery onBehalfOfAlice() {
        return new CheckQuery(
                AGENT,
                DOC,
                READ,
                ACME,
                Environment.DEFAULT,
                ACME,
                Map.of("level", new AttributeValue.Whole(3)),
                Map.of(),
                Map.of(),
                List.of("reader"),
                new Delegator(ALICE, ACME),
                "run-1");
    }

    private static Verdict verdict(Reason reason, Instant validUntil, List<Obligation> obligations) {
        return verdict(reason, validUntil, obligations, List.of(), List.of());
    }

    private static Verdict verdict(
            Reason reason,
            Instant validUntil,
            List<Obligation> obligations,
            List<SeparationOfDutyDocument> histories,
            List<ApprovalRuleDocument> approvals) {
        return new Verdict(
                new Answer(
                        reason,
                        new DecidedBy.Grant(reason.name(), "role", 0),
                        new Revision(3),
                        Revision.NONE,
                        validUntil,
                        obligations),
                histories,
                approvals);
    }

    private static SeparationOfDutyDocument history(String name) {
        return history(name, READ, CREATE);
    }

    private static SeparationOfDutyDocument history(String name, Action... actions) {
        return new SeparationOfDutyDocument(
                metadata(PolicyScope.of(ACME), name),
                SourcePlace.UNKNOWN,
                new PerformedActions(List.of(actions), new AnyOf.All<>()),
                new AnyOf.All<>());
    }

    private static ApprovalRuleDocument rule(String name, boolean singleUse) {
        return new ApprovalRuleDocument(
                metadata(PolicyScope.of(ACME), name),
                SourcePlace.UNKNOWN,
                new AnyOf.All<>(),
                new AnyOf.All<>(),
                new AnyOf.All<>(),
                1,
                "approver",
                List.of("user"),
                Duration.ofMinutes(15),
                Duration.ofHours(1),
                singleUse);
    }

    private static ApprovalRequest request(
            String id, Subject subject, Instant requestedAt, @Nullable Instant approvedAt, String... rules) {
        List<Vote> votes = approvedAt == null
                ? List.of()
                : List.of(new Vote(new Subject("user", "carol"), ACME, true, List.of(rules), null, approvedAt));
        return new ApprovalRequest(
                id,
                ACME,
                subject,
                ACME,
                subject,
                ACME,
                READ,
                DOC,
                Environment.DEFAULT,
                Arrays.stream(rules)
                        .map(rule -> new PinnedRule(
                                rule,
                                1,
                                "approver",
                                List.of("user"),
                                Duration.ofMinutes(15),
                                Duration.ofHours(1),
                                false))
                        .toList(),
                votes,
                requestedAt,
                null,
                null);
    }

    private static Obligation use(String id) {
        TreeMap<String, String> properties = new TreeMap<>();
        properties.put("approval_id", id);
        return new Obligation("assize/use-approval", "assize/use-approval", properties);
    }
}
