package dev.assize.server.endpoint.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.proto.v1.CheckRequest;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FirstCallerTest {

    private static final Duration LONG = Duration.ofMinutes(2);

    private final FirstCaller first = new FirstCaller();

    @Test
    void isNotWaitedForForLongWhereNobodyCalls() {
        long begin = System.nanoTime();
        first.await(Duration.ofMillis(20), LONG);
        assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(LONG);
    }

    @Test
    void isWaitedForUntilItsCallEnds() {
        first.begins();
        CompletableFuture<Void> waited = CompletableFuture.runAsync(() -> first.await(LONG, LONG));
        assertThat(waited).isNotDone();
        first.ends();
        waited.join();
        first.await(LONG, LONG);
    }

    @Test
    void isNotWaitedForForeverWhoWatches() {
        first.begins();
        long begin = System.nanoTime();
        first.await(LONG, Duration.ofMillis(20));
        assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(LONG);
    }

    @Test
    void isWhoeverCallsAServer(@TempDir Path directory) {
        try (GrpcFixture door = new GrpcFixture(directory)) {
            FirstCaller caller = door.injector.getInstance(GrpcMetrics.class).first();
            CompletableFuture<Void> waited = CompletableFuture.runAsync(() -> caller.await(LONG, LONG));
            var _ = door.decisions(door.admin)
                    .check(CheckRequest.newBuilder()
                            .setTenant("acme")
                            .setSubject("user:alice")
                            .setResource("vault:a")
                            .setAction("run")
                            .build());
            waited.join();
        }
    }
}
