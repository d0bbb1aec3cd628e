package dev.assize.server.decision;

import org.jspecify.annotations.Nullable;

/** A decision that must be on record before it is answered is not known to be, so there is no answer. */
public final class NotOnRecordException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    public NotOnRecordException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
