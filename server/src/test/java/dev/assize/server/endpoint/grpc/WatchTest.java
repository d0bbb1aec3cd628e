package dev.assize.server.endpoint.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Timestamp;
import com.google.rpc.ErrorInfo;
import dev.assize.proto.v1.CheckRequest;
import dev.assize.proto.v1.CheckStreamRequest;
import dev.assize.proto.v1.CheckStreamResponse;
import dev.assize.proto.v1.DecisionServiceGrpc;
import dev.assize.proto.v1.PolicyServiceGrpc;
import dev.assize.proto.v1.WatchDecisionRequest;
import dev.assize.proto.v1.WatchDecisionResponse;
import dev.assize.proto.v1.WatchPolicyRequest;
import dev.assize.proto.v1.WatchPolicyResponse;
import dev.assize.server.authentication.ApiKeys;
import dev.assize.server.decision.PolicyStaleException;
import dev.assize.server.decision.PolicyStates.State;
import dev.assize.server.model.Reason;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.Revision;
import dev.assize.server.model.TenantId;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import io.grpc.stub.StreamObserver;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Streams that go on. */
@Timeout(60)
class WatchTest {

    private static final Instant NOON = Instant.parse("2026-03-01T12:00:00Z");

    @TempDir
    Path directory;

    private GrpcFixture door;

    @BeforeEach
    void open() {
        door = new GrpcFixture(directory);
        door.decisions.grant("service:replay", "check", "tenant:acme/policy");
        door.decisions.grant("service:replay", "watch", "tenant:acme/policy");
    }

    @AfterEach
    void close() {
        door.close();
    }

    @Test
    void refusesQuestionsAboutThePastAndTraces() {
        for (CheckRequest question : List.of(
                question().setAtRevision(1).build(),
                question().setAsOf(Timestamp.getDefaultInstance()).build(),
                question().setExplain(true).build())) {
            assertThat(watch(door.admin, question).next()).isInstanceOf(StatusRuntimeException.class);
        }
    }

    @Test
    void refusesStatesThatWereNeverThere() {
        assertThat(policy(door.admin, 101, 0).refusal().reason()).isEqualTo("REVISION_NEVER_COMMITTED");
        assertThat(policy(door.admin, 0, 1).refusal().reason()).isEqualTo("REVISION_NEVER_COMMITTED");
        assertThat(policy(door.admin, 8, 0).refusal().reason()).isEqualTo("REVISION_NOT_REACHED");
        assertThat(policy(door.admin, -1, 0).refusal().reason()).isEqualTo("REQUEST_INVALID");
        door.states.set(null);
        assertThat(policy(door.admin, 0, 0).refusal().reason()).isEqualTo("TENANT_NOT_FOUND");
    }

    @Test
    void takesABoundedNumberOfStreamsOfACaller() {
        List<Heard<WatchDecisionResponse>> open = new ArrayList<>();
        for (int i = 0; i < Watches.Purpose.LISTENING.ofCaller; i++) {
            open.add(watch(door.replay, question().build()));
            assertThat(open.getLast().next()).isInstanceOf(WatchDecisionResponse.class);
        }
        assertThat(watch(door.replay, question().build()).refusal().reason()).isEqualTo("WATCH_BUSY");
        assertThat(watch(door.admin, question().build()).next()).isInstanceOf(WatchDecisionResponse.class);

        open.removeFirst().cancel();
        while (door.injector.getInstance(Watches.class).size() > Watches.Purpose.LISTENING.ofCaller) {
            Thread.onSpinWait();
        }
        assertThat(watch(door.replay, question().build()).next()).isInstanceOf(WatchDecisionResponse.class);
    }

    @Test
    void tellsTheAnswerAndEachThatDiffersAndInBetweenThatItStands() {
        Heard<WatchDecisionResponse> heard = watch(door.replay, question().build());
        assertThat(heard.message().getResponse().getReason().name()).isEqualTo("REASON_ALLOWED");

        door.decisions.answer(query -> Reason.FROZEN);
        door.states.tell();
        assertThat(heard.message().getResponse().getReason().name()).isEqualTo("REASON_FROZEN");

        // Nobody says that this has changed.
        door.decisions.answer(query -> Reason.ALLOWED);
        assertThat(heard.message().getResponse().getReason().name()).isEqualTo("REASON_ALLOWED");
        assertThat(heard.message().getConfirmed().getRevision()).isEqualTo(7);
    }

    @Test
    void endsWhereTheAnswerCannotBeConfirmed() {
        Heard<WatchDecisionResponse> heard = watch(door.replay, question().build());
        heard.message();
        door.decisions.answer(query -> {
            throw new PolicyStaleException(Duration.ofSeconds(61), Duration.ofSeconds(60));
        });
        door.states.tell();
        assertThat(heard.refusal().status().getCode()).isEqualTo(Status.Code.UNAVAILABLE.value());
    }

    @Test
    void endsForWhoLosesThePermissionOrTheKey() {
        Heard<WatchDecisionResponse> heard = watch(door.replay, question().build());
        Heard<WatchPolicyResponse> ofPolicy = policy(door.replay, 0, 0);
        heard.message();
        ofPolicy.message();

        door.decisions.revokeAll();
        door.states.tell();
        assertThat(heard.refusal().reason()).isEqualTo("PERMISSION_MISSING");
        assertThat(ofPolicy.refusal().reason()).isEqualTo("PERMISSION_MISSING");

        String other = door.key("user:admin", "assize", true);
        Heard<WatchDecisionResponse> revoked = watch(other, question().build());
        revoked.message();
        door.injector.getInstance(ApiKeys.class).revoke(TenantId.ASSIZE, other.split("_", -1)[1], Recorder.ASSIZE);
        assertThat(revoked.refusal().reason()).isEqualTo("CREDENTIALS_INVALID");
    }

    @Test
    void endsWhenTheNodeStops() {
        Heard<WatchDecisionResponse> heard = watch(door.replay, question().build());
        heard.message();
        door.injector.getInstance(GrpcServices.class).endWatches();
        assertThat(heard.refusal().reason()).isEqualTo("WATCH_ENDED");
        assertThat(watch(door.replay, question().build()).refusal().reason()).isEqualTo("WATCH_ENDED");
        assertThat(door.states.listeners()).isZero();
    }

    @Test
    void tellsEachStateAndGoesOnFromTheLastKnown() {
        Heard<WatchPolicyResponse> heard = policy(door.replay, 0, 0);
        assertThat(heard.message().getState().getRevision()).isEqualTo(7);

        door.states.set(new State(new Revision(8), Revision.NONE, NOON, 8));
        assertThat(heard.message().getState().getRevision()).isEqualTo(8);
        door.states.set(new State(new Revision(7), Revision.NONE, NOON, 7));
        door.states.set(new State(new Revision(9), Revision.NONE, NOON, 9));
        assertThat(heard.message().getState().getRevision()).as("never back").isEqualTo(9);

        door.states.set(new State(new Revision(7), Revision.NONE, NOON, 7));
        assertThat(policy(door.replay, 7, 0).message().getConfirmedAt().getSeconds())
                .isEqualTo(NOON.getEpochSecond());
    }

    @Test
    void answersAStreamOfQuestionsInTheirOrderAndFailsOneAlone() {
        Heard<CheckStreamResponse> heard = new Heard<>();
        StreamObserver<CheckStreamRequest> questions = door.with(DecisionServiceGrpc.newStub(door.channel), door.replay)
                .checkStream(heard);
        questions.onNext(asked("a", question()));
        questions.onNext(asked("b", question().setSubject("group:all")));
        questions.onNext(asked("c", question().setMinRevision(8)));
        questions.onNext(asked("d", question()));
        assertThat(heard.message().getResponse().getReason().name()).isEqualTo("REASON_ALLOWED");
        CheckStreamResponse malformed = heard.message();
        assertThat(malformed.getCorrelationId()).isEqualTo("b");
        assertThat(malformed.getError().getCode()).isEqualTo(Status.Code.INVALID_ARGUMENT.value());
        assertThat(heard.message().getError().getCode()).isEqualTo(Status.Code.UNAVAILABLE.value());
        assertThat(heard.message().getCorrelationId()).isEqualTo("d");

        questions.onNext(asked("e".repeat(129), question()));
        assertThat(heard.refusal().reason()).isEqualTo("REQUEST_INVALID");
    }

    @Test
    void endsAStreamOfQuestionsForWhoMayNotAskOne() {
        Heard<CheckStreamResponse> heard = new Heard<>();
        StreamObserver<CheckStreamRequest> questions = door.with(DecisionServiceGrpc.newStub(door.channel), door.replay)
                .checkStream(heard);
        questions.onNext(asked("x".repeat(128), question()));
        assertThat(heard.message().getCorrelationId()).hasSize(128);
        questions.onNext(asked("other", question().setTenant("other")));
        assertThat(heard.refusal().reason()).isEqualTo("TENANT_NOT_ALLOWED");
    }

    private static CheckStreamRequest asked(String id, CheckRequest.Builder question) {
        return CheckStreamRequest.newBuilder()
                .setCorrelationId(id)
                .setCheck(question)
                .build();
    }

    private static CheckRequest.Builder question() {
        return CheckRequest.newBuilder()
                .setTenant("acme")
                .setSubject("agent:x")
                .setResource("vault:1")
                .setAction("read");
    }

    private Heard<WatchDecisionResponse> watch(String key, CheckRequest question) {
        Heard<WatchDecisionResponse> heard = new Heard<>();
        door.with(DecisionServiceGrpc.newStub(door.channel), key)
                .watchDecision(
                        WatchDecisionRequest.newBuilder().setCheck(question).build(), heard);
        return heard;
    }

    private Heard<WatchPolicyResponse> policy(String key, long known, long knownOfPlatform) {
        Heard<WatchPolicyResponse> heard = new Heard<>();
        door.with(PolicyServiceGrpc.newStub(door.channel), key)
                .watchPolicy(
                        WatchPolicyRequest.newBuilder()
                                .setTenant("acme")
                                .setKnownRevision(known)
                                .setKnownPlatformRevision(knownOfPlatform)
                                .build(),
                        heard);
        return heard;
    }

    /** What a listener hears. */
    private static final class Heard<R> implements ClientResponseObserver<Object, R> {

        private final BlockingQueue<Object> heard = new LinkedBlockingQueue<>();
        private @Nullable ClientCallStreamObserver<Object> call;

        @Override
        public void beforeStart(ClientCallStreamObserver<Object> stream) {
            call = stream;
        }

        void cancel() {
            if (call != null) {
                call.cancel("heard enough", null);
            }
        }

        Object next() {
            try {
                Object next = heard.poll(30, TimeUnit.SECONDS);
                return next == null ? "silence" : next;
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }

        @SuppressWarnings("unchecked") // Whatever comes in is a message or a failure.
        R message() {
            Object next = next();
            if (next instanceof StatusRuntimeException failure) {
                throw failure;
            }
            return (R) next;
        }

        /** Why it ended, whatever was heard before. */
        Ended refusal() {
            Object next = next();
            while (!(next instanceof StatusRuntimeException)) {
                assertThat(next).isNotEqualTo("silence");
                next = next();
            }
            StatusRuntimeException failure = (StatusRuntimeException) next;
            Refusal refusal = Refusal.of(() -> {
                throw failure;
            });
            return new Ended(
                    refusal.status(),
                    refusal.detail(ErrorInfo.class).map(ErrorInfo::getReason).orElse(""));
        }

        @Override
        public void onNext(R message) {
            heard.add(message);
        }

        @Override
        public void onError(Throwable failure) {
            heard.add(failure);
        }

        @Override
        public void onCompleted() {
            heard.add("end");
        }
    }

    private record Ended(com.google.rpc.Status status, String reason) {}
}
