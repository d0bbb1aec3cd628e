package dev.assize.server.endpoint.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.proto.v1.CheckRequest;
import dev.assize.proto.v1.CheckStreamRequest;
import dev.assize.proto.v1.CheckStreamResponse;
import dev.assize.proto.v1.DecisionServiceGrpc;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.stub.StreamObserver;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FirstCallerTest {

    private static final Duration SHORT = Duration.ofMillis(20);
    private static final Duration LONG = Duration.ofMinutes(2);

    /** Less than what a wait that nobody ends would take, by far. */
    private static final Duration SOON = LONG.dividedBy(2);

    private static final CheckRequest QUESTION = CheckRequest.newBuilder()
            .setTenant("acme")
            .setSubject("user:alice")
            .setResource("vault:a")
            .setAction("run")
            .build();

    private final FirstCaller first = new FirstCaller();

    @Test
    void isNotWaitedForForLongWhereNobodyCalls() {
        long begin = System.nanoTime();
        assertThat(first.await(SHORT, LONG)).isFalse();
        assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(SOON);
    }

    @Test
    void isWaitedForUntilItsCallEnds() {
        first.begins();
        CompletableFuture<Boolean> waited = waited(first);
        assertThat(waited).isNotDone();
        first.ends();
        assertThat(waited).succeedsWithin(SOON).isEqualTo(true);
        assertThat(first.await(SHORT, SHORT)).isTrue();
    }

    @Test
    void isNotWaitedForForeverWhoseCallDoesNotEnd() {
        first.begins();
        long begin = System.nanoTime();
        assertThat(first.await(LONG, SHORT)).isFalse();
        assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(SOON);
    }

    @Test
    void isWhoeverAsksAServerForADecision(@TempDir Path directory) {
        try (GrpcFixture door = new GrpcFixture(directory)) {
            CompletableFuture<Boolean> waited = waited(first(door));
            var _ = door.decisions(door.admin).check(QUESTION);
            assertThat(waited).succeedsWithin(SOON).isEqualTo(true);
        }
    }

    /** A load balancer asks for health all the time, and a stream may stay open for hours. */
    @Test
    void isNobodyWhoAsksForHealthOrOpensAStream(@TempDir Path directory) throws Exception {
        try (GrpcFixture door = new GrpcFixture(directory)) {
            var _ = HealthGrpc.newBlockingStub(door.channel).check(HealthCheckRequest.getDefaultInstance());
            CompletableFuture<CheckStreamResponse> answered = new CompletableFuture<>();
            StreamObserver<CheckStreamRequest> stream = door.with(DecisionServiceGrpc.newStub(door.channel), door.admin)
                    .checkStream(new Answered(answered));
            stream.onNext(CheckStreamRequest.newBuilder().setCheck(QUESTION).build());
            assertThat(answered.get(SOON.toSeconds(), TimeUnit.SECONDS).hasResponse())
                    .isTrue();
            assertThat(first(door).await(SHORT, SHORT)).isFalse();
            stream.onCompleted();
        }
    }

    private static FirstCaller first(GrpcFixture door) {
        return door.injector.getInstance(GrpcMetrics.class).first();
    }

    private static CompletableFuture<Boolean> waited(FirstCaller first) {
        return CompletableFuture.supplyAsync(() -> first.await(LONG, LONG));
    }

    private record Answered(CompletableFuture<CheckStreamResponse> first)
            implements StreamObserver<CheckStreamResponse> {

        @Override
        public void onNext(CheckStreamResponse answer) {
            first.complete(answer);
        }

        @Override
        public void onError(Throwable failure) {
            first.completeExceptionally(failure);
        }

        @Override
        public void onCompleted() {}
    }
}
