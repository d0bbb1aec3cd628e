package dev.assize.server.decision.approval;

import dev.assize.server.decision.approval.ApprovalRequest.PinnedRule;
import dev.assize.server.policy.Document.ApprovalRuleDocument;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What a request owes a rule: the stricter of the rule as it was pinned and as it is now, field by field.
 *
 * @param approverRole null where the two name different roles: whoever held the one was not asked about the other, so no
 *     vote counts
 * @param approverTypes those that both admit
 */
public record StricterRule(
        String name,
        int approvals,
        @Nullable String approverRole,
        List<String> approverTypes,
        Duration pendingTtl,
        Duration ttl,
        boolean singleUse) {

    public StricterRule {
        approverTypes = List.copyOf(approverTypes);
    }

    /** What the request owes the rule; empty where it was made before the rule covered it. */
    public static Optional<StricterRule> of(ApprovalRequest request, ApprovalRuleDocument current) {
        return request.rules().stream()
                .filter(pinned -> pinned.name().equals(current.name()))
                .findFirst()
                .map(pinned -> of(pinned, current));
    }

    /**
     * What a request owes all rules that it pinned and that still cover it. Where none does any more, what it pinned is
     * all there is to go by.
     *
     * @param current those that cover it now
     */
    public static List<StricterRule> all(ApprovalRequest request, List<ApprovalRuleDocument> current) {
        List<StricterRule> standing =
                current.stream().flatMap(rule -> of(request, rule).stream()).toList();
        return standing.isEmpty()
                ? request.rules().stream().map(StricterRule::of).toList()
                : standing;
    }

    private static StricterRule of(PinnedRule pinned) {
        return new StricterRule(
                pinned.name(),
                pinned.approvals(),
                pinned.approverRole(),
                pinned.approverTypes(),
                pinned.pendingTtl(),
                pinned.ttl(),
                pinned.singleUse());
    }

    private static StricterRule of(PinnedRule pinned, ApprovalRuleDocument current) {
        return new StricterRule(
                pinned.name(),
                Math.max(pinned.approvals(), current.approvals()),
                pinned.approverRole().equals(current.approverRole()) ? pinned.approverRole() : null,
                pinned.approverTypes().stream()
                        .filter(current.approverTypes()::contains)
                        .toList(),
                shorter(pinned.pendingTtl(), current.pendingTtl()),
                shorter(pinned.ttl(), current.ttl()),
                pinned.singleUse() || current.singleUse());
    }

    private static Duration shorter(Duration one, Duration other) {
        return one.compareTo(other) <= 0 ? one : other;
    }
}
