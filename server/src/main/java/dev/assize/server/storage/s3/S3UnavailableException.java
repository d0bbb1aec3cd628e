package dev.assize.server.storage.s3;

import org.jspecify.annotations.Nullable;

/** The store cannot be reached, refuses, or has not said whether it did what it was asked. The message holds no secret. */
final class S3UnavailableException extends RuntimeException {

    private static final long serialVersionUID = 1;

    S3UnavailableException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
