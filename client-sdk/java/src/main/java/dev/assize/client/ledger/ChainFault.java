package dev.assize.client.ledger;

/**
 * Why a chain is not what it should be.
 *
 * @param seq the first bad position
 * @param message one sentence
 */
public record ChainFault(long seq, Kind kind, String message) {

    /** What can be wrong. */
    public enum Kind {
        /** Another position than the next, or a time that does not rise. */
        SEQUENCE,
        /** The frame cannot be read. */
        FRAME,
        /** The hash that was claimed for the frame is not its hash. */
        ENTRY_HASH,
        /** The frame does not contain the hash of the one before it. */
        LINK,
        /** The frame belongs to another ledger, or to an incarnation that has ended. */
        ORIGIN,
        /** The chain does not end where it should. */
        HEAD
    }
}
