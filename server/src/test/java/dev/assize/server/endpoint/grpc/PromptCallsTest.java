package dev.assize.server.endpoint.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.CodedOutputStream;
import com.google.protobuf.MessageLite;
import dev.assize.proto.v1.CheckBatchRequest;
import dev.assize.proto.v1.CheckRequest;
import dev.assize.proto.v1.CheckResponse;
import dev.assize.proto.v1.CheckStreamRequest;
import dev.assize.proto.v1.CheckStreamResponse;
import dev.assize.proto.v1.Decision;
import dev.assize.proto.v1.DecisionServiceGrpc;
import dev.assize.server.authentication.ApiKeys;
import dev.assize.server.authentication.Caller;
import dev.assize.server.endpoint.call.CallContext;
import dev.assize.server.endpoint.call.ErrorReason;
import dev.assize.server.model.Limits;
import dev.assize.server.model.Reason;
import dev.assize.server.policy.DecisionLog;
import dev.assize.server.policy.DecisionLog.Acknowledge;
import dev.assize.server.policy.DecisionLog.Mode;
import dev.assize.server.prompt.Prompt;
import io.grpc.Context;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.micrometer.core.instrument.Timer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.reflect.Modifier;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Which checks are answered where they arrive, and what becomes of those that must wait. */
class PromptCallsTest {

    @TempDir
    Path directory;

    private GrpcFixture door;

    /** For each question put to the engine, whether the answer was to be prompt. */
    private final List<Boolean> asked = Collections.synchronizedList(new ArrayList<>());

    @BeforeEach
    void open() {
        door = new GrpcFixture(directory);
        door.decisions.answer(query -> {
            asked.add(Prompt.isRequired());
            return Reason.ALLOWED;
        });
        // The first call of a credential has to wait for the store.
        check("user:first");
        asked.clear();
    }

    @AfterEach
    void close() {
        door.close();
    }

    @Test
    void answersWhereItArrivesWhatNeedNotWait() {
        check("user:alice");
        assertThat(door.decisions(door.admin)
                        .checkBatch(batch(BatchCheck.PROMPT_ITEMS))
                        .getResultsCount())
                .isEqualTo(BatchCheck.PROMPT_ITEMS);
        assertThat(asked).hasSize(1 + BatchCheck.PROMPT_ITEMS).doesNotContain(false);
    }

    @Test
    void answersABatchOfMoreElsewhere() {
        door.decisions(door.admin).checkBatch(batch(BatchCheck.PROMPT_ITEMS + 1));
        assertThat(asked).hasSize(BatchCheck.PROMPT_ITEMS + 1).doesNotContain(true);
    }

    @Test
    void readsElsewhereWhatTakesLongToRead() throws Exception {
        for (int bytes : new int[] {Limits.PROMPT_MESSAGE_BYTES, Limits.PROMPT_MESSAGE_BYTES + 1}) {
            CheckRequest request = request("user:alice");
            door.ask("Check", padded(bytes, CheckRequest.ACTION_FIELD_NUMBER, request));
            door.ask("CheckBatch", padded(bytes, CheckBatchRequest.TENANT_FIELD_NUMBER, batch(1)));
            door.ask(
                    "CheckStream",
                    padded(
                            bytes,
                            CheckStreamRequest.CORRELATION_ID_FIELD_NUMBER,
                            CheckStreamRequest.newBuilder()
                                    .setCorrelationId("c")
                                    .setCheck(request)
                                    .build()));
        }
        assertThat(asked).containsExactly(true, true, true, false, false, false);
    }

    /** So many bytes of the same message: the text comes twice, and only the second counts. */
    private static byte[] padded(int bytes, int field, MessageLite message) throws IOException {
        // Before it a tag, and a length in three bytes.
        int text = bytes - message.getSerializedSize() - 4;
        ByteArrayOutputStream padded = new ByteArrayOutputStream();
        CodedOutputStream out = CodedOutputStream.newInstance(padded);
        out.writeString(field, "x".repeat(text));
        message.writeTo(out);
        out.flush();
        assertThat(padded.size()).isEqualTo(bytes);
        return padded.toByteArray();
    }

    @Test
    void keepsNoMessageForAsLongAsItsStream() {
        assertThat(PlainStreamRequest.class.getDeclaredFields())
                .filteredOn(field -> !Modifier.isStatic(field.getModifiers()))
                .isNotEmpty()
                .allMatch(field -> field.getType().isPrimitive());
    }

    @Test
    void authenticatesACredentialThatItDoesNotKnowElsewhere() {
        String other = door.key("user:admin", "assize", true);
        door.keyRepository.afterFind(() -> assertThat(Prompt.isRequired()).isFalse());
        assertThat(door.decisions(other).check(request("user:alice")).getDecision())
                .isEqualTo(Decision.DECISION_ALLOW);
    }

    @Test
    void beginsAnewElsewhereWhatWouldHaveToWaitAndCountsItOnce() {
        long calls = calls();
        waitForTheFirst("user:slow");
        assertThat(check("user:slow").getDecision()).isEqualTo(Decision.DECISION_ALLOW);
        assertThat(asked).containsExactly(true, false);
        assertThat(calls()).isEqualTo(calls + 1);
    }

    @Test
    void refusesElsewhereInTheSameWords() {
        door.decisions.answer(query -> {
            Prompt.requireTime();
            throw new IllegalStateException("secret detail");
        });
        Refusal refusal = Refusal.of(() -> check("user:alice")).is(ErrorReason.INTERNAL_ERROR);
        assertThat(refusal.status().getMessage()).doesNotContain("secret");
    }

    @Test
    void putsAnAnswerThatWaitsForItsRecordOnRecordOnce() {
        door.decisions.decisionLog(new DecisionLog(Mode.ALL, Acknowledge.BEFORE));
        check("user:alice");
        assertThat(asked).containsExactly(false);
        assertThat(door.records.packs(GrpcFixture.ACME)).hasSize(1);
        door.decisions.decisionLog(new DecisionLog(Mode.ALL, Acknowledge.AFTER));
        check("user:bob");
        assertThat(asked).containsExactly(false, true);
    }

    @Test
    void decidesElsewhereWhatIsExplainedAndWhatIsPast() {
        List<CheckRequest> requests = List.of(
                request("user:alice").toBuilder().setExplain(true).build(),
                request("user:alice").toBuilder().setAtRevision(3).build());
        for (CheckRequest request : requests) {
            door.decisions(door.admin).check(request);
            door.decisions(door.admin)
                    .checkBatch(CheckBatchRequest.newBuilder()
                            .setTenant("acme")
                            .addItems(request)
                            .build());
        }
        assertThat(asked).isNotEmpty().doesNotContain(true);
    }

    @Test
    void keepsTheOrderOfAStreamThatWaitsNowAndThen() throws Exception {
        List<String> answers = Collections.synchronizedList(new ArrayList<>());
        CompletableFuture<Void> ended = new CompletableFuture<>();
        for (int i = 0; i < 50; i += 7) {
            waitForTheFirst("user:u" + i);
        }
        StreamObserver<CheckStreamRequest> stream = stream(answers, ended);
        for (int i = 0; i < 50; i++) {
            stream.onNext(CheckStreamRequest.newBuilder()
                    .setCorrelationId("c" + i)
                    .setCheck(request("user:u" + i))
                    .build());
        }
        // Half-closed while some wait: they are answered all the same.
        stream.onCompleted();
        ended.get(20, TimeUnit.SECONDS);
        assertThat(answers).hasSize(50);
        for (int i = 0; i < 50; i++) {
            assertThat(answers.get(i)).isEqualTo("c" + i + " DECISION_ALLOW");
        }
        assertThat(asked).contains(true, false);
    }

    @Test
    void handsTheLoopBackAfterSoManyMessagesOfAStream() {
        AtomicInteger requested = new AtomicInteger();
        List<Runnable> elsewhere = new ArrayList<>();
        asCaller(() -> {
            CheckStreamCall call = streamCall(requested, elsewhere::add);
            assertThat(requested).hasValue(1);
            for (int turn = 1; turn <= 3; turn++) {
                for (int i = 1; i < StreamTurns.PROMPT_MESSAGES; i++) {
                    Prompt.run(() -> call.onNext(message("user:alice")));
                }
                assertThat(elsewhere).isEmpty();
                assertThat(requested).hasValue(turn * StreamTurns.PROMPT_MESSAGES);
                Prompt.run(() -> call.onNext(message("user:alice")));
                assertThat(requested).hasValue(turn * StreamTurns.PROMPT_MESSAGES);
                elsewhere.removeFirst().run();
                assertThat(requested).hasValue(turn * StreamTurns.PROMPT_MESSAGES + 1);
            }
        });
    }

    @Test
    void handsTheLoopBackAfterMessagesThatCostMuch() {
        AtomicInteger requested = new AtomicInteger();
        List<Runnable> elsewhere = new ArrayList<>();
        door.decisions.answer(query -> {
            Prompt.spend(Prompt.STEPS / 2);
            return Reason.ALLOWED;
        });
        asCaller(() -> {
            CheckStreamCall call = streamCall(requested, elsewhere::add);
            Prompt.run(() -> call.onNext(message("user:alice")));
            // What is answered away from the loop begins a turn.
            call.onNext(message("user:alice"));
            Prompt.run(() -> call.onNext(message("user:alice")));
            assertThat(elsewhere).isEmpty();
            Prompt.run(() -> call.onNext(message("user:alice")));
            assertThat(elsewhere).hasSize(1);
            assertThat(requested).hasValue(4);
        });
    }

    private void asCaller(Runnable work) {
        ApiKeys keys = door.injector.getInstance(ApiKeys.class);
        Caller caller = keys.authenticate(door.admin).orElseThrow();
        assertThat(keys.isStillValid(caller)).isTrue();
        new CallContext(caller, "DecisionService/CheckStream", null)
                .attachedTo(Context.current())
                .run(work);
    }

    private CheckStreamCall streamCall(AtomicInteger requested, Executor elsewhere) {
        return new CheckStreamCall(
                        door.injector.getInstance(StreamAnswers.class),
                        door.injector.getInstance(Replies.class),
                        new ReadyStream(requested),
                        elsewhere)
                .start();
    }

    private static MessageBytes message(String subject) {
        return MessageBytes.of(
                CheckStreamRequest.newBuilder().setCheck(request(subject)).build());
    }

    /** Takes every answer at once, and counts what is asked for. */
    private static final class ReadyStream extends ServerCallStreamObserver<MessageBytes> {

        private final AtomicInteger requested;

        ReadyStream(AtomicInteger requested) {
            this.requested = requested;
        }

        @Override
        public void request(int count) {
            requested.addAndGet(count);
        }

        @Override
        public boolean isReady() {
            return true;
        }

        @Override
        public boolean isCancelled() {
            return false;
        }

        @Override
        public void setOnCancelHandler(Runnable handler) {}

        @Override
        public void setOnReadyHandler(Runnable handler) {}

        @Override
        public void disableAutoRequest() {}

        @Override
        public void disableAutoInboundFlowControl() {}

        @Override
        public void setMessageCompression(boolean enable) {}

        @Override
        public void setCompression(String compression) {}

        @Override
        public void onNext(MessageBytes answer) {}

        @Override
        public void onError(Throwable failure) {
            throw new AssertionError(failure);
        }

        @Override
        public void onCompleted() {}
    }

    @Test
    void tellsWhatWaitsThatNobodyListensAnyMore() throws Exception {
        CountDownLatch waiting = new CountDownLatch(1);
        CompletableFuture<Boolean> cancelled = new CompletableFuture<>();
        door.decisions.answer(query -> {
            Prompt.requireTime();
            Context.current().addListener(context -> cancelled.complete(true), Runnable::run);
            waiting.countDown();
            await(cancelled);
            return Reason.ALLOWED;
        });
        Future<CheckResponse> call = door.with(DecisionServiceGrpc.newFutureStub(door.channel), door.admin)
                .check(request("user:alice"));
        assertThat(waiting.await(20, TimeUnit.SECONDS)).isTrue();
        call.cancel(true);
        assertThat(cancelled.get(20, TimeUnit.SECONDS)).isTrue();
    }

    @Test
    void closesACallWhoseHandlerThrowsElsewhereAsTheLoopDoes() {
        door.decisions.answer(query -> {
            Prompt.requireTime();
            throw new AssertionError("a bug");
        });
        Refusal.of(() -> check("user:alice")).is(ErrorReason.INTERNAL_ERROR);
        assertThat(door.meters.get("assize.rpc.internal.errors").counter().count())
                .isOne();
    }

    @Test
    void tellsWhoseCallWouldHaveToWaitThatTheNodeStopsWhereNothingCanWaitAnyMore() {
        waitForTheFirst("user:slow");
        door.injector.getInstance(CallThreads.class).close();
        assertThatThrownBy(() -> door.decisions(door.admin)
                        .withDeadlineAfter(20, TimeUnit.SECONDS)
                        .check(request("user:slow")))
                .isInstanceOf(StatusRuntimeException.class)
                .hasMessageContaining("UNAVAILABLE");
        assertThat(check("user:fast").getDecision()).isEqualTo(Decision.DECISION_ALLOW);
    }

    /** The engine would have to wait for this subject's first answer, and has it then. */
    private void waitForTheFirst(String subject) {
        slow.add(subject);
        door.decisions.answer(query -> {
            asked.add(Prompt.isRequired());
            if (slow.contains(query.subject().toString())) {
                Prompt.requireTime();
            }
            return Reason.ALLOWED;
        });
    }

    private final List<String> slow = Collections.synchronizedList(new ArrayList<>());

    private static void await(CompletableFuture<Boolean> event) {
        try {
            event.get(20, TimeUnit.SECONDS);
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    private StreamObserver<CheckStreamRequest> stream(List<String> answers, CompletableFuture<Void> ended) {
        return door.with(DecisionServiceGrpc.newStub(door.channel), door.admin).checkStream(new StreamObserver<>() {
            @Override
            public void onNext(CheckStreamResponse answer) {
                answers.add(
                        answer.getCorrelationId() + " " + answer.getResponse().getDecision());
            }

            @Override
            public void onError(Throwable failure) {
                ended.completeExceptionally(failure);
            }

            @Override
            public void onCompleted() {
                ended.complete(null);
            }
        });
    }

    private CheckResponse check(String subject) {
        return door.decisions(door.admin).check(request(subject));
    }

    private static CheckRequest request(String subject) {
        return CheckRequest.newBuilder()
                .setTenant("acme")
                .setSubject(subject)
                .setResource("replay:1")
                .setAction("execute")
                .build();
    }

    private static CheckBatchRequest batch(int items) {
        CheckBatchRequest.Builder batch = CheckBatchRequest.newBuilder().setTenant("acme");
        for (int i = 0; i < items; i++) {
            batch.addItems(request("user:u" + i));
        }
        return batch.build();
    }

    private long calls() {
        Timer timer = door.meters
                .get("assize.rpc.duration")
                .tag("rpc", "DecisionService/Check")
                .timer();
        return timer.count();
    }
}
