package dev.assize.server.endpoint.grpc;

/** The port cannot be opened; the message is one line for the operator. */
public final class GrpcStartException extends RuntimeException {

    GrpcStartException(String message, Throwable cause) {
        super(message, cause);
    }
}
