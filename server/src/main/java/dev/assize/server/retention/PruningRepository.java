package dev.assize.server.retention;

import dev.assize.server.ledger.ErasableValue;
import dev.assize.server.model.Digest;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.TenantId;
import dev.assize.server.retention.Pruning.Plan;
import dev.assize.server.retention.Pruning.ProposalResult;
import dev.assize.server.retention.Pruning.Wish;
import java.io.IOException;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/** What pruning needs of the database. Blocks; a broken surrounding is an exception. */
public interface PruningRepository {

    /** What of a wish may go now. */
    Plan plan(Wish wish, Instant now);

    /** Records a proposal of what of a wish may go, in one transaction that locks the ledger's head. */
    ProposalResult propose(Wish wish, Recorder by, String reason, Instant now);

    /** A proposal, whatever became of it. */
    Optional<Pruning> find(TenantId tenant, String id);

    /** When an entry was recorded. */
    Instant recordedAt(TenantId tenant, long seq);

    /** Reads entries in their order, and everything that stands beside them, as they stand at one moment. */
    void read(TenantId tenant, long fromSeq, long toSeq, Reader reader);

    /**
     * Removes entries, in one transaction that locks the ledger's head: keeps what they show to have been done, appends the
     * entry that says so, and removes what it names.
     *
     * @param statement what is signed and recorded, given a digest of what is kept of what was done
     */
    Ending prune(Removal removal, Function<Digest, Statement> statement, Instant now);

    /**
     * Entries that are verified and archived.
     *
     * @param values beside them in the archive: erased meanwhile, they would go on there
     */
    record Removal(Pruning pruning, Recorder by, long fromSeq, long toSeq, long values) {}

    /**
     * What is said of entries that are removed.
     *
     * @param note signed
     * @param object in the archive
     */
    record Statement(String note, String object, Digest digest, Digest root) {}

    /** How a removal ended. */
    sealed interface Ending {

        /** Gone. */
        record Removed(Pruning.Part part) implements Ending {}

        /** Something came in between; nothing was removed. */
        record Refused(Pruning.Limit limit) implements Ending {}

        /** The ledger begins elsewhere by now, or has lost a value that is in the archive: it is to be done again. */
        record Moved(long baseSeq) implements Ending {}
    }

    /** Hears of entries. */
    interface Reader {

        /**
         * Takes the next.
         *
         * @param beside values that can be erased, in the order of their fields
         * @param decisions that were recorded with it, in their order
         */
        void accept(long seq, byte[] frame, List<ErasableValue> beside, List<byte[]> decisions) throws IOException;
    }
}
