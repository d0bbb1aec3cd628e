package dev.assize.server.upstream;

import static org.assertj.core.api.Assertions.assertThat;

import com.github.benmanes.caffeine.cache.Ticker;
import dev.assize.proto.v1.PolicyServiceGrpc.PolicyServiceImplBase;
import dev.assize.proto.v1.WatchPolicyRequest;
import dev.assize.proto.v1.WatchPolicyResponse;
import dev.assize.server.model.TenantId;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.nio.file.Path;
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
    private CentreInProcess centre;

    @BeforeEach
    void start(@TempDir Path directory) throws IOException {
        centre = new CentreInProcess(directory, TENANT, new Refusing());
    }

    @AfterEach
    void stop() {
        centre.close();
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
            PolicyStream stream = new PolicyStream(
                    tenant,
                    centre.centre(),
                    new Marks(centre.config()),
                    new PlatformShare(),
                    centre.config(),
                    centre.metrics(),
                    failure);
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
