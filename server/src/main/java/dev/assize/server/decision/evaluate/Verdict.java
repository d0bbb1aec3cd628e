package dev.assize.server.decision.evaluate;

import dev.assize.server.decision.check.Answer;
import dev.assize.server.policy.Document.ApprovalRuleDocument;
import dev.assize.server.policy.Document.SeparationOfDutyDocument;
import java.util.List;

/**
 * What the policy alone says, and what is left to ask outside of it where it allows.
 *
 * @param answer what is answered if nothing outside stands against it; its validity takes account of the lists
 * @param histories the separations of duty by history that cover the request, by name; none where the answer denies
 * @param approvals the approval rules that cover it, by name; none where the answer denies
 */
public record Verdict(Answer answer, List<SeparationOfDutyDocument> histories, List<ApprovalRuleDocument> approvals) {
    public Verdict {
        histories = List.copyOf(histories);
        approvals = List.copyOf(approvals);
    }
}
