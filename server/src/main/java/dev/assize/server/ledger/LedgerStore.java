package dev.assize.server.ledger;

import dev.assize.server.model.TenantId;
import java.util.List;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;

/** What the ledger needs of a database. Blocks; a broken surrounding is an exception. */
public interface LedgerStore {

    /** Entries that are asked about together. */
    int NOTICES_AT_ONCE = 1_000;

    /**
     * Appends commands of one tenant in one transaction that locks the tenant's head row once. Returns when they
     * are durable; one result for each command, in their order. A command whose key is known, also from an
     * earlier command of the same call, appends nothing. A precondition is asked under the lock, and what it reads of
     * this store, on the thread on which it is asked, includes what earlier commands of the call appended.
     *
     * @throws PreconditionFailedException where a precondition throws; nothing of the call was appended
     */
    List<AppendResult> append(TenantId tenant, List<AppendCommand> commands);

    /**
     * The same in two steps, so that the next commands can be prepared while these are written. What is prepared must be
     * written.
     *
     * @throws DraftRefusedException where one of them can never be appended; nothing of the call will be
     */
    default Prepared prepare(TenantId tenant, List<AppendCommand> commands) {
        return new Prepared() {
            @Override
            public List<AppendResult> write() {
                return append(tenant, commands);
            }

            @Override
            public boolean mayBeFollowed() {
                return false;
            }
        };
    }

    /** Commands that have their places, unless somebody else takes them first. */
    interface Prepared {

        /** Appends, and returns when it is durable, as {@link LedgerStore#append} does. To be called once. */
        List<AppendResult> write();

        /** Whether further commands may be prepared, and written on another thread, before this is written. */
        boolean mayBeFollowed();
    }

    /**
     * Entries that may say of values of some entries that they were erased, in the order of their positions. What they say
     * is in their frames; that they are as they were appended is not looked at.
     *
     * @param seqs of the entries whose values are gone, at most {@link #NOTICES_AT_ONCE}
     * @param fromSeq the first position to be looked at
     */
    List<StoredEntry> notices(TenantId tenant, List<Long> seqs, long fromSeq);

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
    default Optional<LedgerHead> scan(TenantId tenant, long fromSeq, long toSeq, Predicate<StoredEntry> reader) {
        return scan(tenant, fromSeq, toSeq, reader, () -> true);
    }

    /**
     * The same with pauses.
     *
     * @param pause called after at most some thousand entries, and behind the last one; what it reads of this store's
     *     database on its thread it reads from the same snapshot, on the same connection. Stops when it answers false
     */
    Optional<LedgerHead> scan(
            TenantId tenant, long fromSeq, long toSeq, Predicate<StoredEntry> reader, BooleanSupplier pause);
}
