package dev.assize.server.endpoint.operations;

/** The port cannot be opened; the message is one line for the operator, with what to do about it. */
public final class OperationsStartException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    OperationsStartException(String message, Throwable cause) {
        super(message, cause);
    }
}
