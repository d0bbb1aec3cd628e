package dev.assize.server.cli.policytest;

import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.SourcePlace;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Checks about one tenant, in the order in which they were written. */
record TestSuite(String name, List<TestCheck> checks) {

    /**
     * One question and the answer it must have.
     *
     * @param place of the expectation
     * @param title of the case it belongs to
     * @param obligations the ids of all that the answer must carry; absent where that is not asked
     */
    record TestCheck(
            SourcePlace place,
            String title,
            CheckQuery query,
            Instant now,
            Facts facts,
            Expectation expected,
            Optional<Set<String>> obligations) {}

    /** What a check takes for granted of the world outside the policy. */
    record Facts(List<PastAction> history, List<GivenApproval> approvals) {

        static final Facts NONE = new Facts(List.of(), List.of());

        Facts {
            history = List.copyOf(history);
            approvals = List.copyOf(approvals);
        }
    }

    /**
     * An entry of the ledger.
     *
     * @param done whether its outcome is `SUCCESS` or `PARTIAL`
     */
    record PastAction(Subject actor, Action action, ResourcePath resource, boolean done, Instant at) {}

    /**
     * A request to approve an action, under all rules of the policy that cover it.
     *
     * @param approvedBy whose right to approve is taken for granted where the rule has their type
     * @param rejectedBy null where nobody rejected it
     */
    record GivenApproval(
            Subject requester,
            Subject subject,
            TenantId subjectHome,
            Action action,
            ResourcePath resource,
            Environment environment,
            Instant requestedAt,
            List<Subject> approvedBy,
            @Nullable Subject rejectedBy,
            Instant resolvedAt,
            @Nullable Instant cancelledAt,
            @Nullable Instant usedAt) {}
}
