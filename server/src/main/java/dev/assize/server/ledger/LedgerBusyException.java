package dev.assize.server.ledger;

import java.time.Duration;

/** A bounded queue is full; nothing was appended. */
public final class LedgerBusyException extends RuntimeException {

    private final Duration retryAfter;

    public LedgerBusyException(String message, Duration retryAfter) {
        super(message);
        this.retryAfter = retryAfter;
    }

    /** How long to wait before trying again. */
    public Duration retryAfter() {
        return retryAfter;
    }
}
