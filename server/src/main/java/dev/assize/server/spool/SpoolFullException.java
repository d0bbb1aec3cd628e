package dev.assize.server.spool;

import java.time.Duration;

/** The spool has no room; nothing was kept. */
public final class SpoolFullException extends RuntimeException {

    private static final long serialVersionUID = 1;

    private final Duration retryAfter;

    SpoolFullException(String message, Duration retryAfter) {
        super(message);
        this.retryAfter = retryAfter;
    }

    /** How long to wait before trying again. */
    public Duration retryAfter() {
        return retryAfter;
    }
}
