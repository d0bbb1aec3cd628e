package dev.assize.server.ledger;

/**
 * A draft that can never be appended. The store throws it only where the whole transaction is certain not to have
 * been committed, so that the other commands of the call may be tried again without it.
 */
public class DraftRefusedException extends RuntimeException {

    public DraftRefusedException(String message) {
        super(message);
    }
}
