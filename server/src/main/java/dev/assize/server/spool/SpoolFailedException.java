package dev.assize.server.spool;

import org.jspecify.annotations.Nullable;

/** The spool cannot be used, or it is unknown whether it has kept what it was given; the message names the file. */
public final class SpoolFailedException extends RuntimeException {

    private static final long serialVersionUID = 1;

    SpoolFailedException(String message) {
        this(message, null);
    }

    SpoolFailedException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
