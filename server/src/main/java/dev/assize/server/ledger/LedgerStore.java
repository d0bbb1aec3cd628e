package dev.assize.server.ledger;

import dev.assize.server.model.TenantId;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

/** What the ledger needs of a database. Blocks; a broken surrounding is an exception. */
public interface LedgerStore {

    /**
     * Appends commands of one tenant in one transaction that locks the tenant's head row once. Returns when they
     * are durable; one result for each command, in their order. A command whose key is known, also from an
     * earlier command of the same call, appends nothing. A precondition is asked under the lock, and what it reads of
     * this store, on the thread on which it is asked, includes what earlier commands of the call appended.
     *
     * @throws PreconditionFailedException where a precondition throws; nothing of the call was appended
     */
    List<AppendResult> append(TenantId tenant, List<AppendCommand> commands);

    /** The tenant's head; empty where nothing was ever appended. */
    Optional<LedgerHead> head(TenantId tenant);

    /**
     * Reads a range in order of seq, and the head, from one snapshot. Stops when the reader answers false.
     *
     * @param fromSeq included
     * @param toSeq included; {@link Long#MAX_VALUE} for all there are, whatever the head says
     * @return the head as of the same snapshot
     * @throws UnreadableRowException where a row is no entry; what stands before it has been read
     * @throws StrayRowException where a row of what is stored beside the entries belongs to none of the range
     */
    Optional<LedgerHead> scan(TenantId tenant, long fromSeq, long toSeq, Predicate<StoredEntry> reader);
}
