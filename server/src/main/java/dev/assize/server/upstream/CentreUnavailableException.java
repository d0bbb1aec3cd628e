package dev.assize.server.upstream;

/** The centre cannot be asked now; whoever asked denies. */
public final class CentreUnavailableException extends RuntimeException {

    public CentreUnavailableException(String message, Throwable cause) {
        super(message, cause);
    }
}
