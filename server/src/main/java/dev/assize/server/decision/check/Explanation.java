package dev.assize.server.decision.check;

import dev.assize.server.policy.Document.Effect;
import dev.assize.server.policy.SourcePlace;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The trace of a decision.
 *
 * @param answer the same answer as without the trace
 * @param groups that contain the subject, directly or through groups, by name
 * @param activeRoles the set that separations of duty were held against, by name; empty where none covers the request
 * @param freezes every one that names something of the request, by name
 * @param bindings every one that names the subject, by name
 * @param duties every separation of duty that covers the request, by name
 * @param approvals every approval rule that covers the request, by name; judged only where everything else allows
 * @param delegator the trace of the one on whose behalf the request is made; null where there is none, or where the
 *     subject itself is denied
 */
public record Explanation(
        Answer answer,
        List<String> groups,
        List<String> activeRoles,
        List<RuleTrace> freezes,
        List<BindingTrace> bindings,
        List<RuleTrace> duties,
        List<RuleTrace> approvals,
        @Nullable Explanation delegator) {

    /** The trace of a request that was answered before any rule was looked at. */
    public Explanation(Answer answer, List<String> groups, List<BindingTrace> bindings) {
        this(answer, groups, List.of(), List.of(), bindings, List.of(), List.of(), null);
    }

    /** The same trace of an answer about the past. */
    public Explanation historical() {
        return new Explanation(
                answer.historical(),
                groups,
                activeRoles,
                freezes,
                bindings,
                duties,
                approvals,
                delegator == null ? null : delegator.historical());
    }

    /**
     * What became of a freeze, a separation of duty or an approval rule.
     *
     * @param denies whether it stands in the way of the request
     * @param detail one sentence for people, with the values compared
     */
    public record RuleTrace(String name, boolean denies, String detail, SourcePlace place) {}

    /**
     * What became of a binding.
     *
     * @param matchedSubject the binding's subject that matched
     * @param detail one sentence for people: what matched or failed, with the values compared
     * @param permissions of its role and those it inherits that cover the request's type, action and environment
     */
    public record BindingTrace(
            String binding,
            String role,
            String matchedSubject,
            BindingState state,
            String detail,
            SourcePlace place,
            List<PermissionTrace> permissions) {}

    /** What became of a binding, in the order in which it is judged. */
    public enum BindingState {
        HOLDS,
        OUT_OF_SCOPE,
        EXPIRED,
        NOT_YET_VALID,
        CONDITION_FALSE,
        CONDITION_ERROR,
        /** It would hold, but the request names active roles and its role is not among them; its denies count. */
        NOT_ACTIVE
    }

    /**
     * A permission that covers the request.
     *
     * @param role that carries it
     * @param through the inheritance path from the bound role to {@code role}, both included
     * @param detail one sentence for people where it does not simply hold, else empty
     */
    public record PermissionTrace(
            String role,
            int position,
            Effect effect,
            PermissionState state,
            List<String> through,
            String detail,
            SourcePlace place) {}

    /** What became of a permission of a binding that holds. */
    public enum PermissionState {
        HOLDS,
        CONDITION_FALSE,
        CONDITION_ERROR,
        /** A freeze cuts every way to its role. */
        ROLE_FROZEN
    }
}
