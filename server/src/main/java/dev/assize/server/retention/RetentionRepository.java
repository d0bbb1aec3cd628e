package dev.assize.server.retention;

import dev.assize.server.model.TenantId;
import dev.assize.server.retention.Hold.Page;
import dev.assize.server.retention.Hold.Placing;
import dev.assize.server.retention.Hold.Release;
import dev.assize.server.retention.Hold.ReleaseResult;
import java.util.List;

/**
 * Erases and holds. Each call is one transaction that locks the ledger's head first and appends the entry that says what
 * was done: of a hold and an erasure one comes first, and what comes second knows of it.
 */
public interface RetentionRepository {

    /** Erases values and records it; what is gone already, on record, stays so. */
    Erasure.Result erase(Erasure erasure);

    /** Places a hold and records it. Once this has returned nothing is erased that the hold is on. */
    Hold place(Placing placing);

    /** Releases a hold and records it. */
    ReleaseResult release(Release release);

    /** Holds in the order in which they were placed. */
    List<Hold> list(TenantId tenant, Page page);
}
