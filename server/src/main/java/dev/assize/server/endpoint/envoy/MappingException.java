package dev.assize.server.endpoint.envoy;

/** The mapping file cannot be used; the message names each problem by file, line and column, for whoever starts the server. */
public final class MappingException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    MappingException(String message) {
        super(message);
    }

    MappingException(String message, Throwable cause) {
        super(message, cause);
    }
}
