package dev.assize.benchmarks.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;

import dev.assize.benchmarks.load.BareServer.Answers;
import dev.assize.client.AssizeClient;
import dev.assize.proto.v1.CheckBatchResponse;
import dev.assize.proto.v1.CheckBatchResult;
import dev.assize.proto.v1.CheckRequest;
import dev.assize.proto.v1.CheckResponse;
import dev.assize.proto.v1.CheckStreamResponse;
import dev.assize.proto.v1.Decision;
import dev.assize.proto.v1.DecisionServiceGrpc.DecisionServiceImplBase;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiFunction;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The client against servers of grpc-java, over real sockets. */
class LoadClientTest {

    private static final Duration SHORT = Duration.ofMillis(150);
    private static final CheckResponse ALLOW =
            CheckResponse.newBuilder().setDecision(Decision.DECISION_ALLOW).build();
    private static final Departments WORLD = Departments.of("one", 1, 2, 5);

    private final LoadClient client = new LoadClient();
    private final List<Server> servers = new ArrayList<>();

    @AfterEach
    void stop() throws InterruptedException {
        client.close();
        for (Server server : servers) {
            boolean _ = server.shutdownNow().awaitTermination(5, TimeUnit.SECONDS);
        }
    }

    @Test
    void aRefusedCallIsAFailureAndNoRequestServed() throws Exception {
        serve(new Checks((request, observer) -> {
            observer.onError(Status.RESOURCE_EXHAUSTED.asRuntimeException());
        }));

        WireRun.Observed observed = ask(checks(), Shape.of(2, 4), 200);

        assertThat(observed.failures()).isPositive();
        assertThat(observed.requests()).isZero();
        assertThat(observed.latencies().count()).isZero();
    }

    /** In the closed model, which would ask again at once and for as long as there is no room, and measure refusals. */
    @Test
    void aServerWithoutRoomIsAskedAgainLater() throws Exception {
        serve(new Checks((request, observer) -> {
            observer.onError(Status.RESOURCE_EXHAUSTED.asRuntimeException());
        }));

        WireRun.Observed observed = ask(checks(), Shape.of(2, 8), 0);

        assertThat(observed.failures()).isBetween(8L, 8L * 5);
        assertThat(observed.requests()).isZero();
        assertThat(observed.breakage()).isNull();
    }

    @Test
    void aServerWithoutTheKeyRefusesEveryCall() throws Exception {
        BareDoor door = BareDoor.open();
        servers.add(BareServer.start(BareServer.NO_OP, answers(), door, anyPort()));

        WireRun.Observed observed =
                client.ask(endpoint("asz_wrong"), checks(), Shape.of(1, 1), 200, SHORT, SHORT, LoadClient.Marks.NONE);

        assertThat(observed.failures()).isPositive();
        assertThat(observed.requests()).isZero();
    }

    @Test
    void aWrongAnswerIsSeen() throws Exception {
        serve(new Checks((request, observer) -> {
            observer.onNext(CheckResponse.newBuilder()
                    .setDecision(Decision.DECISION_DENY)
                    .build());
            observer.onCompleted();
        }));

        WireRun.Observed observed = ask(
                checks().answeredBy((request, message) ->
                        CheckResponse.parseFrom(message).getDecision() == Decision.DECISION_ALLOW),
                Shape.of(1, 4),
                0);

        assertThat(observed.checked()).isPositive();
        assertThat(observed.wrong()).isEqualTo(observed.checked());
    }

    /** Its first byte is another than that of every answer that begins with a decision. */
    @Test
    void anAnswerWithoutADecisionIsSeenEveryTime() throws Exception {
        serve(new Checks((request, observer) -> {
            observer.onNext(CheckResponse.newBuilder().setRevision(1).build());
            observer.onCompleted();
        }));

        WireRun.Observed observed = ask(checks().answeredBy((request, message) -> true), Shape.of(1, 1), 300);

        assertThat(observed.wrong()).isGreaterThanOrEqualTo(observed.requests()).isGreaterThan(observed.checked());
    }

    @Test
    void aServerThatIsNotThereIsSaid() throws IOException {
        int port = AssizeProcess.freePort();

        assertThatIOException()
                .isThrownBy(() -> client.ask(
                        new Endpoint(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), null, "k"),
                        checks(),
                        Shape.of(1, 1),
                        0,
                        SHORT,
                        SHORT,
                        LoadClient.Marks.NONE))
                .withMessageContaining("cannot reach");
    }

    /** The server sleeps once, and each request that was due meanwhile has taken as long as it had to wait. */
    @Test
    void theOpenModelCountsWhatAStallDelayed() throws Exception {
        serve(stalling(400));

        Latencies open =
                ask(checks(), Shape.of(1, 1), 500, Duration.ofMillis(800)).latencies();

        assertThat(open.count()).isGreaterThan(300);
        assertThat(open.micros(100 - 100.0 * 100 / open.count()))
                .as("a hundred of the two hundred that were due in the stall")
                .isGreaterThan(50_000);
    }

    /** What never came back took at least as long as it was waited for; it may not vanish from the times. */
    @Test
    void theOpenModelCountsWhatWasNeverAnswered() throws Exception {
        CountDownLatch never = new CountDownLatch(1);
        AtomicInteger asked = new AtomicInteger();
        serve(new Checks((request, observer) -> {
            if (asked.incrementAndGet() > 20) {
                awaitQuietly(never);
            }
            observer.onNext(ALLOW);
            observer.onCompleted();
        }));
        try (LoadClient impatient = new LoadClient(Duration.ofSeconds(1))) {
            WireRun.Observed observed =
                    impatient.ask(endpoint("k"), checks(), Shape.of(1, 2), 200, SHORT, SHORT, LoadClient.Marks.NONE);

            assertThat(observed.failures()).isPositive();
            assertThat(observed.latencies().micros(100)).isGreaterThan(0.9e6);
        } finally {
            never.countDown();
        }
    }

    @ParameterizedTest
    @EnumSource
    void bareServersAnswerEveryRpc(Workload.Kind kind) throws Exception {
        for (String style : new String[] {BareServer.NO_OP, BareServer.STOCK}) {
            BareDoor door = BareDoor.open();
            servers.add(BareServer.start(style, answers(), door, anyPort()));
            Workload workload = workload(kind);

            WireRun.Observed observed = client.ask(
                    endpoint(door.key()),
                    workload,
                    new Shape(2, 4, kind == Workload.Kind.STREAM ? 8 : 1),
                    0,
                    SHORT,
                    SHORT,
                    LoadClient.Marks.NONE);

            assertThat(observed.checked()).as(style).isPositive();
            assertThat(observed.wrong() + observed.failures()).isZero();
            assertThat(observed.latencies().count()).isEqualTo(observed.requests());
        }
    }

    @ParameterizedTest
    @EnumSource
    void variedNoOpsAnswerAsTheNoOpDoes(Variation variation) throws Exception {
        BareDoor door = BareDoor.open();
        servers.add(BareServer.start(variation.style(), answers(), door, anyPort()));
        Workload sameAnswer = checks().answeredBy(
                        (request, message) -> CheckResponse.parseFrom(message).equals(ALLOW));

        WireRun.Observed observed = client.ask(
                endpoint(door.key()),
                sameAnswer,
                Shape.of(1, 4),
                0,
                Duration.ofMillis(20),
                Duration.ofMillis(50),
                LoadClient.Marks.NONE);

        assertThat(observed.checked()).as(variation.text()).isPositive();
        assertThat(observed.wrong() + observed.failures()).isZero();
    }

    @Test
    void callersOfTheJavaClientCountRightAnswersWrongOnesAndFailures() throws Exception {
        callersCount((client, asking) ->
                new Callers(client, asking, Thread.ofPlatform().factory()));
    }

    @Test
    void callersThatHoldNoThreadCountTheSame() throws Exception {
        callersCount(LaterCallers::new);
    }

    /** Answers that are there at once, that come later, that fail either way, and a client that throws. */
    @Test
    @Timeout(20)
    void callersThatHoldNoThreadEndHoweverTheirClientBreaks() throws Exception {
        Requests.Asking asking = new Requests(WORLD, "one", 1).asking(64);
        AtomicInteger asked = new AtomicInteger();
        IllegalStateException bug = new IllegalStateException("a bug of the client");
        LaterCallers callers = new LaterCallers(
                _ -> switch (asked.getAndIncrement() % 4) {
                    case 0 -> CompletableFuture.failedFuture(bug);
                    case 1 -> throw bug;
                    case 2 ->
                        CompletableFuture.supplyAsync(() -> {
                            throw bug;
                        });
                    default -> CompletableFuture.failedFuture(new AssertionError(bug));
                },
                asking);

        WireRun.Observed observed = callers.ask(2, SHORT, SHORT, LoadClient.Marks.NONE);

        assertThat(observed.failures()).isPositive();
        assertThat(observed.requests()).isZero();
    }

    private void callersCount(BiFunction<AssizeClient, Requests.Asking, ClientLoad> callers) throws Exception {
        AtomicInteger asked = new AtomicInteger();
        serve(new Checks((request, observer) -> {
            if (asked.incrementAndGet() % 3 == 0) {
                observer.onError(Status.INVALID_ARGUMENT.asRuntimeException());
            } else {
                observer.onNext(ALLOW);
                observer.onCompleted();
            }
        }));
        Requests.Asking asking = new Requests(WORLD, "one", 1).asking(64);
        try (AssizeClient client = AssizeClient.builder()
                .target("127.0.0.1:" + servers.getLast().getPort())
                .plaintext()
                .batching(false)
                .build()) {
            ClientLoad load = callers.apply(client, asking);
            WireRun.Observed observed = load.ask(4, SHORT, Duration.ofMillis(400), LoadClient.Marks.NONE);
            // A machine that is busy gives a cold client few answers.
            for (int more = 0; more < 20 && !hasSeenAll(observed); more++) {
                observed = load.ask(4, SHORT, Duration.ofMillis(400), LoadClient.Marks.NONE);
            }

            assertThat(observed.failures()).isPositive();
            assertThat(observed.wrong()).isPositive().isLessThan(observed.requests());
            assertThat(observed.latencies().count()).isEqualTo(observed.requests());
        }
    }

    private static boolean hasSeenAll(WireRun.Observed observed) {
        return observed.failures() > 0 && observed.wrong() > 0 && observed.wrong() < observed.requests();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 16, 128})
    void asksOverAnyNumberOfStreams(int streams) throws Exception {
        AtomicInteger served = new AtomicInteger();
        serve(new Checks((request, observer) -> {
            served.incrementAndGet();
            observer.onNext(ALLOW);
            observer.onCompleted();
        }));

        WireRun.Observed observed = ask(checks(), Shape.of(1, streams), 0);

        assertThat(observed.checked()).isPositive();
        assertThat(served.get()).isGreaterThanOrEqualTo((int) observed.requests());
    }

    private static Checks stalling(long millis) {
        AtomicInteger asked = new AtomicInteger();
        CountDownLatch never = new CountDownLatch(1);
        return new Checks((request, observer) -> {
            if (asked.incrementAndGet() == 100) {
                awaitQuietly(never, millis);
            }
            observer.onNext(ALLOW);
            observer.onCompleted();
        });
    }

    private static void awaitQuietly(CountDownLatch latch) {
        awaitQuietly(latch, 60_000);
    }

    private static void awaitQuietly(CountDownLatch latch, long millis) {
        try {
            boolean _ = latch.await(millis, TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private WireRun.Observed ask(Workload workload, Shape shape, double perSecond) throws Exception {
        return ask(workload, shape, perSecond, SHORT);
    }

    private WireRun.Observed ask(Workload workload, Shape shape, double perSecond, Duration length) throws Exception {
        return client.ask(
                endpoint("k"), workload, shape, perSecond, Duration.ofMillis(20), length, LoadClient.Marks.NONE);
    }

    private static Workload checks() {
        return workload(Workload.Kind.CHECK);
    }

    private static Workload workload(Workload.Kind kind) {
        Requests requests = new Requests(WORLD, "one", 1);
        Workload workload = switch (kind) {
            case CHECK -> requests.checks(Requests.ofOne(64));
            case BATCH -> requests.batches(10, Requests.ofOne(8));
            case STREAM -> requests.streamed(Requests.ofOne(64));
        };
        return workload.answeredBy((request, message) -> message.length > 0);
    }

    private static Answers answers() {
        CheckBatchResponse.Builder batch = CheckBatchResponse.newBuilder();
        for (int i = 0; i < 10; i++) {
            batch.addResults(CheckBatchResult.newBuilder().setResponse(ALLOW));
        }
        return new Answers(
                ALLOW.toByteArray(),
                batch.build().toByteArray(),
                CheckStreamResponse.newBuilder().setResponse(ALLOW).build().toByteArray());
    }

    private void serve(DecisionServiceImplBase service) throws IOException {
        servers.add(anyPort().addService(service).build().start());
    }

    private static NettyServerBuilder anyPort() {
        return BareServer.at(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
    }

    private Endpoint endpoint(String key) {
        return new Endpoint(
                new InetSocketAddress(
                        InetAddress.getLoopbackAddress(), servers.getLast().getPort()),
                null,
                key);
    }

    private interface Handler {

        void check(CheckRequest request, StreamObserver<CheckResponse> observer);
    }

    private static final class Checks extends DecisionServiceImplBase {

        private final Handler handler;

        Checks(Handler handler) {
            this.handler = handler;
        }

        @Override
        public void check(CheckRequest request, StreamObserver<CheckResponse> observer) {
            handler.check(request, observer);
        }
    }
}
