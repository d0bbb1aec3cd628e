package dev.assize.benchmarks;

import dev.assize.client.AssizeClient;
import dev.assize.client.CheckResult;
import dev.assize.client.Question;
import dev.assize.proto.v1.CheckBatchRequest;
import dev.assize.proto.v1.CheckBatchResponse;
import dev.assize.proto.v1.CheckBatchResult;
import dev.assize.proto.v1.CheckRequest;
import dev.assize.proto.v1.CheckResponse;
import dev.assize.proto.v1.Decision;
import dev.assize.proto.v1.DecisionServiceGrpc;
import dev.assize.proto.v1.Reason;
import io.grpc.Grpc;
import io.grpc.InsecureServerCredentials;
import io.grpc.Server;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Threads;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What the Java client makes of 64 callers on one channel, and of one: questions that travel together, and each by itself.
 * The server allows everything at once, so that the rest is transport. Client and server share a machine and a process;
 * their ratio means something, neither number by itself does.
 */
@State(Scope.Benchmark)
@BenchmarkMode({Mode.Throughput, Mode.SampleTime})
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(2)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
// JMH calls the set-up before anything else.
@SuppressWarnings("NullAway.Init")
public class ClientBatchingBenchmark {

    private static final Question QUESTION = Question.of("user:alice", "replay:922", "execute");

    @Param({"true", "false"})
    public boolean batching;

    private Server server;
    private AssizeClient client;

    @Setup
    public void start() throws IOException {
        server = Grpc.newServerBuilderForPort(0, InsecureServerCredentials.create())
                .addService(new AllowsEverything())
                .directExecutor()
                .build()
                .start();
        client = AssizeClient.builder()
                .target("127.0.0.1:" + server.getPort())
                .plaintext()
                .tenant("acme")
                .batching(batching)
                .checkDeadline(Duration.ofSeconds(30)) // a cold start is no failure here
                .build();
    }

    @TearDown
    public void stop() {
        client.close();
        server.shutdownNow();
    }

    @Benchmark
    @Threads(64)
    public CheckResult sixtyFourCallers() {
        return asked();
    }

    @Benchmark
    @Threads(1)
    public CheckResult oneCaller() {
        return asked();
    }

    private CheckResult asked() {
        CheckResult result = client.check(QUESTION);
        if (!result.allowed()) {
            throw new IllegalStateException(result.message());
        }
        return result;
    }

    private static final class AllowsEverything extends DecisionServiceGrpc.DecisionServiceImplBase {

        private static final CheckResponse ALLOW = CheckResponse.newBuilder()
                .setDecision(Decision.DECISION_ALLOW)
                .setReason(Reason.REASON_ALLOWED)
                .setDecisionId("0190a5d2-7c3e-7000-8000-000000000000")
                .setRevision(1)
                .build();

        @Override
        public void check(CheckRequest request, StreamObserver<CheckResponse> to) {
            to.onNext(ALLOW);
            to.onCompleted();
        }

        @Override
        public void checkBatch(CheckBatchRequest request, StreamObserver<CheckBatchResponse> to) {
            CheckBatchResponse.Builder results = CheckBatchResponse.newBuilder();
            for (int i = 0; i < request.getItemsCount(); i++) {
                results.addResults(CheckBatchResult.newBuilder().setResponse(ALLOW));
            }
            to.onNext(results.build());
            to.onCompleted();
        }
    }
}
