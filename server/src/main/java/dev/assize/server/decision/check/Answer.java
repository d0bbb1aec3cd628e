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
 * @param decidedBy null where no binding decided
 * @param revision of the tenant's policy; as the platform's, {@link Revision#NONE} where the tenant is unknown
 * @param validUntil until then the whole answer stays the same if policy does not change
 * @param obligations duties on allow, advice on deny; by id, then type
 */
public record Answer(
        Reason reason,
        @Nullable DecidedBy decidedBy,
        Revision revision,
        Revision platformRevision,
        Instant validUntil,
        List<Obligation> obligations) {

    /**
     * The binding, role and permission that decided: of several, the first by binding name, then role name, then
     * position.
     *
     * @param role the role that carries the permission, the bound one or one it inherits
     * @param position of the permission in that role, from 0
     */
    public record DecidedBy(String binding, String role, int position) {}
}
