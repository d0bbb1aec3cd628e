package dev.assize.server.ledger.archive;

import org.jspecify.annotations.Nullable;

/** The archive cannot be reached, or does not answer. */
public final class ArchiveUnavailableException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public ArchiveUnavailableException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
