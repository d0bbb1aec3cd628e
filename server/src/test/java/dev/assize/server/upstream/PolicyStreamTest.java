package dev.assize.server.upstream;

import static org.assertj.core.api.Assertions.assertThat;

import com.github.benmanes.caffeine.cache.Ticker;
import dev.assize.proto.v1.PolicyServiceGrpc.PolicyServiceImplBase;
import dev.assize.proto.v1.WatchPolicyRequest;
import dev.assize.proto.v1.WatchPolicyResponse;
import dev.assize.server.model.TenantId;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Follows the policy of a centre that says no. */
@Timeout(60)
class PolicyStreamTest {

    private static final TenantId TENANT = new TenantId("acme");

    private final Semaphore begun = new Semaphore(0);
    private Server server;
    private Centre centre;
    private UpstreamConfig config;
    private UpstreamMetrics metrics;

    @BeforeEach
    void start(@TempDir Path directory) throws IOException {
        server = NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                .addService(new Refusing())
                .build()
                .start();
        Path key = Files.createFile(
                directory.resolve("key"),
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        Files.writeString(key, "asz_abcdefghij012345_" + "x".repeat(43));
        config = new UpstreamConfig(
                "127.0.0.1",
                server.getPort(),
                List.of(TENANT),
                key,
                null,
                List.of(),
                Duration.ofSeconds(10),
                directory);
        metrics = new UpstreamMetrics(new SimpleMeterRegistry());
        centre = new Centre(config, metrics);
    }

    @AfterEach
    void stop() {
        centre.close();
        server.shutdownNow();
    }

    @Test
    void beginsAgainWhateverFailed() throws InterruptedException {
        List<Runnable> failures = List.of(
                () -> {
                    throw new IllegalStateException("a bug");
                },
                () -> {
                    throw new NoClassDefFoundError("a class");
                });
        for (Runnable failure : failures) {
            TenantPolicy tenant = new TenantPolicy(TENANT, InstantSource.system(), Ticker.systemTicker());
            PolicyStream stream =
                    new PolicyStream(tenant, centre, new Marks(config), new PlatformShare(), config, metrics, failure);
            stream.start();
            try {
                assertThat(begun.tryAcquire(3, 30, TimeUnit.SECONDS)).isTrue();
            } finally {
                stream.close();
                begun.drainPermits();
            }
        }
    }

    /** Refuses each stream, and counts them. */
    private final class Refusing extends PolicyServiceImplBase {

        @Override
        public void watchPolicy(WatchPolicyRequest request, StreamObserver<WatchPolicyResponse> observer) {
            begun.release();
            observer.onError(Status.PERMISSION_DENIED.withDescription("no").asRuntimeException());
        }
    }
}
