package dev.assize.client;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import com.google.protobuf.Timestamp;
import dev.assize.proto.v1.CheckRequest;
import dev.assize.proto.v1.CheckResponse;
import dev.assize.proto.v1.Decision;
import dev.assize.proto.v1.DecisionServiceGrpc;
import dev.assize.proto.v1.PolicyServiceGrpc;
import dev.assize.proto.v1.PolicyState;
import dev.assize.proto.v1.WatchPolicyRequest;
import dev.assize.proto.v1.WatchPolicyResponse;
import io.grpc.Context;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.inprocess.InProcessChannelBuilder;
import io.grpc.inprocess.InProcessServerBuilder;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The cache over a real stub, with a stream of policy that a test speaks for. All by one thread, in its order. */
class AnswerCacheTest {

    private final BlockingQueue<StreamObserver<WatchPolicyResponse>> streams = new LinkedBlockingQueue<>();
    private final AtomicInteger asked = new AtomicInteger();
    private final Server server;
    private final ManagedChannel channel;
    private final List<WatchPolicyRequest> watched = new CopyOnWriteArrayList<>();
    private final AtomicLong steady = new AtomicLong();
    private Instant now = Instant.parse("2026-03-01T12:00:00Z");
    private CheckResponse answer = CheckResponse.newBuilder()
            .setDecision(Decision.DECISION_ALLOW)
            .setRevision(3)
            .setPlatformRevision(1)
            .setValidUntil(timestamp(now.plusSeconds(60)))
            .build();

    /** Done by the server between question and answer. */
    private Runnable meanwhile = () -> {};

    private final Checks checks;

    AnswerCacheTest() throws IOException {
        String name = UUID.randomUUID().toString();
        server = InProcessServerBuilder.forName(name)
                .directExecutor()
                .addService(new DecisionServiceGrpc.DecisionServiceImplBase() {
                    @Override
                    public void check(CheckRequest request, StreamObserver<CheckResponse> to) {
                        asked.incrementAndGet();
                        meanwhile.run();
                        to.onNext(answer);
                        to.onCompleted();
                    }
                })
                .addService(new PolicyServiceGrpc.PolicyServiceImplBase() {
                    @Override
                    public void watchPolicy(WatchPolicyRequest request, StreamObserver<WatchPolicyResponse> to) {
                        watched.add(request);
                        streams.add(to);
                    }
                })
                .build()
                .start();
        channel = InProcessChannelBuilder.forName(name).directExecutor().build();
        checks = new Checks(
                new GrpcCheckCalls(channel),
                false,
                AnswerCache.of(16, PolicyServiceGrpc.newStub(channel), () -> now, steady::get),
                "acme",
                "",
                Set.of("log"));
    }

    @AfterEach
    void stop() {
        checks.close();
        channel.shutdownNow();
        server.shutdownNow();
    }

    @Test
    void keepsNothingBeforeTheStreamHasSaidSomething() {
        assertAsks(3);
    }

    @Test
    void keepsAnAnswerUntilItIsNoLongerValid() throws InterruptedException {
        listening();
        assertAsks(1);
        assertKept();
        now = now.plusSeconds(60);
        assertAsks(1);
    }

    @Test
    void keepsAnAnswerOnlyOfTheRevisionsThatTheStreamSays() throws InterruptedException {
        listening();
        answer = answer.toBuilder().setRevision(4).build();
        assertAsks(3);
        answer = answer.toBuilder().setRevision(3).setPlatformRevision(2).build();
        assertAsks(3);
    }

    @Test
    void keepsNoAnswerThatWasGivenAcrossAChange() throws InterruptedException {
        StreamObserver<WatchPolicyResponse> stream = listening();
        meanwhile = () -> stream.onNext(state(4, "four"));
        answer = answer.toBuilder().setRevision(4).build();
        assertAsks(1);
        meanwhile = () -> {};
        assertAsks(1);
        assertKept();
    }

    @Test
    void forgetsWithEveryChangeAlsoOneThatComesToTheSameRevision() throws InterruptedException {
        StreamObserver<WatchPolicyResponse> stream = listening();
        assertAsks(1);
        assertKept();
        stream.onNext(state(3, "three"));
        assertKept();
        stream.onNext(state(3, "another three"));
        assertAsks(1);
        assertKept();
        stream.onNext(WatchPolicyResponse.getDefaultInstance());
        assertAsks(2);
    }

    @Test
    void forgetsWhenTheStreamEndsAndListensAgain() throws InterruptedException {
        StreamObserver<WatchPolicyResponse> stream = listening();
        assertAsks(1);
        assertKept();
        stream.onError(Status.UNAVAILABLE.asRuntimeException());
        assertAsks(2);
        nextStream().onNext(state(3, "three"));
        assertAsks(1);
        assertKept();
    }

    @Test
    void believesNobodyWhoRepeatsAMomentThatIsPast() throws InterruptedException {
        StreamObserver<WatchPolicyResponse> stream = listening();
        assertAsks(1);
        assertKept();
        for (int i = 0; i < 5; i++) {
            passes(Duration.ofSeconds(2));
            stream.onNext(confirmed(Instant.parse("2026-03-01T12:00:00Z")));
        }
        assertKept();
        passes(Duration.ofNanos(1));
        assertAsks(1);
        StreamObserver<WatchPolicyResponse> next = nextStream();
        next.onNext(confirmed(Instant.parse("2026-03-01T12:00:00Z")));
        assertAsks(2);
    }

    @Test
    void goesOnForAsLongAsLaterMomentsConfirm() throws InterruptedException {
        StreamObserver<WatchPolicyResponse> stream = listening();
        assertAsks(1);
        for (int i = 0; i < 5; i++) {
            passes(Duration.ofSeconds(9));
            stream.onNext(confirmed(now));
            assertKept();
        }
    }

    @Test
    void listensAgainBehindWhatItKnows() throws InterruptedException {
        StreamObserver<WatchPolicyResponse> stream = listening();
        assertAsks(1);
        stream.onError(Status.UNAVAILABLE.asRuntimeException());
        StreamObserver<WatchPolicyResponse> next = nextStream();
        assertThat(watched).extracting(WatchPolicyRequest::getKnownRevision).containsExactly(0L, 3L);
        assertThat(watched.getLast().getKnownPlatformRevision()).isEqualTo(1);
        passes(Duration.ofSeconds(1));
        next.onNext(confirmed(now));
        assertAsks(1);
        assertKept();
    }

    @Test
    void forgetsAStateThatWasNever() throws InterruptedException {
        StreamObserver<WatchPolicyResponse> stream = listening();
        stream.onError(Status.UNAVAILABLE.asRuntimeException());
        nextStream().onError(Status.INVALID_ARGUMENT.asRuntimeException());
        nextStream().onNext(confirmed(now.plusSeconds(1)));
        assertThat(watched).extracting(WatchPolicyRequest::getKnownRevision).containsExactly(0L, 3L, 0L);
        assertAsks(2);
    }

    @Test
    void goesOnListeningWhenWhoeverAskedFirstIsCancelled() throws InterruptedException {
        Context.CancellableContext first = Context.current().withCancellation();
        first.run(() -> checks.check(question("doc:first"), Duration.ofSeconds(5)));
        StreamObserver<WatchPolicyResponse> stream = nextStream();
        first.cancel(null);
        stream.onNext(state(3, "three"));
        assertAsks(1);
        assertKept();
    }

    @Test
    void isGoodNoLongerThanByTheServersClock() throws InterruptedException {
        checks.check(question("doc:1"), Duration.ofSeconds(5));
        StreamObserver<WatchPolicyResponse> stream = nextStream();
        asked.set(0);
        stream.onNext(WatchPolicyResponse.newBuilder()
                .setState(PolicyState.newBuilder()
                        .setRevision(3)
                        .setPlatformRevision(1)
                        .setConfirmedAt(timestamp(now.plusSeconds(3_600))))
                .build());
        assertAsks(3);
    }

    @Test
    void keepsNothingThatIsUsedUpOrAboutThePastOrNoDecision() throws InterruptedException {
        listening();
        CheckResponse good = answer;
        answer = good.toBuilder().setApprovalId("a1").build();
        assertAsks(2);
        answer = good.toBuilder()
                .addObligations(dev.assize.proto.v1.Obligation.newBuilder().setType(AnswerCache.USE_APPROVAL))
                .build();
        assertAsks(2);
        answer = good.toBuilder().setHistorical(true).build();
        assertAsks(2);
        answer = good.toBuilder().setDecisionValue(99).build();
        assertAsks(2);
        answer = good.toBuilder().clearValidUntil().build();
        assertAsks(2);
        answer = good;
        int before = asked.get();
        checks.check(question("doc:1").atRevision(3), Duration.ofSeconds(5));
        checks.check(question("doc:1").atRevision(3), Duration.ofSeconds(5));
        assertThat(asked.get() - before).isEqualTo(2);
    }

    @Test
    void keepsADenyAndItsAdvice() throws InterruptedException {
        listening();
        answer = answer.toBuilder()
                .setDecision(Decision.DECISION_DENY)
                .addObligations(dev.assize.proto.v1.Obligation.newBuilder().setType("advice"))
                .build();
        assertAsks(1);
        CheckResult kept = checks.check(question("doc:1"), Duration.ofSeconds(5));
        assertThat(kept.cached()).isTrue();
        assertThat(kept.allowed()).isFalse();
        assertThat(kept.obligations()).hasSize(1);
    }

    @Test
    void everythingOfAQuestionCounts() throws InterruptedException {
        listening();
        Question question = question("doc:1");
        assertAsks(1);
        int before = asked.get();
        for (Question other : List.of(
                question.inEnv("production"),
                question.withContext("ip", "10.0.0.1"),
                question.withContext("ip", "10.0.0.2"),
                question.withSubjectAttribute("ip", "10.0.0.1"),
                question.inRole("reader"),
                question.onBehalfOf("user:bob"),
                question.inRun("r1"),
                question.fromTenant("globex"))) {
            assertThat(checks.check(other, Duration.ofSeconds(5)).cached()).isFalse();
        }
        assertThat(asked.get() - before).isEqualTo(8);
        assertKept();
    }

    @Test
    void holdsNoMoreThanItsSize() throws InterruptedException {
        listening();
        for (int i = 0; i < 100; i++) {
            checks.check(question("doc:" + i), Duration.ofSeconds(5));
        }
        int before = asked.get();
        for (int i = 0; i < 100; i++) {
            checks.check(question("doc:" + i), Duration.ofSeconds(5));
        }
        assertThat(asked.get() - before).isBetween(84, 99);
    }

    @Test
    void refusesANegativeSize() {
        assertThatThrownBy(() -> AssizeClient.builder().cache(-1)).hasMessageContaining("-1");
    }

    /** The stream has said revision 3. */
    private StreamObserver<WatchPolicyResponse> listening() throws InterruptedException {
        checks.check(question("doc:first"), Duration.ofSeconds(5));
        StreamObserver<WatchPolicyResponse> stream = nextStream();
        stream.onNext(state(3, "three"));
        return stream;
    }

    private StreamObserver<WatchPolicyResponse> nextStream() throws InterruptedException {
        return requireNonNull(streams.poll(20, TimeUnit.SECONDS));
    }

    private void assertAsks(int times) {
        int before = asked.get();
        for (int i = 0; i < times; i++) {
            assertThat(checks.check(question("doc:1"), Duration.ofSeconds(5)).cached())
                    .isFalse();
        }
        assertThat(asked.get() - before).isEqualTo(times);
    }

    private void assertKept() {
        int before = asked.get();
        CheckResult result = checks.check(question("doc:1"), Duration.ofSeconds(5));
        assertThat(result.cached()).isTrue();
        assertThat(result.allowed()).isTrue();
        assertThat(asked).hasValue(before);
    }

    private static Question question(String resource) {
        return Question.of("user:alice", resource, "read");
    }

    private WatchPolicyResponse state(long revision, String digest) {
        return WatchPolicyResponse.newBuilder()
                .setState(PolicyState.newBuilder()
                        .setRevision(revision)
                        .setPlatformRevision(1)
                        .setPolicyDigest(ByteString.copyFromUtf8(digest))
                        .setConfirmedAt(timestamp(now)))
                .build();
    }

    private static WatchPolicyResponse confirmed(Instant at) {
        return WatchPolicyResponse.newBuilder().setConfirmedAt(timestamp(at)).build();
    }

    private void passes(Duration time) {
        now = now.plus(time);
        steady.addAndGet(time.toNanos());
    }

    private static Timestamp timestamp(Instant instant) {
        return Wire.timestamp(instant);
    }
}
