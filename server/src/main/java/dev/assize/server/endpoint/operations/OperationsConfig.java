package dev.assize.server.endpoint.operations;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Where the operator's port is.
 *
 * @param host the address to listen on
 * @param port 0 for any free one
 * @param tls null for plain text
 */
public record OperationsConfig(
        String host, int port, @Nullable Tls tls) {

    public static final int DEFAULT_PORT = 7480;

    public OperationsConfig {
        if (port < 0 || port > 65_535) {
            throw new IllegalArgumentException("http.port is `" + port + "`: expected 0 to 65535");
        }
    }

    /** On the loopback address, in plain text. */
    public static OperationsConfig defaults() {
        return new OperationsConfig("127.0.0.1", DEFAULT_PORT, null);
    }

    /** How a browser, or whoever else calls, names the port's protocol. */
    public String scheme() {
        return tls == null ? "http" : "https";
    }

    /** PEM files. */
    public record Tls(Path certificate, Path key) {}
}
