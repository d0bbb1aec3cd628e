package dev.assize.server.upstream;

import dev.assize.server.model.TenantId;
import io.grpc.BindableService;
import io.grpc.Server;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;

/** A centre in this process that answers as a test says, and how a sidecar of one tenant is connected to it. */
final class CentreInProcess implements AutoCloseable {

    private final Server server;
    private final UpstreamConfig config;
    private final UpstreamMetrics metrics = new UpstreamMetrics(new SimpleMeterRegistry());
    private final Centre centre;

    /** Starts it, with the sidecar's files in a directory. */
    CentreInProcess(Path directory, TenantId tenant, BindableService answering) throws IOException {
        server = NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                .addService(answering)
                .build()
                .start();
        Path key = Files.createFile(
                directory.resolve("key"),
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        Files.writeString(key, "asz_abcdefghij012345_" + "x".repeat(43));
        config = new UpstreamConfig(
                "127.0.0.1",
                server.getPort(),
                List.of(tenant),
                key,
                null,
                List.of(),
                Duration.ofSeconds(10),
                directory);
        centre = new Centre(config, metrics);
    }

    Centre centre() {
        return centre;
    }

    UpstreamConfig config() {
        return config;
    }

    UpstreamMetrics metrics() {
        return metrics;
    }

    @Override
    public void close() {
        centre.close();
        server.shutdownNow();
    }
}
