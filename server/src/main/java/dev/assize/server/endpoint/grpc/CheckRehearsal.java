package dev.assize.server.endpoint.grpc;

import com.google.inject.Inject;
import dev.assize.proto.v1.CheckBatchRequest;
import dev.assize.proto.v1.CheckRequest;
import dev.assize.proto.v1.CheckStreamRequest;
import dev.assize.proto.v1.CheckStreamResponse;
import dev.assize.proto.v1.DecisionServiceGrpc;
import dev.assize.proto.v1.DecisionServiceGrpc.DecisionServiceBlockingStub;
import dev.assize.proto.v1.DecisionServiceGrpc.DecisionServiceImplBase;
import dev.assize.proto.v1.DecisionServiceGrpc.DecisionServiceStub;
import dev.assize.proto.v1.Detail;
import io.grpc.InsecureChannelCredentials;
import io.grpc.InsecureServerCredentials;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.ServerInterceptors;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.MetadataUtils;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;

/**
 * Checks over the real transport for no other sake than to have been made: what is asked is compiled, and the first callers
 * meet a server that has done it before. It has a port of its own on the loopback address while it lasts, and what is
 * behind that is whoever's wires it: nothing of a server that others use.
 */
public final class CheckRehearsal {

    /** What the names of its threads begin with. */
    public static final String THREADS = "grpc-rehearsal";

    private static final int CALLERS = 4;
    private static final int BATCH = 50;
    private static final int FRAMES = 20;

    private final CheckMethods checks;
    private final PlainCalls plain;
    private final CallThreads threads;
    private final AuthenticationInterceptor authenticated;
    private final PromptInterceptor prompt;
    private final MetricsInterceptor measured;

    @Inject
    CheckRehearsal(
            CheckMethods checks,
            PlainCalls plain,
            CallThreads threads,
            AuthenticationInterceptor authenticated,
            PromptInterceptor prompt,
            MetricsInterceptor measured) {
        this.checks = checks;
        this.plain = plain;
        this.threads = threads;
        this.authenticated = authenticated;
        this.prompt = prompt;
        this.measured = measured;
    }

    /** Asks by every RPC until the time is up, or there were answers enough, and says how many there were. */
    public int run(String credential, List<CheckRequest> requests, Duration atMost, int enough) throws IOException {
        // Its own: what a thread keeps of those who worked on it goes with it.
        try (EventLoops loops = new EventLoops(THREADS, 1)) {
            return run(loops, credential, requests, atMost, enough);
        }
    }

    private int run(EventLoops loops, String credential, List<CheckRequest> requests, Duration atMost, int enough)
            throws IOException {
        Server server = loops.serve(NettyServerBuilder.forAddress(
                        new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), InsecureServerCredentials.create()))
                .directExecutor()
                .addTransportFilter(new Connections())
                .addService(plain.before(ServerInterceptors.intercept(
                        checks.in(new DecisionServiceImplBase() {}.bindService()), authenticated, prompt, measured)))
                .build()
                .start();
        ManagedChannel channel = NettyChannelBuilder.forAddress(
                        new InetSocketAddress(InetAddress.getLoopbackAddress(), server.getPort()),
                        InsecureChannelCredentials.create())
                .directExecutor()
                .build();
        try {
            Caller caller = new Caller(channel, credential, requests, enough);
            List<Thread> callers = IntStream.range(0, CALLERS)
                    .mapToObj(first -> Thread.startVirtualThread(() -> caller.ask(first)))
                    .toList();
            awaitAll(callers, System.nanoTime() + atMost.toNanos());
            return caller.answers.get();
        } finally {
            // Whoever asks still is told so, and stops.
            channel.shutdownNow();
            end(server.shutdownNow());
        }
    }

    /** Its threads last: what it still does with calls that are cut off needs them. */
    private void end(Server server) {
        try {
            server.awaitTermination(1, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        threads.close();
    }

    private static void awaitAll(List<Thread> callers, long endNanos) {
        try {
            for (Thread caller : callers) {
                caller.join(Duration.ofNanos(Math.max(0, endNanos - System.nanoTime())));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Asks one question after the other, on whatever threads. */
    private static final class Caller {

        private final List<CheckRequest> requests;
        private final int enough;
        private final CheckBatchRequest batch;
        private final AtomicInteger answers = new AtomicInteger();
        private final DecisionServiceBlockingStub blocking;
        private final DecisionServiceStub streaming;

        Caller(ManagedChannel channel, String credential, List<CheckRequest> requests, int enough) {
            this.requests = requests;
            this.enough = enough;
            this.batch = batch(requests);
            Metadata headers = new Metadata();
            headers.put(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), "Bearer " + credential);
            this.blocking = DecisionServiceGrpc.newBlockingStub(channel)
                    .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers));
            this.streaming = DecisionServiceGrpc.newStub(channel)
                    .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers));
        }

        /** Until there were answers enough, or one does not come. */
        void ask(int first) {
            try {
                for (int i = first; answers.get() < enough; i++) {
                    turn(i);
                }
            } catch (StatusRuntimeException | CompletionException over) {
                // The time is up, or it cannot be done; how many answers there were tells.
            }
        }

        private static CheckBatchRequest batch(List<CheckRequest> requests) {
            CheckBatchRequest.Builder batch = CheckBatchRequest.newBuilder()
                    .setTenant(requests.getFirst().getTenant())
                    .setDetail(Detail.DETAIL_MINIMAL);
            for (int i = 0; i < BATCH; i++) {
                batch.addItems(requests.get(i % requests.size()));
            }
            return batch.build();
        }

        /** Mostly single checks, now and then the others. */
        void turn(int i) {
            CheckRequest request = requests.get(i % requests.size());
            answers.addAndGet(
                    switch (i % 16) {
                        case 7 -> blocking.checkBatch(batch).getResultsCount();
                        case 15 -> stream(request);
                        default -> blocking.check(request).getDecisionValue() > 0 ? 1 : 0;
                    });
        }

        private int stream(CheckRequest request) {
            CompletableFuture<Integer> ended = new CompletableFuture<>();
            StreamObserver<CheckStreamRequest> stream = streaming.checkStream(new Counting(ended));
            for (int i = 0; i < FRAMES; i++) {
                stream.onNext(CheckStreamRequest.newBuilder().setCheck(request).build());
            }
            stream.onCompleted();
            return ended.join();
        }
    }

    /** Counts the answers of a stream. */
    private static final class Counting implements StreamObserver<CheckStreamResponse> {

        private final CompletableFuture<Integer> ended;
        private int answers;

        Counting(CompletableFuture<Integer> ended) {
            this.ended = ended;
        }

        @Override
        public void onNext(CheckStreamResponse answer) {
            answers += answer.hasResponse() ? 1 : 0;
        }

        @Override
        public void onError(Throwable failure) {
            ended.completeExceptionally(failure);
        }

        @Override
        public void onCompleted() {
            ended.complete(answers);
        }
    }
}
