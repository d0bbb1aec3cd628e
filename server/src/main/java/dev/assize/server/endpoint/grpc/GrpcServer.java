package dev.assize.server.endpoint.grpc;

import com.google.inject.Inject;
import io.grpc.InsecureServerCredentials;
import io.grpc.Server;
import io.grpc.ServerCredentials;
import io.grpc.TlsServerCredentials;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import java.io.IOException;
import java.net.BindException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The gRPC port, and the Unix socket beside it. Checks that need not wait are answered on the event loop; every other call runs on virtual threads, so
 * that handlers may block. When it stops, health says so first; then every connection is told to take its new calls
 * elsewhere, and those under way are given time to end.
 */
public final class GrpcServer implements AutoCloseable {

    private static final Duration KEEPALIVE = Duration.ofMinutes(2);
    private static final Duration KEEPALIVE_TIMEOUT = Duration.ofSeconds(20);

    private static final Duration CONNECTION_AGE_GRACE = Duration.ofMinutes(5);
    private static final int CALLS_PER_CONNECTION = 1_000;

    /** Who waits for the port asks every few milliseconds whether it is open, and then connects. */
    private static final Duration FIRST_CALL_BEGINS = Duration.ofMillis(100);

    private static final Duration FIRST_CALL_ENDS = Duration.ofSeconds(1);

    private static final Logger LOG = LoggerFactory.getLogger(GrpcServer.class);

    private final GrpcConfig config;
    private final GrpcServices services;
    private final CallThreads threads;
    private final GrpcMetrics metrics;

    /** Guarded by this; null before the start. */
    private @Nullable Server server;

    /** Of the port. Guarded by this; null before the start. */
    private @Nullable EventLoops loops;

    /** Guarded by this; null where there is none. */
    private @Nullable UnixSocketServer local;

    @Inject
    GrpcServer(GrpcConfig config, GrpcServices services, CallThreads threads, GrpcMetrics metrics) {
        this.config = config;
        this.services = services;
        this.threads = threads;
        this.metrics = metrics;
    }

    /** Opens the port and says that it serves. */
    public synchronized void start() {
        open();
        serve();
    }

    /** Opens the port. Calls are answered; health says NOT_SERVING still. */
    public synchronized void open() {
        if (server != null) {
            throw new IllegalStateException("Started already");
        }
        EventLoops own = threads.eventLoops("grpc-ELG");
        loops = own;
        server = bind(own);
        GrpcConfig.UnixSocket socket = config.unixSocket();
        if (socket != null) {
            local = UnixSocketServer.open(socket, threads.eventLoops("grpc-socket-ELG"), this::configured);
        }
    }

    /**
     * Makes way for whoever asked for a decision as soon as the port was open: returns when such a call has ended, or has
     * taken long; after a moment where there is none.
     */
    public void awaitFirstCaller() {
        // What follows does not depend on it.
        boolean _ = metrics.first().await(FIRST_CALL_BEGINS, FIRST_CALL_ENDS);
    }

    /** Says that it serves. */
    public void serve() {
        services.serving(true);
    }

    /** Says what of it serves: decisions, and what else there is. Once it stops, it serves nothing, whatever is said. */
    public void serving(boolean decisions, boolean others) {
        services.serving(decisions, others);
    }

    /** The port it listens on. */
    public synchronized int port() {
        if (server == null) {
            throw new IllegalStateException("Not started");
        }
        return server.getPort();
    }

    @Override
    public synchronized void close() {
        services.stopServing();
        List<Server> running = Stream.of(server, local == null ? null : local.server())
                .filter(Objects::nonNull)
                .toList();
        if (!running.isEmpty()) {
            drain(running);
        }
        services.endWatches();
        server = null;
        if (local != null) {
            local.close();
            local = null;
        }
        if (loops != null) {
            loops.close();
            loops = null;
        }
        threads.close();
    }

    private void drain(List<Server> running) {
        awaitOthersNotice();
        if (local != null) {
            local.withdraw();
        }
        try {
            running.forEach(Server::shutdown);
            // Not before: who listens comes back at once, and is to find itself on another connection.
            services.endWatches();
            long limit = System.nanoTime() + config.stopTimeout().toNanos();
            for (Server each : running) {
                if (!each.awaitTermination(limit - System.nanoTime(), TimeUnit.NANOSECONDS)) {
                    LOG.warn("Calls still under way after {} are cut off", config.stopTimeout());
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            running.forEach(Server::shutdownNow);
        }
    }

    private void awaitOthersNotice() {
        try {
            Thread.sleep(config.drainDelay());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private Server bind(EventLoops own) {
        String address = config.host() + ":" + config.port();
        try {
            NettyServerBuilder builder =
                    NettyServerBuilder.forAddress(new InetSocketAddress(config.host(), config.port()), credentials());
            return configured(own.serve(builder)).build().start();
        } catch (IOException e) {
            throw new GrpcStartException(reason(address, e), e);
        }
    }

    /** Everything but where it listens. */
    private NettyServerBuilder configured(NettyServerBuilder builder) {
        Duration maxAge = config.connections().maxAge();
        if (!maxAge.isZero()) {
            builder.maxConnectionAge(maxAge.toMillis(), TimeUnit.MILLISECONDS)
                    .maxConnectionAgeGrace(CONNECTION_AGE_GRACE.toSeconds(), TimeUnit.SECONDS);
        }
        return services.addTo(builder)
                .maxInboundMessageSize(config.maxRequestBytes())
                .maxInboundMetadataSize(config.maxMetadataBytes())
                .maxConcurrentCallsPerConnection(CALLS_PER_CONNECTION)
                .permitKeepAliveTime(config.connections().pingsEvery().toMillis(), TimeUnit.MILLISECONDS)
                .permitKeepAliveWithoutCalls(true)
                .keepAliveTime(KEEPALIVE.toSeconds(), TimeUnit.SECONDS)
                .keepAliveTimeout(KEEPALIVE_TIMEOUT.toSeconds(), TimeUnit.SECONDS);
    }

    private ServerCredentials credentials() throws IOException {
        GrpcConfig.Tls tls = config.tls();
        if (tls == null) {
            return InsecureServerCredentials.create();
        }
        TlsServerCredentials.Builder builder = TlsServerCredentials.newBuilder()
                .keyManager(tls.certificate().toFile(), tls.key().toFile());
        if (tls.clientCa() != null) {
            builder.trustManager(tls.clientCa().toFile()).clientAuth(TlsServerCredentials.ClientAuth.REQUIRE);
        }
        return builder.build();
    }

    private static String reason(String address, IOException failure) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof BindException
                    || String.valueOf(cause.getMessage()).contains("in use")) {
                return "cannot listen on " + address + ": the port is in use or not ours; stop what listens there or"
                        + " set grpc.port";
            }
        }
        return "cannot listen on " + address + ": " + failure.getMessage();
    }
}
