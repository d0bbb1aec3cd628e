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

    /**
     * Spools that a ledger lets one key begin: it forgets none, so that nothing of any is appended twice. Of a key, so that
     * whoever has stolen one takes the room of no other.
     */
    int MOST_OF_KEY = 10_000;

    /** With so many of them begun there is time to look why. */
    int CROWDED = MOST_OF_KEY / 5 * 4;

    /** Of these, spools that a ledger has only heard of: they have told of records, and it has taken none of them. */
    int MOST_HEARD_OF = 100;

    /**
     * Appends the batch where it is what the ledger expects next of that spool, with the head locked; otherwise nothing. A
     * spool stays its first recorder's: from another, all that is kept of it would be appended again.
     *
     * @param drafts of all events, in their order
     * @param begins the hash before a spool's first record
     */
    Reception append(TenantId tenant, Sender sender, SpooledBatch batch, Digest begins, List<EntryDraft> drafts);

    /** All spools of a ledger, by who records and id. */
    List<Standing> list(TenantId tenant);

    /** Moves on behind records that will not come, and records that. */
    LossResult declareLost(Loss loss);

    /**
     * Who sends.
     *
     * @param keyId of the credential
     */
    record Sender(Recorder recorder, String keyId) {}

    /**
     * Where the ledger stands with a spool after a batch.
     *
     * @param nextNumber of the record that it expects next
     * @param lastHash up to there; null where any will do
     * @param left other spools of the same recorder that had told of more than the ledger has, where these are the first of this one
     * @param begun how many spools the key has begun with this one; 0 where this one was known before, or is not taken
     */
    record Reception(
            Verdict verdict, long nextNumber, @Nullable Digest lastHash, List<Standing> left, long begun) {

        /** Where no spool is begun. */
        public Reception(Verdict verdict, long nextNumber, @Nullable Digest lastHash) {
            this(verdict, nextNumber, lastHash, List.of(), 0);
        }

        /** The same, with what the spool leaves behind. */
        public Reception leaving(List<Standing> others) {
            return new Reception(verdict, nextNumber, lastHash, others, begun);
        }
    }

    /** What became of a batch. */
    enum Verdict {
        APPENDED,
        /** There was nothing in it. */
        ASKED,
        /** The same, and what the spool tells of is not noted: the ledger has heard of too many that the key began. */
        UNNOTED,
        /** The ledger has some of it already. */
        KNOWN,
        /** It begins further on: some before it are missing. */
        MISSING,
        /** It continues other records than those that the ledger has. */
        FORKED,
        /** The ledger has the spool of another recorder. */
        OF_ANOTHER_RECORDER,
        /** The spool is new, and its key has begun as many as it may. */
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
