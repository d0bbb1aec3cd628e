package dev.assize.server.endpoint.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.proto.v1.CheckBatchRequest;
import dev.assize.proto.v1.CheckRequest;
import dev.assize.proto.v1.CheckStreamRequest;
import dev.assize.proto.v1.CheckStreamResponse;
import dev.assize.proto.v1.DecisionServiceGrpc;
import dev.assize.proto.v1.DecisionServiceGrpc.DecisionServiceBlockingStub;
import dev.assize.server.endpoint.call.ErrorReason;
import dev.assize.server.model.Reason;
import dev.assize.server.prompt.Prompt;
import io.grpc.Codec;
import io.grpc.Compressor;
import io.grpc.CompressorRegistry;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.io.ByteArrayOutputStream;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.zip.GZIPOutputStream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Checks whose messages come compressed, which only a transport that leaves the process does. */
class CompressedChecksTest {

    private static final int MAX_REQUEST_BYTES = 100 * 1_024;

    @TempDir
    Path directory;

    private GrpcFixture door;
    private GrpcServer server;

    @BeforeEach
    void open() {
        door = new GrpcFixture(
                directory,
                new GrpcConfig(
                        "127.0.0.1",
                        0,
                        null,
                        GrpcConfig.Reflection.OFF,
                        MAX_REQUEST_BYTES,
                        GrpcConfig.DEFAULT_MAX_METADATA_BYTES,
                        Duration.ZERO,
                        Duration.ofSeconds(10)));
        server = door.injector.getInstance(GrpcServer.class);
        server.start();
    }

    @AfterEach
    void close() {
        server.close();
        door.close();
    }

    @Test
    void answersThemElsewhereForNobodyKnowsHowLongTheyAre() throws Exception {
        Queue<Boolean> asked = new ConcurrentLinkedQueue<>();
        door.decisions.answer(query -> {
            asked.add(Prompt.isRequired() || !Thread.currentThread().isVirtual());
            return Reason.ALLOWED;
        });
        ManagedChannel channel = channel(new Codec.Gzip());
        try {
            for (int i = 0; i < 2; i++) {
                blocking(channel).check(request("replay:1"));
                blocking(channel).checkBatch(batch("replay:1"));
                stream(channel, request("replay:1"));
            }
        } finally {
            channel.shutdownNow();
        }
        assertThat(asked).hasSize(6).doesNotContain(true);
    }

    @Test
    void refusesWhatCannotBeInflatedAsMalformedAndCountsIt() {
        ManagedChannel channel = channel(new CutOff());
        try {
            Refusal.of(() -> blocking(channel).check(request("replay:1")))
                    .is(ErrorReason.REQUEST_INVALID)
                    .naming("request");
            Refusal.of(() -> blocking(channel).checkBatch(batch("replay:1")))
                    .is(ErrorReason.REQUEST_INVALID)
                    .naming("request");
            Refusal.of(() -> stream(channel, request("replay:1")))
                    .is(ErrorReason.REQUEST_INVALID)
                    .naming("request");
        } finally {
            channel.shutdownNow();
        }
        assertCounted(Status.Code.INVALID_ARGUMENT);
    }

    @Test
    void refusesWhatInflatesToMoreThanAMessageMayHaveAndCountsIt() {
        ManagedChannel channel = channel(new Codec.Gzip());
        String large = "x".repeat(MAX_REQUEST_BYTES);
        try {
            assertExhausted(() -> blocking(channel).check(request(large)));
            assertExhausted(() -> blocking(channel).checkBatch(batch(large)));
            assertExhausted(() -> stream(channel, request(large)));
        } finally {
            channel.shutdownNow();
        }
        assertCounted(Status.Code.RESOURCE_EXHAUSTED);
    }

    private static void assertExhausted(ThrowingCallable call) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        StatusRuntimeException.class,
                        refused -> assertThat(refused.getStatus().getCode()).isEqualTo(Status.Code.RESOURCE_EXHAUSTED));
    }

    private void assertCounted(Status.Code code) {
        for (String rpc : new String[] {"Check", "CheckBatch", "CheckStream"}) {
            assertThat(door.meters
                            .get("assize.rpc.duration")
                            .tag("rpc", "DecisionService/" + rpc)
                            .tag("code", code.name())
                            .timer()
                            .count())
                    .as(rpc)
                    .isOne();
        }
    }

    private ManagedChannel channel(Compressor gzip) {
        CompressorRegistry compressors = CompressorRegistry.newEmptyInstance();
        compressors.register(gzip);
        return ManagedChannelBuilder.forAddress("127.0.0.1", server.port())
                .usePlaintext()
                .compressorRegistry(compressors)
                .build();
    }

    private DecisionServiceBlockingStub blocking(ManagedChannel channel) {
        return door.with(DecisionServiceGrpc.newBlockingStub(channel), door.admin)
                .withCompression("gzip");
    }

    /** The answer to a stream of one request. */
    private CheckStreamResponse stream(ManagedChannel channel, CheckRequest request) throws Exception {
        CompletableFuture<CheckStreamResponse> answer = new CompletableFuture<>();
        StreamObserver<CheckStreamRequest> requests = door.with(DecisionServiceGrpc.newStub(channel), door.admin)
                .withCompression("gzip")
                .checkStream(new StreamObserver<>() {
                    @Override
                    public void onNext(CheckStreamResponse response) {
                        answer.complete(response);
                    }

                    @Override
                    public void onError(Throwable failure) {
                        answer.completeExceptionally(failure);
                    }

                    @Override
                    public void onCompleted() {}
                });
        requests.onNext(CheckStreamRequest.newBuilder().setCheck(request).build());
        try {
            return answer.get(20, TimeUnit.SECONDS);
        } catch (ExecutionException failed) {
            throw failed.getCause() instanceof StatusRuntimeException refused ? refused : failed;
        }
    }

    private static CheckBatchRequest batch(String resource) {
        return CheckBatchRequest.newBuilder()
                .setTenant("acme")
                .addItems(request(resource))
                .build();
    }

    private static CheckRequest request(String resource) {
        return CheckRequest.newBuilder()
                .setTenant("acme")
                .setSubject("user:alice")
                .setResource(resource)
                .setAction("execute")
                .build();
    }

    /** Writes the beginning only of what it compressed. */
    private static final class CutOff implements Compressor {

        /** What a gzip stream begins with, whatever it is of. */
        private static final int HEADER_BYTES = 10;

        @Override
        public String getMessageEncoding() {
            return "gzip";
        }

        @Override
        public OutputStream compress(OutputStream target) throws IOException {
            ByteArrayOutputStream whole = new ByteArrayOutputStream();
            return new FilterOutputStream(new GZIPOutputStream(whole)) {
                @Override
                public void close() throws IOException {
                    super.close();
                    target.write(whole.toByteArray(), 0, HEADER_BYTES + 2);
                    target.close();
                }
            };
        }
    }
}
