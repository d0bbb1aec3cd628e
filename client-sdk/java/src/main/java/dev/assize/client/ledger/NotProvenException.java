package dev.assize.client.ledger;

import java.util.OptionalLong;

/** A claim about a ledger that its evidence does not bear out, or evidence that cannot be read. Do not trust it. */
public final class NotProvenException extends Exception {

    private static final long serialVersionUID = 1;

    /** The position, -1 where it is none. */
    private final long seq;

    public NotProvenException(String message) {
        super(message);
        this.seq = -1;
    }

    /** Of the entry at that position. */
    public NotProvenException(long seq, String message) {
        super(message);
        this.seq = seq;
    }

    /** The first position at which evidence and claim part; empty where no single one can be named. */
    public OptionalLong seq() {
        return seq < 0 ? OptionalLong.empty() : OptionalLong.of(seq);
    }

    /** The same, at that position where it names none. */
    NotProvenException at(long position) {
        return seq < 0 ? new NotProvenException(position, String.valueOf(getMessage())) : this;
    }

    static void require(boolean holds, String otherwise) throws NotProvenException {
        if (!holds) {
            throw new NotProvenException(otherwise);
        }
    }

    static void require(long seq, boolean holds, String otherwise) throws NotProvenException {
        if (!holds) {
            throw new NotProvenException(seq, otherwise);
        }
    }
}
