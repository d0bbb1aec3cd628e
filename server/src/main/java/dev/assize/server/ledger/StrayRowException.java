package dev.assize.server.ledger;

/** A row beside the entries, which queries believe, that belongs to none of them. */
public final class StrayRowException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    private final long seq;

    public StrayRowException(long seq, String message) {
        super(message);
        this.seq = seq;
    }

    /** The position that the row names. */
    public long seq() {
        return seq;
    }
}
