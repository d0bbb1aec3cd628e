package dev.assize.server.endpoint.grpc;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.time.Duration;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * How the gRPC door is open.
 *
 * @param host the address to listen on
 * @param port 0 for any free one
 * @param tls null for plain text
 * @param reflection who may list the services
 * @param maxRequestBytes of one message; larger ones are refused by the transport with RESOURCE_EXHAUSTED
 * @param maxMetadataBytes of all headers of a call
 * @param drainDelay how long health says NOT_SERVING before calls are no longer taken
 * @param stopTimeout how long calls under way may take when the server stops
 * @param warmUp how long the server asks itself before it says that it is ready; 0 for not at all
 * @param unixSocket where callers on this machine may come in, too, in plain text; null for nowhere
 * @param connections how long connections last
 */
public record GrpcConfig(
        String host,
        int port,
        @Nullable Tls tls,
        Reflection reflection,
        int maxRequestBytes,
        int maxMetadataBytes,
        Duration drainDelay,
        Duration stopTimeout,
        @Nullable UnixSocket unixSocket,
        Duration warmUp,
        Connections connections) {

    public static final int DEFAULT_PORT = 7443;

    /** The largest request that is right: 500 audit events; and 10 MB of YAML still get an answer in words. */
    public static final int DEFAULT_MAX_REQUEST_BYTES = 12 * 1_024 * 1_024;

    public static final int DEFAULT_MAX_METADATA_BYTES = 8 * 1_024;

    public GrpcConfig {
        if (port < 0 || port > 65_535) {
            throw new IllegalArgumentException("grpc.port is `" + port + "`: expected 0 to 65535");
        }
        if (maxRequestBytes < 64 * 1_024 || maxMetadataBytes < 1_024) {
            throw new IllegalArgumentException("grpc.maxRequestBytes is `" + maxRequestBytes
                    + "` and grpc.maxMetadataBytes `" + maxMetadataBytes + "`: expected at least 65536 and 1024");
        }
        if (warmUp.isNegative() || warmUp.compareTo(MAX_WARM_UP) > 0) {
            throw new IllegalArgumentException(
                    "grpc.warmUp is `" + warmUp + "`: expected 0 to " + MAX_WARM_UP.toSeconds() + " s");
        }
        if (drainDelay.isNegative() || stopTimeout.isNegative()) {
            throw new IllegalArgumentException("grpc.drainDelay and grpc.stopTimeout: expected 0 or more");
        }
    }

    /** How long the server asks itself before it says that it is ready. */
    public static final Duration DEFAULT_WARM_UP = Duration.ofMillis(1_500);

    /** Whoever starts a server waits for it. */
    public static final Duration MAX_WARM_UP = Duration.ofSeconds(30);

    /** With connections as they usually are. */
    public GrpcConfig(
            String host,
            int port,
            @Nullable Tls tls,
            Reflection reflection,
            int maxRequestBytes,
            int maxMetadataBytes,
            Duration drainDelay,
            Duration stopTimeout,
            @Nullable UnixSocket unixSocket,
            Duration warmUp) {
        this(
                host,
                port,
                tls,
                reflection,
                maxRequestBytes,
                maxMetadataBytes,
                drainDelay,
                stopTimeout,
                unixSocket,
                warmUp,
                Connections.DEFAULT);
    }

    /** Without a Unix socket, and with the usual warm-up. */
    public GrpcConfig(
            String host,
            int port,
            @Nullable Tls tls,
            Reflection reflection,
            int maxRequestBytes,
            int maxMetadataBytes,
            Duration drainDelay,
            Duration stopTimeout) {
        this(
                host,
                port,
                tls,
                reflection,
                maxRequestBytes,
                maxMetadataBytes,
                drainDelay,
                stopTimeout,
                null,
                DEFAULT_WARM_UP);
    }

    /** On the loopback address, in plain text. */
    public static GrpcConfig defaults() {
        return new GrpcConfig(
                "127.0.0.1",
                DEFAULT_PORT,
                null,
                Reflection.AUTHENTICATED,
                DEFAULT_MAX_REQUEST_BYTES,
                DEFAULT_MAX_METADATA_BYTES,
                Duration.ZERO,
                Duration.ofSeconds(10));
    }

    /**
     * How long connections last.
     *
     * @param pingsEvery how often a caller may ask whether its connection still lives, with or without calls on it; one that
     *     asks more often is cut off. 0 for as often as it likes
     * @param maxAge when a connection is ended in good order, so that callers spread over the nodes that are there by then; 0
     *     for never
     */
    public record Connections(Duration pingsEvery, Duration maxAge) {

        /** What gRPC takes. */
        private static final Duration SHORTEST = Duration.ofSeconds(1);

        /** The most that gRPC's own clients can be set to: whoever asks no more often than that is nobody's attack. */
        public static final Connections DEFAULT = new Connections(Duration.ofSeconds(10), Duration.ofMinutes(30));

        public Connections {
            if (pingsEvery.isNegative()) {
                throw new IllegalArgumentException("grpc.pingsEvery: expected 0 or more");
            }
            if (!maxAge.isZero() && maxAge.compareTo(SHORTEST) < 0) {
                throw new IllegalArgumentException(
                        "grpc.maxConnectionAge is `" + maxAge + "`: expected 0, or at least 1 s");
            }
        }
    }

    /**
     * Certificate chain and private key, as PEM files.
     *
     * @param clientCa one of these must have signed the certificate of each caller; null where callers need none
     */
    public record Tls(Path certificate, Path key, @Nullable Path clientCa) {}

    /**
     * A socket in the file system.
     *
     * @param permissions of the file: who may write to it may connect
     */
    public record UnixSocket(Path file, Set<PosixFilePermission> permissions) {

        /** What the operating system takes, with its end. */
        private static final int MAX_PATH_BYTES = 107;

        /** How the name of the directory begins in which the socket is made, beside the place where it is then put. */
        static final String HIDDEN = ".assize-";

        public UnixSocket {
            permissions = Set.copyOf(permissions);
            Path made = file.resolveSibling(HIDDEN + "01234567").resolve("s");
            if (Math.max(bytes(file), bytes(made)) > MAX_PATH_BYTES) {
                throw new IllegalArgumentException("grpc.unixSocket is `" + file + "`: expected a path of at most "
                        + MAX_PATH_BYTES + " bytes in a" + " directory of at most "
                        + (MAX_PATH_BYTES - (HIDDEN + "/01234567/s").length()));
            }
        }

        private static int bytes(Path path) {
            return path.toString().getBytes(StandardCharsets.UTF_8).length;
        }
    }

    /** Who may use reflection. */
    public enum Reflection {
        OFF,
        /** Whoever has a credential. */
        AUTHENTICATED,
        /** Everybody. */
        OPEN
    }
}
