package dev.assize.server.administration;

import static java.util.stream.Collectors.joining;

import dev.assize.server.decision.approval.ApproverStanding;
import dev.assize.server.decision.approval.ProposedAction;
import dev.assize.server.decision.approval.StricterRule;
import dev.assize.server.model.Subject;
import java.util.ArrayList;
import java.util.List;

/**
 * For which rules of a request somebody's word counts.
 *
 * @param rules their names
 * @param why what stands against the others, in sentences for people
 */
record Eligibility(List<String> rules, List<String> why) {

    static Eligibility of(
            Subject approver, ApproverStanding standing, ProposedAction proposed, List<StricterRule> rules) {
        if (standing.frozenBy() != null) {
            return new Eligibility(
                    List.of(), List.of("`" + approver + "` is frozen here by `" + standing.frozenBy() + "`"));
        }
        List<String> counts = new ArrayList<>();
        List<String> why = new ArrayList<>();
        for (StricterRule rule : rules) {
            String obstacle = obstacle(approver, standing, proposed, rule);
            if (obstacle.isEmpty()) {
                counts.add(rule.name());
            } else {
                why.add("rule `" + rule.name() + "`: " + obstacle);
            }
        }
        return new Eligibility(List.copyOf(counts), List.copyOf(why));
    }

    private static String obstacle(
            Subject approver, ApproverStanding standing, ProposedAction proposed, StricterRule rule) {
        String role = rule.approverRole();
        if (role == null) {
            return "it asks for another role since the request was made, so a new request is needed";
        }
        if (!rule.approverTypes().contains(approver.type())) {
            return "`" + approver + "` is a `" + approver.type() + "`, expected "
                    + (rule.approverTypes().isEmpty() ? "nobody: no type is admitted then and now" : listed(rule));
        }
        return standing.held().contains(role)
                ? ""
                : "`" + approver + "` does not hold role `" + role + "` for `" + proposed.resource()
                        + "` in environment `" + proposed.env() + "`";
    }

    private static String listed(StricterRule rule) {
        return rule.approverTypes().stream().map(type -> "`" + type + "`").collect(joining(" or "));
    }
}
