package dev.assize.server.authentication;

import org.jspecify.annotations.Nullable;

/** The pepper file cannot be used; the message names the file and what is expected. The server does not start. */
public final class PepperException extends RuntimeException {

    PepperException(String message) {
        this(message, null);
    }

    PepperException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
