package dev.assize.server.decision;

import dev.assize.server.decision.HistorySource.Performed;
import dev.assize.server.decision.approval.ApprovalJudge;
import dev.assize.server.decision.approval.ApprovalRequest;
import dev.assize.server.decision.approval.ApprovalRequest.Vote;
import dev.assize.server.decision.check.Answer;
import dev.assize.server.decision.check.Answer.DecidedBy;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.decision.check.CheckQuery.Delegator;
import dev.assize.server.decision.check.Explanation;
import dev.assize.server.decision.evaluate.DecisionGraph;
import dev.assize.server.decision.evaluate.Evaluator;
import dev.assize.server.decision.evaluate.Explainer;
import dev.assize.server.decision.evaluate.Obligations;
import dev.assize.server.decision.evaluate.Verdict;
import dev.assize.server.model.Action;
import dev.assize.server.model.Reason;
import dev.assize.server.policy.Document.ApprovalRuleDocument;
import dev.assize.server.policy.Document.Duty.PerformedActions;
import dev.assize.server.policy.Document.Obligation;
import dev.assize.server.policy.Document.SeparationOfDutyDocument;
import java.time.Instant;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The whole decision: what the policy alone says, and where it allows, what history, approvals and the one on whose
 * behalf the request is made have to say. Sources are asked only where a rule covers the request and everything before
 * it allows; what they throw goes to whoever asked, who denies.
 *
 * <p>What a source shows by {@code committedBy} has happened, even where the clock that wrote its time is ahead of the
 * one that is read here: it is judged at the later of the two.
 */
public final class Settlement {

    /** The obligation that comes with an allow through a single-use approval: its id and its type. */
    public static final String USE_APPROVAL = "assize/use-approval";

    /** The engine, as far as this class knows it. */
    interface Engine {
        Verdict evaluate(DecisionGraph graph, CheckQuery query, Instant now);
    }

    private final HistorySource history;
    private final ApprovalSource approvals;
    private final Engine engine;

    public Settlement(HistorySource history, ApprovalSource approvals) {
        this(history, approvals, Evaluator::evaluate);
    }

    Settlement(HistorySource history, ApprovalSource approvals, Engine engine) {
        this.history = history;
        this.approvals = approvals;
        this.engine = engine;
    }

    /** The same, but no source is asked the same thing twice: for questions that are answered as of one moment. */
    Settlement remembering() {
        RememberedFacts facts = new RememberedFacts(history, approvals);
        return new Settlement(facts, facts, engine);
    }

    /**
     * The answer to the query.
     *
     * @param now the moment that is judged
     * @param committedBy up to which history and approvals count
     */
    public Answer decide(DecisionGraph graph, CheckQuery query, Instant now, Instant committedBy) {
        Answer own = settled(graph, query, now, committedBy);
        Delegator delegator = query.onBehalfOf();
        return delegator == null || !own.reason().isAllow()
                ? own
                : together(own, settled(graph, query.of(delegator), now, committedBy));
    }

    /** The same answer where no source has to be asked for it; null where one has. */
    @Nullable
    Answer decideAlone(DecisionGraph graph, CheckQuery query, Instant now) {
        Answer own = alone(engine.evaluate(graph, query, now));
        Delegator delegator = query.onBehalfOf();
        if (own == null || delegator == null || !own.reason().isAllow()) {
            return own;
        }
        Answer other = alone(engine.evaluate(graph, query.of(delegator), now));
        return other == null ? null : together(own, other);
    }

    private static @Nullable Answer alone(Verdict verdict) {
        return isFinal(verdict) ? verdict.answer() : null;
    }

    /** The same answer, and its trace. */
    public Explanation explain(DecisionGraph graph, CheckQuery query, Instant now, Instant committedBy) {
        Explanation own = explained(graph, query, now, committedBy);
        Delegator delegator = query.onBehalfOf();
        if (delegator == null || !own.answer().reason().isAllow()) {
            return own;
        }
        Explanation other = explained(graph, query.of(delegator), now, committedBy);
        return Traces.with(own, together(own.answer(), other.answer()), other);
    }

    /** The decision about one subject by itself. */
    private Answer settled(DecisionGraph graph, CheckQuery query, Instant now, Instant committedBy) {
        Verdict verdict = engine.evaluate(graph, query, now);
        if (isFinal(verdict)) {
            return verdict.answer();
        }
        return settled(
                verdict.answer(),
                now,
                verdict.histories().stream().map(rule -> found(rule, query, committedBy)),
                () -> found(verdict.approvals(), query, now, committedBy).stream());
    }

    private Explanation explained(DecisionGraph graph, CheckQuery query, Instant now, Instant committedBy) {
        Explanation explanation = Explainer.explain(graph, query, now);
        Verdict verdict = engine.evaluate(graph, query, now);
        if (isFinal(verdict)) {
            return Traces.with(explanation, verdict.answer(), query, List.of(), List.of());
        }
        List<HistoryFinding> histories = verdict.histories().stream()
                .map(rule -> found(rule, query, committedBy))
                .toList();
        List<ApprovalFinding> requests = histories.stream().anyMatch(HistoryFinding::denies)
                ? List.of()
                : found(verdict.approvals(), query, now, committedBy);
        Answer answer = settled(verdict.answer(), now, histories.stream(), requests::stream);
        return Traces.with(explanation, answer, query, histories, requests);
    }

    private static boolean isFinal(Verdict verdict) {
        boolean nothingToAsk =
                verdict.histories().isEmpty() && verdict.approvals().isEmpty();
        return nothingToAsk || !verdict.answer().reason().isAllow();
    }

    /** What an allow of the policy becomes: rules are judged by name, and the first that denies decides. */
    private static Answer settled(
            Answer allowed,
            Instant now,
            Stream<HistoryFinding> histories,
            Supplier<Stream<ApprovalFinding>> approvals) {
        Optional<HistoryFinding> done = histories.filter(HistoryFinding::denies).findFirst();
        if (done.isPresent()) {
            return denied(
                    allowed,
                    Reason.SEPARATION_OF_DUTY,
                    new DecidedBy.Duty(done.get().rule().name()),
                    now);
        }
        List<ApprovalFinding> findings = approvals.get().toList();
        Optional<ApprovalFinding> missing =
                findings.stream().filter(ApprovalFinding::denies).findFirst();
        return missing.isPresent()
                ? denied(
                        allowed,
                        Reason.APPROVAL_REQUIRED,
                        new DecidedBy.Approval(missing.get().rule().name()),
                        now)
                : allowed(allowed, now, findings);
    }

    private static Answer denied(Answer allowed, Reason reason, DecidedBy decidedBy, Instant now) {
        return new Answer(reason, decidedBy, allowed.revision(), allowed.platformRevision(), now, List.of());
    }

    private static Answer allowed(Answer allowed, Instant now, List<ApprovalFinding> findings) {
        String approvalId = findings.stream()
                .flatMap(finding -> finding.singleUse().stream())
                .map(ApprovalRequest::id)
                .min(Comparator.naturalOrder())
                .orElse(null);
        return new Answer(
                allowed.reason(),
                allowed.decidedBy(),
                allowed.revision(),
                allowed.platformRevision(),
                now,
                approvalId == null
                        ? allowed.obligations()
                        : Obligations.union(List.of(allowed.obligations(), List.of(use(approvalId)))),
                null,
                approvalId);
    }

    private static Obligation use(String approvalId) {
        TreeMap<String, String> properties = new TreeMap<>();
        properties.put("approval_id", approvalId);
        return new Obligation(USE_APPROVAL, USE_APPROVAL, properties);
    }

    /** The answer to a request on somebody's behalf, where the subject itself is allowed. */
    private static Answer together(Answer own, Answer delegator) {
        Instant validUntil = earlier(own.validUntil(), delegator.validUntil());
        if (!delegator.reason().isAllow()) {
            return new Answer(
                    Reason.DELEGATOR_DENIED,
                    delegator.decidedBy(),
                    own.revision(),
                    own.platformRevision(),
                    validUntil,
                    delegator.obligations(),
                    delegator.reason(),
                    null);
        }
        return new Answer(
                own.reason(),
                own.decidedBy(),
                own.revision(),
                own.platformRevision(),
                validUntil,
                Obligations.union(List.of(own.obligations(), delegator.obligations())),
                null,
                own.approvalId() == null ? delegator.approvalId() : own.approvalId());
    }

    private static @Nullable Instant earlier(@Nullable Instant one, @Nullable Instant other) {
        return one == null || other == null ? null : one.isBefore(other) ? one : other;
    }

    private HistoryFinding found(SeparationOfDutyDocument rule, CheckQuery query, Instant committedBy) {
        if (!(rule.duty() instanceof PerformedActions(List<Action> actions, var _))) {
            throw new IllegalArgumentException(rule.key() + " is not held against history");
        }
        Set<Action> others = new HashSet<>(actions);
        others.remove(query.action());
        return new HistoryFinding(
                rule,
                others.isEmpty()
                        ? Optional.empty()
                        : history.firstPerformed(
                                query.tenant(), query.subject(), query.resource(), others, committedBy));
    }

    private List<ApprovalFinding> found(
            List<ApprovalRuleDocument> rules, CheckQuery query, Instant now, Instant committedBy) {
        if (rules.isEmpty()) {
            return List.of();
        }
        List<ApprovalRequest> requests = approvals.find(
                query.tenant(),
                query.subject(),
                query.subjectTenant(),
                query.action(),
                query.resource(),
                query.env(),
                committedBy);
        Instant at = Stream.concat(Stream.of(now), requests.stream().flatMap(Settlement::moments))
                .max(Comparator.naturalOrder())
                .orElseThrow();
        return rules.stream()
                .map(rule -> new ApprovalFinding(rule, requests, at, ApprovalJudge.judge(rule, requests, at)))
                .toList();
    }

    private static Stream<Instant> moments(ApprovalRequest request) {
        return Stream.concat(
                Stream.of(request.requestedAt(), request.cancelledAt(), request.usedAt())
                        .filter(Objects::nonNull),
                request.votes().stream().map(Vote::at));
    }

    /** What history shows to a rule. */
    record HistoryFinding(SeparationOfDutyDocument rule, Optional<Performed> performed) {
        boolean denies() {
            return performed.isPresent();
        }
    }

    /**
     * What was found for an approval rule.
     *
     * @param requests all there are
     * @param at when they were judged
     * @param usable the first that satisfies the rule
     */
    record ApprovalFinding(
            ApprovalRuleDocument rule, List<ApprovalRequest> requests, Instant at, Optional<ApprovalRequest> usable) {

        boolean denies() {
            return usable.isEmpty();
        }

        Optional<ApprovalRequest> singleUse() {
            return usable.filter(request -> ApprovalJudge.isSingleUse(rule, request));
        }
    }
}
