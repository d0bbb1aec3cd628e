package dev.assize.server.retention;

import dev.assize.server.ledger.Receipt;
import dev.assize.server.ledger.Verification.Fault;
import dev.assize.server.model.Digest;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.TenantId;
import java.time.Duration;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * Entries of a ledger, from its first to before another, that are to leave the database for the archive.
 *
 * @param id given by the ledger
 * @param by who proposed it; somebody else must agree
 * @param at when
 * @param seq of the entry that says so
 */
public record Pruning(
        TenantId tenant, String id, long fromSeq, long toSeq, String reason, Recorder by, Instant at, long seq) {

    /** How long a proposal may be agreed to. */
    public static final Duration OPEN_FOR = Duration.ofDays(30);

    /** Entries whose appends may be tried again and are answered as they were are not pruned, whatever retention says. */
    public static final Duration YOUNGEST = Duration.ofDays(31);

    /** What goes together: so many entries are a tile of the tree. */
    public static final int TILE = 256;

    /**
     * What is asked for.
     *
     * @param toSeq entries before this one; null for as many as may
     * @param before entries recorded before then; null for as many as may
     */
    public record Wish(
            TenantId tenant, @Nullable Long toSeq, @Nullable Instant before) {}

    /**
     * What may go.
     *
     * @param fromSeq the first entry of the ledger
     * @param toSeq not larger than `fromSeq` where nothing may go
     * @param limit why it is not more than this; null where it is all that was wished
     * @param retention of the tenant; null where it keeps everything for ever
     */
    public record Plan(
            long fromSeq,
            long toSeq,
            @Nullable Limit limit,
            @Nullable Duration retention) {

        public boolean isEmpty() {
            return toSeq <= fromSeq;
        }
    }

    /**
     * What stands against pruning more.
     *
     * @param seq of the first entry that stays for it
     * @param message in a sentence that begins with that entry
     */
    public record Limit(Kind kind, long seq, String message) {

        /** Why an entry stays. */
        public enum Kind {
            NO_RETENTION,
            YOUNG,
            HOLD,
            UNSIGNED
        }
    }

    /**
     * Entries that went together.
     *
     * @param root of the tree over everything up to there
     * @param object in the archive
     * @param digest of its bytes
     * @param entry that says so
     */
    public record Part(long fromSeq, long toSeq, Digest root, String object, Digest digest, Receipt entry) {}

    /** How a proposal ended. */
    public sealed interface ProposalResult {

        /** Recorded, to be agreed to. */
        record Proposed(Pruning pruning, @Nullable Limit limit, Receipt entry) implements ProposalResult {}

        /** Nothing may go. */
        record Nothing(Plan plan) implements ProposalResult {}
    }

    /** How an agreement ended. */
    public sealed interface Result {

        /**
         * Done, or a part of it.
         *
         * @param part what went; null where all of it had gone before
         * @param remaining entries that are yet to go
         */
        record Pruned(Pruning pruning, @Nullable Part part, long remaining) implements Result {}

        /** There is no such proposal. */
        record NoSuchPruning() implements Result {}

        /** Whoever proposed it cannot agree to it. */
        record Own(Pruning pruning) implements Result {}

        /** It was proposed too long ago. */
        record Expired(Pruning pruning) implements Result {}

        /** Something has come in between, such as a hold. */
        record Refused(Limit limit) implements Result {}

        /** The ledger, or what was read back from the archive, is not what was signed. */
        record Unsound(Fault fault) implements Result {}
    }
}
