package dev.assize.server.decision;

import dev.assize.server.decision.approval.ApproverStanding;
import dev.assize.server.decision.approval.ProposedAction;
import dev.assize.server.model.Reason;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document.ApprovalRuleDocument;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * What policy says of approving things, now: answered from the same graphs as decisions, and throwing what {@link
 * DecisionService} throws. Where there is no such tenant there are no rules and nobody holds a role.
 */
public interface ApprovalPolicy {

    /** What it names that the tenant does not have, the tenant itself included; empty where it has all of it. */
    Optional<Reason> unknown(ProposedAction proposed);

    /** The approval rules that cover an action, by name. */
    List<ApprovalRuleDocument> covering(ProposedAction proposed);

    /** Whether somebody may approve it, as far as the subject's roles and freezes go. */
    ApproverStanding standing(Subject approver, TenantId home, ProposedAction proposed, Set<String> roles);
}
