package dev.assize.server.ledger;

/** Nothing was appended, because the copy of the ledgers' heads outside of the database cannot be relied on for now. */
public final class LedgerUnanchoredException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public LedgerUnanchoredException(String message) {
        super(message);
    }
}
