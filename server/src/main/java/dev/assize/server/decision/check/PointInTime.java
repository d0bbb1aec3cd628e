package dev.assize.server.decision.check;

import dev.assize.server.model.Revision;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** What moment a question is about. */
public sealed interface PointInTime {

    /** The present: the newest policy this node knows, and its clock. */
    record Now() implements PointInTime {}

    /**
     * The past: what was committed by then, policy, platform, approvals and history. At least one is named.
     *
     * @param revision of the tenant's policy; null means the one that was current at {@code asOf}
     * @param asOf the moment that is judged, at which the revision was there; null means now, with what was committed when the revision was
     */
    record Past(@Nullable Revision revision, @Nullable Instant asOf) implements PointInTime {
        public Past {
            if (revision == null && asOf == null) {
                throw new IllegalArgumentException("The past needs a revision or a moment");
            }
        }
    }

    PointInTime NOW = new Now();
}
