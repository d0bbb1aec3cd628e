package dev.assize.server.ledger;

import dev.assize.server.model.Digest;
import org.jspecify.annotations.Nullable;

/** What recomputing a part of a chain found. */
public sealed interface Verification {

    /** Everything fits. */
    record Sound(Span span) implements Verification {}

    /** Something does not fit; the span counts what was verified before it. */
    record Broken(Span span, Fault fault) implements Verification {}

    /** The ledger ends before the range does. */
    record NoSuchRange(long size) implements Verification {}

    /**
     * What was looked at.
     *
     * @param origin of the ledger; empty where it has no entry yet
     * @param fromSeq the first position in question
     * @param toSeq the last position in question; -1 for an empty ledger
     * @param verified how many entries were found sound
     * @param lastHash hash of the last one of them, null where there is none
     * @param checkpoints how many signed roots their tree was held to, and fits
     * @param redacted how many of the entries have lost a value beside them, as an entry says
     */
    record Span(
            String origin,
            long fromSeq,
            long toSeq,
            long verified,
            @Nullable Digest lastHash,
            int checkpoints,
            long redacted) {

        /** The same, held to more of what was signed. */
        public Span heldToMore(int roots) {
            return new Span(origin, fromSeq, toSeq, verified, lastHash, checkpoints + roots, redacted);
        }

        /** A part of which nothing was erased. */
        public Span(
                String origin, long fromSeq, long toSeq, long verified, @Nullable Digest lastHash, int checkpoints) {
            this(origin, fromSeq, toSeq, verified, lastHash, checkpoints, 0);
        }
    }

    /**
     * What is wrong.
     *
     * @param seq the first bad position
     * @param message one sentence
     */
    record Fault(long seq, Kind kind, String message) {}

    /** What can be wrong. */
    enum Kind {
        /** A position is missing, or an entry stands where none should. */
        SEQUENCE,
        /** The frame cannot be read. */
        FRAME,
        /** The stored hash is not the frame's. */
        ENTRY_HASH,
        /** The frame does not contain the hash of the entry before it. */
        LINK,
        /** A query column differs from the frame. */
        PROJECTION,
        /** The head row does not fit the last entry. */
        HEAD,
        /** The frame belongs to another ledger. */
        ORIGIN,
        /** The entries are not those that were signed. */
        CHECKPOINT,
        /** The decisions kept beside an entry are not those it was written with. */
        DECISIONS,
        /** A value beside the frame is not what the frame committed to, or is gone and no entry says so. */
        COMMITMENT
    }
}
