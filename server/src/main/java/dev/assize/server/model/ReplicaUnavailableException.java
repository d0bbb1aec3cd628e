package dev.assize.server.model;

import org.jspecify.annotations.Nullable;

/**
 * The replica from which something large was to be read cannot be reached, fails, or does not have what the database has.
 * Nothing was read that would be less than all; trying again later is right.
 */
public final class ReplicaUnavailableException extends RuntimeException {

    /** What the caller is told, without where the replica is. */
    public ReplicaUnavailableException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
