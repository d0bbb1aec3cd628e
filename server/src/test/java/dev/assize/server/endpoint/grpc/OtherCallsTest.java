package dev.assize.server.endpoint.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.inject.multibindings.Multibinder;
import dev.assize.server.endpoint.call.GuestService;
import io.grpc.CallOptions;
import io.grpc.Context;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.Marshaller;
import io.grpc.ServerCall;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCalls;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Calls that are no checks, over a transport that has event loops. */
class OtherCallsTest {

    private static final GrpcConfig LOOPBACK = new GrpcConfig(
            "127.0.0.1",
            0,
            null,
            GrpcConfig.Reflection.OFF,
            GrpcConfig.DEFAULT_MAX_REQUEST_BYTES,
            GrpcConfig.DEFAULT_MAX_METADATA_BYTES,
            Duration.ZERO,
            Duration.ofSeconds(10));

    private static final MethodDescriptor<String, String> ASK = MethodDescriptor.newBuilder(
                    new Text(new ConcurrentLinkedQueue<>()), new Text(new ConcurrentLinkedQueue<>()))
            .setType(MethodDescriptor.MethodType.UNARY)
            .setFullMethodName("test.Guest/Ask")
            .build();

    @TempDir
    Path directory;

    /** What was done on a thread that is no virtual one. */
    private final Queue<String> onTheLoop = new ConcurrentLinkedQueue<>();

    private final Queue<String> done = new ConcurrentLinkedQueue<>();
    private volatile String failsAt = "";
    private final CountDownLatch waits = new CountDownLatch(1);
    private final CompletableFuture<Boolean> told = new CompletableFuture<>();

    private GrpcFixture door;
    private GrpcServer server;
    private ManagedChannel channel;

    @BeforeEach
    void open() {
        door = new GrpcFixture(
                directory,
                LOOPBACK,
                binder -> Multibinder.newSetBinder(binder, GuestService.class)
                        .addBinding()
                        .toInstance(this::guest));
        server = door.injector.getInstance(GrpcServer.class);
        server.start();
        channel = ManagedChannelBuilder.forAddress("127.0.0.1", server.port())
                .usePlaintext()
                .build();
    }

    @AfterEach
    void close() {
        waits.countDown();
        channel.shutdownNow();
        server.close();
        door.close();
    }

    @Test
    void areReadAndHandledOnVirtualThreads() {
        for (String compression : new String[] {"identity", "gzip"}) {
            assertThat(ask(CallOptions.DEFAULT.withCompression(compression), "x".repeat(100_000)))
                    .isEqualTo("100000");
        }
        assertThat(done).contains("begin", "parse", "message", "half-close");
        assertThat(onTheLoop).isEmpty();
    }

    @Test
    void waitWithoutDelayToOthersAndAreToldThatTheirDeadlineIsOver() throws Exception {
        failsAt = "wait";
        assertThat(refusal(CallOptions.DEFAULT.withDeadlineAfter(Duration.ofSeconds(3))))
                .isEqualTo(Status.Code.DEADLINE_EXCEEDED);
        assertThat(told.get(20, TimeUnit.SECONDS)).isTrue();
        failsAt = "";
        assertThat(ask(CallOptions.DEFAULT.withDeadlineAfter(Duration.ofSeconds(20)), "four"))
                .isEqualTo("4");
    }

    @Test
    void failAsOneOfOursWhereTheirHandlerDoes() {
        for (String at : new String[] {"begin", "message", "half-close"}) {
            failsAt = at;
            assertThat(refusal(CallOptions.DEFAULT)).as(at).isEqualTo(Status.Code.INTERNAL);
        }
    }

    private String ask(CallOptions options, String text) {
        return ClientCalls.blockingUnaryCall(channel, ASK, options, text);
    }

    private Status.Code refusal(CallOptions options) {
        try {
            throw new AssertionError("answered: " + ask(options, "text"));
        } catch (StatusRuntimeException refused) {
            return refused.getStatus().getCode();
        }
    }

    private ServerServiceDefinition guest() {
        MethodDescriptor<String, String> method =
                ASK.toBuilder(new Text(onTheLoop), new Text(onTheLoop)).build();
        return ServerServiceDefinition.builder("test.Guest")
                .addMethod(method, this::begin)
                .build();
    }

    private ServerCall.Listener<String> begin(ServerCall<String, String> call, Metadata headers) {
        does("begin");
        call.request(2);
        return new ServerCall.Listener<>() {

            private String message = "";

            @Override
            public void onMessage(String text) {
                done.add("parse");
                does("message");
                message = text;
            }

            @Override
            public void onHalfClose() {
                does("half-close");
                if (failsAt.equals("wait")) {
                    Context.current().addListener(context -> told.complete(context.isCancelled()), Runnable::run);
                    try {
                        waits.await();
                    } catch (InterruptedException stopped) {
                        Thread.currentThread().interrupt();
                    }
                    return;
                }
                call.sendHeaders(new Metadata());
                call.sendMessage(Integer.toString(message.length()));
                call.close(Status.OK, new Metadata());
            }
        };
    }

    private void does(String what) {
        done.add(what);
        if (!Thread.currentThread().isVirtual()) {
            onTheLoop.add(what);
        }
        if (failsAt.equals(what)) {
            throw new IllegalStateException("a bug");
        }
    }

    /** Tells where it is read and written. */
    private record Text(Queue<String> onTheLoop) implements Marshaller<String> {

        @Override
        public InputStream stream(String text) {
            look("stream");
            return new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8));
        }

        @Override
        public String parse(InputStream bytes) {
            look("parse");
            try {
                return new String(bytes.readAllBytes(), StandardCharsets.UTF_8);
            } catch (IOException broken) {
                throw new UncheckedIOException(broken);
            }
        }

        private void look(String what) {
            if (!Thread.currentThread().isVirtual()) {
                onTheLoop.add(what);
            }
        }
    }
}
