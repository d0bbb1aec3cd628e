package dev.assize.server.endpoint.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.proto.v1.CheckBatchRequest;
import dev.assize.proto.v1.CheckRequest;
import dev.assize.proto.v1.Decision;
import dev.assize.proto.v1.DecisionServiceGrpc;
import dev.assize.server.authentication.ApiKeys;
import dev.assize.server.endpoint.call.ErrorReason;
import dev.assize.server.endpoint.call.RefusedException;
import dev.assize.server.model.Reason;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.DecisionLog;
import dev.assize.server.policy.DecisionLog.Acknowledge;
import dev.assize.server.policy.DecisionLog.Mode;
import dev.assize.server.prompt.Prompt;
import dev.assize.server.recording.DecisionCodec;
import dev.assize.server.recording.PackingRecorder;
import io.grpc.CallOptions;
import io.grpc.ClientInterceptors;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.ClientResponseObserver;
import io.grpc.stub.MetadataUtils;
import io.grpc.stub.StreamObserver;
import io.micrometer.core.instrument.Timer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Calls that pass the one listener, and those that pass the row of interceptors after all, come to the same. */
class PlainCallsTest {

    private static final CheckRequest REQUEST = CheckRequest.newBuilder()
            .setTenant("acme")
            .setSubject("user:alice")
            .setResource("replay:1")
            .setAction("run")
            .build();

    private static final CheckBatchRequest BATCH =
            CheckBatchRequest.newBuilder().setTenant("acme").addItems(REQUEST).build();

    @TempDir
    Path directory;

    private GrpcFixture door;
    private final List<Boolean> atDesk = Collections.synchronizedList(new ArrayList<>());

    @BeforeEach
    void open() {
        door = new GrpcFixture(directory);
        // The first call of a credential has to wait for the store.
        assertThat(allowed(door.admin)).isTrue();
        desk(true);
    }

    @AfterEach
    void close() {
        door.close();
    }

    @Test
    void refusesWhoLacksThePermissionInTheSameWords() {
        door.decisions.grant("service:replay", "check", "tenant:acme/policy");
        assertThat(allowed(door.replay)).isTrue();
        door.decisions.revokeAll();
        // What was permitted a moment ago is remembered for as long as that answer stays: not at all, here.
        Status plain = refusal(door.replay);
        desk(false);
        assertThat(refusal(door.replay).getDescription()).isEqualTo(plain.getDescription());
        assertThat(plain.getCode()).isEqualTo(Status.Code.PERMISSION_DENIED);
    }

    @Test
    void refusesWhoIsNotKnownAndWhoPresentsTwoCredentials() {
        Refusal.of(() -> allowed("asz_aaaaaaaaaaaaaaaa_" + "A".repeat(43))).is(ErrorReason.CREDENTIALS_INVALID);
        Metadata two = new Metadata();
        Metadata.Key<String> authorization = Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);
        two.put(authorization, "Bearer " + door.admin);
        two.put(authorization, "Bearer " + door.admin);
        DecisionServiceGrpc.DecisionServiceBlockingStub doubled = DecisionServiceGrpc.newBlockingStub(door.channel)
                .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(two));
        Refusal.of(() -> doubled.check(REQUEST)).is(ErrorReason.CREDENTIALS_INVALID);
        assertThat(atDesk).isEmpty();
    }

    @Test
    void refusesAsTheDoorDoesWhomNobodyCanTellStill() {
        door.keyRepository.doubt(RefusedException.of(ErrorReason.CREDENTIALS_INVALID, "not for now", Map.of()));
        Refusal.of(() -> allowed(door.admin)).is(ErrorReason.CREDENTIALS_INVALID);
    }

    @Test
    void refusesARevokedKeyAtOnce() {
        String key = door.key("user:admin", "assize", true);
        assertThat(allowed(key)).isTrue();
        assertThat(allowed(key)).isTrue();
        door.injector.getInstance(ApiKeys.class).revoke(new TenantId("assize"), key.substring(4, 20), Recorder.ASSIZE);
        Refusal.of(() -> allowed(key)).is(ErrorReason.CREDENTIALS_INVALID);
    }

    /** As behind a proxy, which has many callers on one connection. */
    @Test
    void tellsCallersOfOneConnectionApartWhateverItPresentedBefore() {
        String revoked = door.key("user:admin", "assize", true);
        String stranger = revoked.substring(0, revoked.length() - 1) + (revoked.endsWith("A") ? "B" : "A");
        assertThat(allowed(revoked)).isTrue();
        for (int i = 0; i < 3; i++) {
            assertThat(allowed(revoked)).isTrue();
            Refusal.of(() -> allowed(stranger)).is(ErrorReason.CREDENTIALS_INVALID);
            assertThat(allowed(door.admin)).isTrue();
            Refusal.of(() -> allowed(door.replay)).is(ErrorReason.PERMISSION_MISSING);
        }
        assertThat(allowed(revoked)).isTrue();
        door.injector
                .getInstance(ApiKeys.class)
                .revoke(new TenantId("assize"), revoked.substring(4, 20), Recorder.ASSIZE);
        for (int i = 0; i < 3; i++) {
            Refusal.of(() -> allowed(revoked)).is(ErrorReason.CREDENTIALS_INVALID);
            assertThat(allowed(door.admin)).isTrue();
        }
    }

    @Test
    void holdsAKeysLimitsAgainstTheCall() {
        String streams = door.key("user:admin", "assize", true, Set.of(), Set.of("DecisionService/CheckStream"));
        String staging = door.key("user:admin", "assize", true, Set.of("staging"), Set.of());
        for (int i = 0; i < 2; i++) {
            Refusal.of(() -> allowed(streams)).is(ErrorReason.RPC_NOT_ALLOWED);
            Refusal.of(() -> allowed(staging)).is(ErrorReason.ENVIRONMENT_NOT_ALLOWED);
        }
        assertThat(atDesk).isEmpty();
    }

    @Test
    void refusesAKeyThatWasRevokedWhileItsCallWasHeldOpen() {
        for (boolean revoked : new boolean[] {false, true}) {
            String key = door.key("user:admin", "assize", true);
            assertThat(allowed(key)).isTrue();
            atDesk.clear();
            CompletableFuture<Void> ended = new CompletableFuture<>();
            StreamObserver<MessageBytes> requests = open(key, ended);
            requests.onNext(MessageBytes.of(REQUEST));
            door.ahead = door.ahead.plusMillis(1_001);
            if (revoked) {
                door.injector
                        .getInstance(ApiKeys.class)
                        .revoke(new TenantId("assize"), key.substring(4, 20), Recorder.ASSIZE);
            }
            requests.onCompleted();
            if (revoked) {
                Refusal.of(() -> await(ended)).is(ErrorReason.CREDENTIALS_INVALID);
                assertThat(atDesk).isEmpty();
            } else {
                assertThat(ended).succeedsWithin(10, TimeUnit.SECONDS);
                assertThat(atDesk).containsExactly(true);
            }
        }
    }

    private static void await(CompletableFuture<Void> ended) {
        try {
            ended.orTimeout(10, TimeUnit.SECONDS).join();
        } catch (CompletionException failure) {
            throw failure.getCause() instanceof StatusRuntimeException refused ? refused : failure;
        }
    }

    @Test
    void refusesTwoMessagesOfACallThatHasOne() {
        CompletableFuture<Void> ended = new CompletableFuture<>();
        StreamObserver<MessageBytes> requests = open(door.admin, ended);
        requests.onNext(MessageBytes.of(REQUEST));
        requests.onNext(MessageBytes.of(REQUEST));
        requests.onCompleted();
        assertThat(ended)
                .failsWithin(10, TimeUnit.SECONDS)
                .withThrowableOfType(ExecutionException.class)
                .withCauseInstanceOf(StatusRuntimeException.class)
                .withMessageContaining("INTERNAL");
        assertThat(atDesk).isEmpty();
    }

    /** A check whose messages are sent one by one; the server has begun with it. */
    private StreamObserver<MessageBytes> open(String key, CompletableFuture<Void> ended) {
        MethodDescriptor<MessageBytes, MessageBytes> streaming = MethodDescriptor.newBuilder(
                        MessageBytes.MARSHALLER, MessageBytes.MARSHALLER)
                .setType(MethodDescriptor.MethodType.BIDI_STREAMING)
                .setFullMethodName(DecisionServiceGrpc.getCheckMethod().getFullMethodName())
                .build();
        Metadata headers = new Metadata();
        headers.put(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), "Bearer " + key);
        CompletableFuture<Void> begun = new CompletableFuture<>();
        StreamObserver<MessageBytes> requests = ClientCalls.asyncBidiStreamingCall(
                ClientInterceptors.intercept(door.channel, MetadataUtils.newAttachHeadersInterceptor(headers))
                        .newCall(streaming, CallOptions.DEFAULT),
                new Ends(begun, ended));
        assertThat(begun).succeedsWithin(10, TimeUnit.SECONDS);
        return requests;
    }

    @Test
    void countsEachCallOnceHoweverFarItGotBeforeItPassedTheRow() {
        for (boolean deskKnows : new boolean[] {true, false}) {
            desk(deskKnows);
            long calls = calls();
            long remembered = remembered();
            assertThat(allowed(door.admin)).isTrue();
            assertThat(door.decisions(door.admin).checkBatch(BATCH).getResultsCount())
                    .isEqualTo(1);
            assertThat(calls()).isEqualTo(calls + 2);
            assertThat(remembered()).isEqualTo(remembered + 2);
        }
        assertThat(atDesk).containsExactly(true, true);
    }

    @Test
    void asksADeskOnceWhetherAQuestionIsPlain() {
        List<Boolean> tried = new ArrayList<>();
        door.decisions.openDesk(query -> {
            tried.add(Prompt.isRequired());
            return false;
        });
        assertThat(allowed(door.admin)).isTrue();
        assertThat(tried).containsExactly(true);
    }

    @Test
    void putsOnRecordWhatThePolicyWantsThatWasAnsweredFrom() {
        door.decisions.decisionLog(new DecisionLog(Mode.ALL, Acknowledge.AFTER));
        door.decisions.finish(answer -> {
            // Meanwhile another policy is in effect.
            door.decisions.decisionLog(DecisionLog.NONE);
            return answer;
        });
        assertThat(allowed(door.admin)).isTrue();
        door.injector.getInstance(PackingRecorder.class).close();
        assertThat(door.records.packs(GrpcFixture.ACME)).hasSize(1);
        assertThat(atDesk).containsExactly(true);
    }

    @Test
    void putsTheSameQuestionsOnRecordHoweverTheyWereAnswered() {
        door.decisions.decisionLog(new DecisionLog(Mode.ALL, Acknowledge.AFTER));
        List<String> subjects = List.of("user:alice", "user:bob", "user:alice", "user:jörg", "service:alice");
        for (boolean deskKnows : new boolean[] {true, false}) {
            desk(deskKnows);
            for (String subject : subjects) {
                for (String env : List.of("", "production", "default")) {
                    var _ = door.decisions(door.admin)
                            .check(REQUEST.toBuilder()
                                    .setSubject(subject)
                                    .setResource("vault:a/replay:" + subject.length())
                                    .setAction(env.isEmpty() ? "run" : "stop")
                                    .setEnv(env)
                                    .build());
                }
            }
        }
        door.injector.getInstance(PackingRecorder.class).close();
        List<String> recorded = door.records.packs(GrpcFixture.ACME).values().stream()
                .flatMap(List::stream)
                .map(DecisionCodec::decode)
                .map(decision -> decision.subject() + " of " + decision.subjectTenant() + " " + decision.action() + " "
                        + decision.resource() + " " + decision.env())
                .toList();
        assertThat(recorded).hasSize(2 * 3 * subjects.size());
        assertThat(recorded.subList(0, recorded.size() / 2))
                .isEqualTo(recorded.subList(recorded.size() / 2, recorded.size()))
                .contains("user:jörg of acme stop vault:a/replay:9 production");
        assertThat(atDesk).isNotEmpty();
    }

    private void desk(boolean knows) {
        door.decisions.answer(query -> Reason.ALLOWED);
        door.decisions.openDesk(query -> {
            if (knows) {
                atDesk.add(Prompt.isRequired());
            }
            return knows;
        });
    }

    private boolean allowed(String key) {
        return door.decisions(key).check(REQUEST).getDecision() == Decision.DECISION_ALLOW;
    }

    private Status refusal(String key) {
        try {
            throw new AssertionError("allowed: " + allowed(key));
        } catch (StatusRuntimeException refused) {
            return refused.getStatus();
        }
    }

    private long calls() {
        return door.meters.find("assize.rpc.duration").timers().stream()
                .mapToLong(Timer::count)
                .sum();
    }

    private long remembered() {
        return (long) door.meters
                .get("assize.authentications")
                .tag("outcome", "remembered")
                .counter()
                .count();
    }

    /** Begins when the server asks for messages, and ends as its call does. */
    private record Ends(CompletableFuture<Void> begun, CompletableFuture<Void> ended)
            implements ClientResponseObserver<MessageBytes, MessageBytes> {

        @Override
        public void beforeStart(ClientCallStreamObserver<MessageBytes> requests) {
            requests.setOnReadyHandler(() -> begun.complete(null));
        }

        @Override
        public void onNext(MessageBytes answer) {}

        @Override
        public void onError(Throwable failure) {
            ended.completeExceptionally(failure);
        }

        @Override
        public void onCompleted() {
            ended.complete(null);
        }
    }
}
