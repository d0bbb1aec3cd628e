package dev.assize.server.anchor;

import org.jspecify.annotations.Nullable;

/** The place outside cannot be reached, or does not answer. */
public final class OutsideUnavailableException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public OutsideUnavailableException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
