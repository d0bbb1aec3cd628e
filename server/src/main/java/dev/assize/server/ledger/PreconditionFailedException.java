package dev.assize.server.ledger;

/** Whether to append could not be found out, so nothing was appended; the cause says why. */
public final class PreconditionFailedException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final RuntimeException failure;

    PreconditionFailedException(RuntimeException failure) {
        super("whether to append could not be found out; nothing was appended", failure);
        this.failure = failure;
    }

    /** What the precondition threw. */
    public RuntimeException failure() {
        return failure;
    }
}
