package dev.assize.server.decision.check;

import dev.assize.server.policy.Document.Effect;
import dev.assize.server.policy.SourcePlace;
import java.util.List;

/**
 * The trace of a decision.
 *
 * @param answer the same answer as without the trace
 * @param groups that contain the subject, directly or through groups, by name
 * @param bindings every one that names the subject, by name
 */
public record Explanation(Answer answer, List<String> groups, List<BindingTrace> bindings) {

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
        NOT_YET_VALID
    }

    /**
     * A permission that covers the request.
     *
     * @param role that carries it
     * @param through the inheritance path from the bound role to {@code role}, both included
     */
    public record PermissionTrace(String role, int position, Effect effect, List<String> through, SourcePlace place) {}
}
