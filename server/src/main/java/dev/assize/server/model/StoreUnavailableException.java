package dev.assize.server.model;

/**
 * What is kept cannot be reached for now: a connection was lost, refused or not free in time. Nothing is known of
 * what was asked; trying again later is right.
 */
public final class StoreUnavailableException extends RuntimeException {

    public StoreUnavailableException(String message, Throwable cause) {
        super(message, cause);
    }
}
