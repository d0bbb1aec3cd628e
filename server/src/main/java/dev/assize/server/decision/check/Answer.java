package dev.assize.server.decision.check;

import dev.assize.server.model.Reason;
import dev.assize.server.model.Revision;
import dev.assize.server.policy.Document.Obligation;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What the PDP answers. A deny unless {@link Reason#isAllow()}.
 *
 * @param decidedBy null where nothing in the policy decided
 * @param revision of the tenant's policy; as the platform's, {@link Revision#NONE} where the tenant is unknown
 * @param validUntil until then the whole answer stays the same if policy does not change; null for an answer about the
 *     past
 * @param obligations duties on allow, advice on deny; by id, then type
 * @param delegatorReason why the one on whose behalf the request is made is denied; null otherwise
 * @param approvalId of the single-use approval that the allow rests on; null otherwise
 */
public record Answer(
        Reason reason,
        @Nullable DecidedBy decidedBy,
        Revision revision,
        Revision platformRevision,
        @Nullable Instant validUntil,
        List<Obligation> obligations,
        @Nullable Reason delegatorReason,
        @Nullable String approvalId) {

    /** An answer without a delegator's reason or an approval. */
    public Answer(
            Reason reason,
            @Nullable DecidedBy decidedBy,
            Revision revision,
            Revision platformRevision,
            @Nullable Instant validUntil,
            List<Obligation> obligations) {
        this(reason, decidedBy, revision, platformRevision, validUntil, obligations, null, null);
    }

    /** Whether this is an answer about the past, which nobody may enforce. */
    public boolean isHistorical() {
        return validUntil == null;
    }

    /** The same answer as one about the past. */
    public Answer historical() {
        return new Answer(
                reason, decidedBy, revision, platformRevision, null, obligations, delegatorReason, approvalId);
    }

    /** What in the policy decided. */
    public sealed interface DecidedBy {

        /**
         * The binding, role and permission: of several, the first by binding name, then role name, then position.
         *
         * @param role the role that carries the permission, the bound one or one it inherits
         * @param position of the permission in that role, from 0
         */
        record Grant(String binding, String role, int position) implements DecidedBy {}

        /** A freeze, of several the first by name. */
        record Freeze(String name) implements DecidedBy {}

        /** A separation of duty, of several the first by name. */
        record Duty(String name) implements DecidedBy {}

        /** An approval rule, of several the first by name. */
        record Approval(String name) implements DecidedBy {}
    }
}
