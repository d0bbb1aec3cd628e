package dev.assize.server.ledger;

/** A stored row that is not even of the form of an entry; only somebody who altered the schema can have made it. */
public final class UnreadableRowException extends RuntimeException {

    private final long seq;

    public UnreadableRowException(long seq, String message) {
        super(message);
        this.seq = seq;
    }

    /** The row's position, as the store has it. */
    public long seq() {
        return seq;
    }
}
