package dev.assize.server.decision.approval;

import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document.ApprovalRuleDocument;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A request that an action be approved, with all that has become of it.
 *
 * @param requester who asked for it
 * @param subject who may do the action once it is approved
 * @param rules as they were when it was asked for; what holds now may be stricter, and then that counts
 * @param votes in the order in which they were given
 * @param cancelledAt null while it is not cancelled
 * @param usedAt null while it is not used up
 */
public record ApprovalRequest(
        String id,
        TenantId tenant,
        Subject requester,
        TenantId requesterHome,
        Subject subject,
        TenantId subjectHome,
        Action action,
        ResourcePath resource,
        Environment env,
        List<PinnedRule> rules,
        List<Vote> votes,
        Instant requestedAt,
        @Nullable Instant cancelledAt,
        @Nullable Instant usedAt) {

    public ApprovalRequest {
        rules = List.copyOf(rules);
        votes = List.copyOf(votes);
    }

    /** The request as it was: what came after {@code moment} has not happened. */
    public ApprovalRequest asOf(Instant moment) {
        return new ApprovalRequest(
                id,
                tenant,
                requester,
                requesterHome,
                subject,
                subjectHome,
                action,
                resource,
                env,
                rules,
                votes.stream().filter(vote -> !vote.at().isAfter(moment)).toList(),
                requestedAt,
                cancelledAt == null || cancelledAt.isAfter(moment) ? null : cancelledAt,
                usedAt == null || usedAt.isAfter(moment) ? null : usedAt);
    }

    /** An approval rule as it was when the request was made. */
    public record PinnedRule(
            String name,
            int approvals,
            String approverRole,
            List<String> approverTypes,
            Duration pendingTtl,
            Duration ttl,
            boolean singleUse) {
        public PinnedRule {
            approverTypes = List.copyOf(approverTypes);
        }

        /** The rule as it is. */
        public static PinnedRule of(ApprovalRuleDocument rule) {
            return new PinnedRule(
                    rule.name(),
                    rule.approvals(),
                    rule.approverRole(),
                    rule.approverTypes(),
                    rule.pendingTtl(),
                    rule.ttl(),
                    rule.singleUse());
        }
    }

    /**
     * What one approver said.
     *
     * @param rules the names of those that its word counts for: whose role it held, and whose type it was
     */
    public record Vote(
            Subject approver,
            TenantId approverHome,
            boolean approves,
            List<String> rules,
            @Nullable String comment,
            Instant at) {
        public Vote {
            rules = List.copyOf(rules);
        }
    }
}
