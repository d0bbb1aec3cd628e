package dev.assize.server.storage;

/** The database cannot do what is needed; the message is one line for the operator, with what to do about it. */
public final class StorageException extends RuntimeException {

    public StorageException(String message) {
        super(message);
    }

    public StorageException(String message, Throwable cause) {
        super(message, cause);
    }
}
