package dev.assize.server.ledger;

/** Nothing is appended to this ledger until an operator has acted; the message says what was found. */
public final class LedgerHaltedException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public LedgerHaltedException(String message) {
        super(message);
    }
}
