package dev.assize.server.endpoint.operations;

/**
 * Where the operator's port is.
 *
 * @param host the address to listen on
 * @param port 0 for any free one
 */
public record OperationsConfig(String host, int port) {

    public static final int DEFAULT_PORT = 7480;

    public OperationsConfig {
        if (port < 0 || port > 65_535) {
            throw new IllegalArgumentException("http.port is `" + port + "`: expected 0 to 65535");
        }
    }

    /** On the loopback address. */
    public static OperationsConfig defaults() {
        return new OperationsConfig("127.0.0.1", DEFAULT_PORT);
    }
}
