package dev.assize.server.decision.evaluate;

import dev.assize.server.decision.check.Answer.DecidedBy;
import dev.assize.server.model.Reason;
import dev.assize.server.policy.Document.ApprovalRuleDocument;
import dev.assize.server.policy.Document.Duty;
import dev.assize.server.policy.Document.SeparationOfDutyDocument;
import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.BiPredicate;
import org.jspecify.annotations.Nullable;

/**
 * How a question will be answered that is not asked yet, as far as policy alone says so.
 *
 * @param effect whether there is an answer without knowing the request
 * @param reason of the answer; null where it depends on the request
 * @param decidedBy what decides; null where nothing does or it depends
 * @param allowsIf the conditions of which one must hold, as people read them, by what tells them apart; none where it
 *     does not depend on any
 * @param deniesIf those of which none may hold
 * @param histories the separations of duty by history that stand before an allow
 * @param approvals the approval rules that stand before an allow
 */
public record Prospect(
        Effect effect,
        @Nullable Reason reason,
        @Nullable DecidedBy decidedBy,
        SortedMap<String, String> allowsIf,
        SortedMap<String, String> deniesIf,
        List<SeparationOfDutyDocument> histories,
        List<ApprovalRuleDocument> approvals) {

    /** What is known of the answer. */
    public enum Effect {
        ALLOW,
        DENY,
        /** It depends on what the request brings along. */
        CONDITIONAL
    }

    public Prospect {
        allowsIf = Collections.unmodifiableSortedMap(new TreeMap<>(allowsIf));
        deniesIf = Collections.unmodifiableSortedMap(new TreeMap<>(deniesIf));
        histories = List.copyOf(histories);
        approvals = List.copyOf(approvals);
    }

    static Prospect denied(@Nullable Reason reason, @Nullable DecidedBy decidedBy) {
        return new Prospect(Effect.DENY, reason, decidedBy, new TreeMap<>(), new TreeMap<>(), List.of(), List.of());
    }

    /** Whether some request may be allowed. */
    public boolean isOpen() {
        return effect != Effect.DENY;
    }

    /** Whether the same is answered, whatever the request; what decides may be another. */
    public boolean answersAs(Prospect other) {
        return effect == other.effect
                && allowsIf.keySet().equals(other.allowsIf.keySet())
                && deniesIf.keySet().equals(other.deniesIf.keySet())
                && same(approvals, other.approvals, Prospect::isSame)
                && same(histories, other.histories, Prospect::isSame);
    }

    /** Whether some request may be allowed now that was not before. What cannot be compared may be. */
    public boolean gives(Prospect before) {
        if (effect == Effect.DENY) {
            return false;
        }
        if (before.effect == Effect.DENY || !deniesIf.keySet().containsAll(before.deniesIf.keySet())) {
            return true;
        }
        boolean mayAlways = allowsIf.isEmpty();
        boolean couldAlways = before.allowsIf.isEmpty();
        if (!couldAlways && (mayAlways || !before.allowsIf.keySet().containsAll(allowsIf.keySet()))) {
            return true;
        }
        return !allKept(before.approvals, approvals, Prospect::isNoWeaker)
                || !allKept(before.histories, histories, Prospect::isNoWeaker);
    }

    private static <T> boolean allKept(List<T> before, List<T> after, BiPredicate<T, T> isNoWeaker) {
        return before.stream().allMatch(was -> after.stream().anyMatch(is -> isNoWeaker.test(is, was)));
    }

    private static <T> boolean same(List<T> left, List<T> right, BiPredicate<T, T> isSame) {
        if (left.size() != right.size()) {
            return false;
        }
        for (int i = 0; i < left.size(); i++) {
            if (!isSame.test(left.get(i), right.get(i))) {
                return false;
            }
        }
        return true;
    }

    private static boolean isSame(ApprovalRuleDocument left, ApprovalRuleDocument right) {
        return left.name().equals(right.name()) && isNoWeaker(left, right) && isNoWeaker(right, left);
    }

    private static boolean isSame(SeparationOfDutyDocument left, SeparationOfDutyDocument right) {
        return left.name().equals(right.name()) && isNoWeaker(left, right) && isNoWeaker(right, left);
    }

    /** Whether whoever passes the one passes the other: by the same approvers, as many at least, for no longer. */
    private static boolean isNoWeaker(ApprovalRuleDocument is, ApprovalRuleDocument was) {
        return is.approvals() >= was.approvals()
                && is.approverRole().equals(was.approverRole())
                && was.approverTypes().containsAll(is.approverTypes())
                && is.ttl().compareTo(was.ttl()) <= 0
                && is.pendingTtl().compareTo(was.pendingTtl()) <= 0
                && (is.singleUse() || !was.singleUse());
    }

    /** Both cover the question; so only the actions beside it matter. */
    private static boolean isNoWeaker(SeparationOfDutyDocument is, SeparationOfDutyDocument was) {
        return is.duty() instanceof Duty.PerformedActions now
                && was.duty() instanceof Duty.PerformedActions then
                && now.actions().containsAll(then.actions());
    }
}
