package dev.assize.server.decision;

import java.time.Duration;

/** Decisions that are to go on record come faster than they are written, or cannot be written at all: ask again later. */
public final class RecorderBusyException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    private final transient Duration retryAfter;

    public RecorderBusyException(String message, Duration retryAfter) {
        super(message, null, false, false);
        this.retryAfter = retryAfter;
    }

    public Duration retryAfter() {
        return retryAfter;
    }
}
