package dev.assize.server.administration;

import dev.assize.server.model.Recorder;
import dev.assize.server.model.TenantId;

/** The credentials whose home is a tenant. Blocks. */
@FunctionalInterface
public interface TenantKeys {

    /** Ends all that are valid, each as an entry in the tenant's ledger; returns how many. */
    int revokeAll(TenantId home, Recorder revokedBy);
}
