package dev.assize.server.administration;

import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Revision;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.replay.PolicyEntry;
import java.util.List;
import java.util.OptionalLong;

/** Entries that tell of policy, read from ledgers as they stand. Blocks. */
public interface PolicyLedger {

    /** Where the newest whole snapshot of a scope begins that is of a revision or of an earlier one. */
    OptionalLong newestSnapshot(PolicyScope scope, Revision atMost);

    /** The manifests at these positions, as far as they are there. */
    List<PolicyEntry> manifests(TenantId ledger, List<Long> seqs);

    /** The next such entries of a ledger, from a position on, in their order; none at the end. */
    List<PolicyEntry> read(TenantId ledger, long fromSeq);
}
