package dev.assize.server.retention;

import dev.assize.server.model.TenantId;

/** Sees to it that the policy a ledger tells of can be told without the entries that are pruned. */
public interface PolicyKeeper {

    /** Has the ledger tell it anew at or behind a position, unless it does; not within a transaction. */
    void keep(TenantId tenant, long fromSeq);
}
