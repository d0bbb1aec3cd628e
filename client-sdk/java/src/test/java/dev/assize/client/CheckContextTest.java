package dev.assize.client;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.proto.v1.CheckBatchRequest;
import dev.assize.proto.v1.CheckBatchResponse;
import dev.assize.proto.v1.CheckBatchResult;
import dev.assize.proto.v1.CheckRequest;
import dev.assize.proto.v1.CheckResponse;
import dev.assize.proto.v1.Decision;
import dev.assize.proto.v1.DecisionServiceGrpc;
import io.grpc.Context;
import io.grpc.Deadline;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.inprocess.InProcessChannelBuilder;
import io.grpc.inprocess.InProcessServerBuilder;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Whose cancellation and whose deadline ends what, over a real channel. */
class CheckContextTest {

    private static final Duration LONG = Duration.ofSeconds(20);
    private static final CheckResponse ALLOW =
            CheckResponse.newBuilder().setDecision(Decision.DECISION_ALLOW).build();

    private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();

    /** Questions that came by themselves, and are not answered. */
    private final BlockingQueue<CheckRequest> alone = new LinkedBlockingQueue<>();

    private final Server server;
    private final ManagedChannel channel;
    private final GrpcCheckCalls calls;
    private final Checks checks;

    CheckContextTest() throws IOException {
        String name = UUID.randomUUID().toString();
        server = InProcessServerBuilder.forName(name)
                .directExecutor()
                .addService(new DecisionServiceGrpc.DecisionServiceImplBase() {
                    @Override
                    public void check(CheckRequest request, StreamObserver<CheckResponse> to) {
                        alone.add(request);
                    }

                    @Override
                    public void checkBatch(CheckBatchRequest request, StreamObserver<CheckBatchResponse> to) {
                        CheckBatchResponse.Builder answer = CheckBatchResponse.newBuilder();
                        request.getItemsList()
                                .forEach(_ -> answer.addResults(
                                        CheckBatchResult.newBuilder().setResponse(ALLOW)));
                        to.onNext(answer.build());
                        to.onCompleted();
                    }
                })
                .build()
                .start();
        channel = InProcessChannelBuilder.forName(name).directExecutor().build();
        calls = new GrpcCheckCalls(channel);
        checks = new Checks(calls, true, AnswerCache.none(), "acme", "", Set.of());
    }

    @AfterEach
    void stop() {
        checks.close();
        channel.shutdownNow();
        server.shutdownNow();
        timer.shutdownNow();
    }

    @Test
    void whoeverIsCancelledTakesNobodyAlongWhoseQuestionsItSends() throws Exception {
        Context.CancellableContext serving = Context.current().withCancellation();
        CompletableFuture<CheckResult> cancelled = CompletableFuture.supplyAsync(
                () -> checks.check(question("doc:0"), LONG), serving.fixedContextExecutor(timer));
        awaitAlone();
        var _ = checks.checkLater(question("doc:1"), LONG);
        awaitAlone();
        List<CompletableFuture<CheckResult>> waiting = IntStream.range(2, 5)
                .mapToObj(i -> checks.checkLater(question("doc:" + i), LONG))
                .toList();

        serving.cancel(null);

        assertThat(cancelled.get(20, TimeUnit.SECONDS).failure()).contains(Failure.CANCELLED);
        for (CompletableFuture<CheckResult> other : waiting) {
            assertThat(other.get(20, TimeUnit.SECONDS).failure()).isEmpty();
            assertThat(other.join().allowed()).isTrue();
        }
    }

    @Test
    void aBatchHasNothingOfTheDeadlineOfWhoeverSendsIt() throws Exception {
        CheckBatchRequest batch = CheckBatchRequest.newBuilder()
                .addItems(CheckRequest.getDefaultInstance())
                .build();
        Context.CancellableContext late = Context.current().withDeadline(Deadline.after(-1, TimeUnit.SECONDS), timer);
        try {
            CheckBatchResponse answer =
                    late.call(() -> calls.checkBatch(batch, LONG)).get(20, TimeUnit.SECONDS);
            assertThat(answer.getResultsCount()).isEqualTo(1);
        } finally {
            late.cancel(null);
        }
    }

    @Test
    void whoeverAsksLaterAndIsCancelledHearsSo() throws Exception {
        Context.CancellableContext serving = Context.current().withCancellation();
        CompletableFuture<CheckResult> cancelled = serving.call(() -> checks.checkLater(question("doc:0"), LONG));
        awaitAlone();

        serving.cancel(null);

        assertThat(cancelled.get(20, TimeUnit.SECONDS).failure()).contains(Failure.CANCELLED);
    }

    private void awaitAlone() throws InterruptedException {
        requireNonNull(alone.poll(20, TimeUnit.SECONDS));
    }

    private static Question question(String resource) {
        return Question.of("user:alice", resource, "read");
    }
}
