package dev.assize.server.anchor;

import dev.assize.server.ledger.Verification.Fault;
import dev.assize.server.model.TenantId;
import java.util.Optional;

/**
 * What the database keeps beside a ledger and changes as entries say: legal holds, what is to be pruned and was, how far
 * spools are.
 */
public interface StandingRecords {

    /** What of it is not as the entries say that are there; empty where all is. Of entries that were pruned nobody can tell. */
    Optional<Fault> fault(TenantId tenant);
}
