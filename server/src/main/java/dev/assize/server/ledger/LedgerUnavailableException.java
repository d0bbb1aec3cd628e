package dev.assize.server.ledger;

import org.jspecify.annotations.Nullable;

/**
 * The ledger could not be written, or it is unknown whether it was: a commit whose answer is lost may have happened.
 * Whoever sent an idempotency key finds out by sending the same again.
 */
public final class LedgerUnavailableException extends RuntimeException {

    public LedgerUnavailableException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
