package dev.assize.server.policy.replay;

/** A ledger does not tell a policy without gap or contradiction. The message says where and why. */
public final class ReplayException extends Exception {

    private static final long serialVersionUID = 1L;

    private final long seq;

    ReplayException(long seq, String message) {
        super(message);
        this.seq = seq;
    }

    ReplayException(long seq, String message, Throwable cause) {
        super(message, cause);
        this.seq = seq;
    }

    /** The entry at which it was found. */
    public long seq() {
        return seq;
    }
}
