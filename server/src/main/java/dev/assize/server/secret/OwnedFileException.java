package dev.assize.server.secret;

import org.jspecify.annotations.Nullable;

/** A file of the server's own cannot be used; the message names it and what is expected. The server does not start. */
public final class OwnedFileException extends RuntimeException {

    private static final long serialVersionUID = 1;

    public OwnedFileException(String message) {
        this(message, null);
    }

    public OwnedFileException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
