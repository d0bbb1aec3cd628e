package dev.assize.server.audit;

import dev.assize.server.ledger.EntryDraft;
import dev.assize.server.ledger.Receipt;
import dev.assize.server.model.Digest;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.TenantId;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** How far each ledger has the spools that append to it. Blocks; a broken surrounding is an exception. */
public interface SpoolRepository {

    /** Spools of one recorder that a ledger knows: none is forgotten, so that nothing of any is appended twice. */
    int MOST_OF_RECORDER = 10_000;

    /** Spools of one recorder that a ledger has only heard of: they have told of records, and it has taken none of them. */
    int MOST_HEARD_OF = 100;

    /**
     * Appends the batch where it is what the ledger expects next of that spool, with the head locked; otherwise nothing. A
     * spool stays its first recorder's: from another, all that is kept of it would be appended again.
     *
     * @param drafts of all events, in their order
     * @param begins the hash before a spool's first record
     */
    Reception append(TenantId tenant, Recorder recorder, SpooledBatch batch, Digest begins, List<EntryDraft> drafts);

    /** All spools of a ledger, by who records and id. */
    List<Standing> list(TenantId tenant);

    /** Moves on behind records that will not come, and records that. */
    LossResult declareLost(Loss loss);

    /**
     * Where the ledger stands with a spool after a batch.
     *
     * @param nextNumber of the record that it expects next
     * @param lastHash up to there; null where any will do
     * @param left other spools of the same recorder that had told of more than the ledger has, where these are the first of this one
     */
    record Reception(
            Verdict verdict, long nextNumber, @Nullable Digest lastHash, List<Standing> left) {}

    /** What became of a batch. */
    enum Verdict {
        APPENDED,
        /** There was nothing in it. */
        ASKED,
        /** The same, and what the spool tells of is not noted: the ledger has heard of too many of that recorder. */
        UNNOTED,
        /** The ledger has some of it already. */
        KNOWN,
        /** It begins further on: some before it are missing. */
        MISSING,
        /** It continues other records than those that the ledger has. */
        FORKED,
        /** The ledger has the spool of another recorder. */
        OF_ANOTHER_RECORDER,
        /** The spool is new, and the ledger knows as many of its recorder as it does. */
        FULL
    }

    /** How far a ledger has a spool. */
    record Standing(Recorder recorder, String spoolId, long nextNumber, long highestNumber, Instant heardAt) {

        /** Records that the spool has told of and that the ledger does not have. */
        public long missing() {
            return Math.max(0, highestNumber - nextNumber + 1);
        }
    }

    /**
     * That records will not come.
     *
     * @param by who says so
     * @param recorder whose spool it is
     * @param throughNumber the last of them
     */
    record Loss(TenantId tenant, Recorder by, Recorder recorder, String spoolId, long throughNumber, String reason) {}

    /** How a declaration ended. */
    sealed interface LossResult {

        /** Recorded; from the one to the other nothing will come. */
        record Declared(Receipt entry, long fromNumber, long throughNumber) implements LossResult {}

        /** The recorder has no such spool. */
        record NoSuchSpool() implements LossResult {}

        /** The spool has not told of that number, or the ledger has it. */
        record NotMissing(Standing standing) implements LossResult {}
    }
}
