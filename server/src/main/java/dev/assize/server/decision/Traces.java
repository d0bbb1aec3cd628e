package dev.assize.server.decision;

import static java.util.stream.Collectors.joining;

import dev.assize.server.decision.HistorySource.Performed;
import dev.assize.server.decision.Settlement.ApprovalFinding;
import dev.assize.server.decision.Settlement.HistoryFinding;
import dev.assize.server.decision.approval.ApprovalJudge;
import dev.assize.server.decision.approval.ApprovalRequest;
import dev.assize.server.decision.approval.Standing;
import dev.assize.server.decision.approval.StricterRule;
import dev.assize.server.decision.check.Answer;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.decision.check.Explanation;
import dev.assize.server.decision.check.Explanation.RuleTrace;
import dev.assize.server.model.Action;
import dev.assize.server.policy.Document.ApprovalRuleDocument;
import dev.assize.server.policy.Document.Duty.PerformedActions;
import dev.assize.server.policy.Document.SeparationOfDutyDocument;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/** What history and approvals add to the trace of a decision, in sentences for people. */
final class Traces {

    private Traces() {}

    /** The trace with another answer, and with what was found in the place of what the policy alone says of a rule. */
    static Explanation with(
            Explanation policy,
            Answer answer,
            CheckQuery query,
            List<HistoryFinding> histories,
            List<ApprovalFinding> approvals) {
        return new Explanation(
                answer,
                policy.groups(),
                policy.activeRoles(),
                policy.freezes(),
                policy.bindings(),
                replaced(policy.duties(), histories.stream().map(finding -> trace(finding, query))),
                replaced(policy.approvals(), approvals.stream().map(Traces::trace)),
                null);
    }

    /** The trace of a request on somebody's behalf. */
    static Explanation with(Explanation own, Answer answer, Explanation delegator) {
        return new Explanation(
                answer,
                own.groups(),
                own.activeRoles(),
                own.freezes(),
                own.bindings(),
                own.duties(),
                own.approvals(),
                delegator);
    }

    private static List<RuleTrace> replaced(List<RuleTrace> traces, Stream<RuleTrace> found) {
        Map<String, RuleTrace> byName = new LinkedHashMap<>();
        Stream.concat(traces.stream(), found).forEach(trace -> byName.put(trace.name(), trace));
        return List.copyOf(byName.values());
    }

    private static RuleTrace trace(HistoryFinding finding, CheckQuery query) {
        SeparationOfDutyDocument rule = finding.rule();
        String others = rule.duty() instanceof PerformedActions(List<Action> actions, var _)
                ? oneOf(actions.stream()
                        .filter(action -> !action.equals(query.action()))
                        .map(action -> "`" + action + "`")
                        .toList())
                : "";
        Optional<Performed> performed = finding.performed();
        String detail = performed.isPresent()
                ? "the ledger shows that `" + query.subject() + "` did `"
                        + performed.get().action() + "` on `" + query.resource() + "` at "
                        + performed.get().recordedAt() + ", entry "
                        + performed.get().seq()
                        + ": whoever did " + others + " there does not `" + query.action() + "`"
                : "the ledger does not show that `" + query.subject() + "` did " + others + " on `" + query.resource()
                        + "`";
        return new RuleTrace(rule.name(), finding.denies(), detail, rule.place());
    }

    private static String oneOf(List<String> names) {
        return names.size() == 1 ? names.getFirst() : "one of " + String.join(", ", names);
    }

    private static RuleTrace trace(ApprovalFinding finding) {
        ApprovalRuleDocument rule = finding.rule();
        String detail = finding.usable()
                .map(request -> "request `" + request.id() + "` is approved: " + standing(finding, request))
                .orElseGet(() -> "needs " + needed(rule) + "; " + missing(finding));
        return new RuleTrace(rule.name(), finding.denies(), detail, rule.place());
    }

    private static String needed(ApprovalRuleDocument rule) {
        return (rule.approvals() == 1 ? "an approval" : rule.approvals() + " approvals") + " by "
                + rule.approverTypes().stream().map(type -> "`" + type + "`").collect(joining(" or "))
                + " holding role `" + rule.approverRole() + "`";
    }

    private static String missing(ApprovalFinding finding) {
        return finding.requests().isEmpty()
                ? "nobody has asked for it"
                : finding.requests().stream()
                        .map(request -> "request `" + request.id() + "` " + standing(finding, request))
                        .collect(joining("; "));
    }

    private static String standing(ApprovalFinding finding, ApprovalRequest request) {
        ApprovalRuleDocument rule = finding.rule();
        Optional<StricterRule> owed = StricterRule.of(request, rule);
        if (owed.isEmpty()) {
            return "was made before this rule covered it";
        }
        Standing standing = ApprovalJudge.standing(request, List.of(rule), finding.at());
        long given = request.votes().stream()
                .filter(vote -> vote.approves() && vote.rules().contains(rule.name()))
                .map(vote -> vote.approver() + " of " + vote.approverHome())
                .distinct()
                .count();
        String votes = given + " of " + owed.get().approvals() + " approvals";
        return switch (standing.state()) {
            case PENDING -> "is pending until " + standing.until() + ", with " + votes;
            case APPROVED -> votes + ", until " + standing.until() + (owed.get().singleUse() ? ", for one use" : "");
            case REJECTED -> "was rejected" + by(request);
            case EXPIRED -> "has expired, with " + votes;
            case USED -> "was used at " + request.usedAt();
            case CANCELLED -> "was cancelled at " + request.cancelledAt();
        };
    }

    private static String by(ApprovalRequest request) {
        return request.votes().stream()
                .filter(vote -> !vote.approves())
                .findFirst()
                .map(vote -> " by `" + vote.approver() + "` at " + vote.at())
                .orElse("");
    }
}
