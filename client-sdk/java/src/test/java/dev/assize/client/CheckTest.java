package dev.assize.client;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Any;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import dev.assize.proto.v1.CheckBatchResponse;
import dev.assize.proto.v1.CheckBatchResult;
import dev.assize.proto.v1.CheckRequest;
import dev.assize.proto.v1.CheckResponse;
import dev.assize.proto.v1.DecidedBy;
import dev.assize.proto.v1.Decision;
import dev.assize.proto.v1.Reason;
import io.grpc.Status;
import io.grpc.protobuf.StatusProto;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class CheckTest {

    private static final CheckResponse ALLOW = CheckResponse.newBuilder()
            .setDecision(Decision.DECISION_ALLOW)
            .setReason(Reason.REASON_ALLOWED)
            .setDecisionId("d1")
            .setDecidedBy(DecidedBy.newBuilder().setBinding("noc").setRole("operator"))
            .build();

    private final FakeAssize server = new FakeAssize();
    private final AssizeClient client =
            server.client(AssizeClient.builder().tenant("acme").env("staging").knowsObligation("notify"));

    @AfterEach
    void close() {
        client.close();
        server.close();
    }

    @Test
    void deniesWhenTheServerFails() {
        server.checkFailure = Status.INTERNAL.withDescription("broken").asRuntimeException();

        assertFails(Failure.INTERNAL, "INTERNAL: broken");
    }

    @Test
    void deniesWhenTheServerIsSilentBeyondTheDeadline() {
        server.silent = true;
        try (AssizeClient hasty = server.client(AssizeClient.builder().checkDeadline(Duration.ofMillis(100)))) {
            CheckResult result = hasty.check("user:alice", "incident:1", "read");

            assertThat(result.allowed()).isFalse();
            assertThat(result.error().orElseThrow().code()).isEqualTo("DEADLINE_EXCEEDED");
        }
    }

    /** Whatever an application does there, its deadlines hold. */
    @Test
    @Timeout(60)
    void deniesInTimeWhenAllOfTheCommonPoolIsBlocked() throws Exception {
        server.silent = true;
        Question question = Question.of("user:alice", "incident:1", "read");
        for (int i = 0; i < Lane.UNDER_WAY; i++) {
            var _ = client.checkAsync(question, Duration.ofMinutes(1));
        }
        CountDownLatch blocked = new CountDownLatch(ForkJoinPool.getCommonPoolParallelism());
        CountDownLatch end = new CountDownLatch(1);
        try {
            for (int i = 0; i < ForkJoinPool.getCommonPoolParallelism(); i++) {
                ForkJoinPool.commonPool().execute(() -> {
                    blocked.countDown();
                    awaitQuietly(end);
                });
            }
            blocked.await();

            Duration deadline = Duration.ofMillis(400);
            CompletableFuture<CheckResult> ofAVirtualThread = new CompletableFuture<>();
            Thread.ofVirtual().start(() -> ofAVirtualThread.complete(client.check(question, deadline)));
            CompletableFuture<CheckResult> asynchronous = client.checkAsync(question, deadline);

            for (CompletableFuture<CheckResult> asked : List.of(asynchronous, ofAVirtualThread)) {
                CheckResult result = asked.get(20, TimeUnit.SECONDS);
                assertThat(result.allowed()).isFalse();
                assertThat(result.error().orElseThrow().code()).isEqualTo("DEADLINE_EXCEEDED");
            }
        } finally {
            end.countDown();
        }
    }

    private static void awaitQuietly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Test
    void deniesWhenTheServerIsGone() {
        server.stop();

        assertFails(Failure.UNAVAILABLE, "UNAVAILABLE");
    }

    @Test
    void deniesWhenNothingListens() {
        try (AssizeClient lost =
                AssizeClient.builder().target("127.0.0.1:1").plaintext().build()) {
            assertThat(lost.check("user:alice", "incident:1", "read").allowed()).isFalse();
        }
    }

    @Test
    void deniesAnUnspecifiedDecision() {
        server.checkAnswer = request ->
                ALLOW.toBuilder().setDecision(Decision.DECISION_UNSPECIFIED).build();

        assertFails(Failure.UNSPECIFIED_DECISION, "no decision");
    }

    @Test
    void deniesADecisionOfTheFuture() {
        server.checkAnswer = request -> ALLOW.toBuilder().setDecisionValue(99).build();

        assertFails(Failure.UNSPECIFIED_DECISION, "no decision");
    }

    @Test
    void deniesUnderAnUnknownObligation() {
        server.checkAnswer = request -> ALLOW.toBuilder()
                .addObligations(obligation("notify"))
                .addObligations(obligation("shred"))
                .build();

        assertFails(Failure.UNKNOWN_OBLIGATION, "`shred`");
    }

    @Test
    void allowsUnderAKnownObligation() {
        server.checkAnswer = request ->
                ALLOW.toBuilder().addObligations(obligation("notify")).build();

        CheckResult result = client.check("user:alice", "incident:1", "read");

        assertThat(result.allowed()).isTrue();
        assertThat(result.reason()).isEqualTo("ALLOWED");
        assertThat(result.decisionId()).isEqualTo("d1");
        assertThat(result.obligations()).containsExactly(new Obligation("o", "notify", Map.of("to", "noc")));
    }

    @Test
    void deniesOnAnAnswerAboutThePast() {
        server.checkAnswer = request -> ALLOW.toBuilder().setHistorical(true).build();

        CheckResult result = assertFails(Failure.HISTORICAL, "about the past");
        assertThat(result.historical()).isTrue();
    }

    @Test
    void deniesToWhoAskedAboutThePastEvenIfTheAnswerDoesNotSaySo() {
        server.checkAnswer = request -> ALLOW;
        server.batchAnswer = request -> CheckBatchResponse.newBuilder()
                .addResults(CheckBatchResult.newBuilder().setResponse(ALLOW))
                .addResults(CheckBatchResult.newBuilder().setResponse(ALLOW))
                .build();
        Question question = Question.of("user:alice", "incident:1", "read");
        Instant moment = Instant.parse("2026-02-22T14:02:00Z");

        assertThat(client.check(question.atRevision(3)).failure()).contains(Failure.HISTORICAL);
        assertThat(client.check(question.asOf(moment)).failure()).contains(Failure.HISTORICAL);
        assertThat(client.checkBatch(List.of(question.atRevision(3), question)))
                .extracting(CheckResult::allowed)
                .containsExactly(false, true);
        assertThat(server.checks.get(0).getAtRevision()).isEqualTo(3);
        assertThat(server.checks.get(1).getAsOf().getSeconds()).isEqualTo(moment.getEpochSecond());
    }

    @Test
    void asksEverythingThatAQuestionHas() {
        client.check(Question.of("agent:feed", "incident:1", "read")
                .inRole("operator")
                .inRole("viewer")
                .onBehalfOf("user:bob", "there")
                .inRun("run-1"));

        CheckRequest asked = server.checks.getFirst();
        assertThat(asked.getActiveRolesList()).containsExactly("operator", "viewer");
        assertThat(asked.getOnBehalfOf()).isEqualTo("user:bob");
        assertThat(asked.getOnBehalfOfTenant()).isEqualTo("there");
        assertThat(asked.getRunId()).isEqualTo("run-1");
    }

    @Test
    void handsOnTheDelegatorsReasonAndTheApproval() {
        server.checkAnswer = request -> CheckResponse.newBuilder()
                .setDecision(Decision.DECISION_DENY)
                .setReason(Reason.REASON_DELEGATOR_DENIED)
                .setDelegatorReason(Reason.REASON_FROZEN)
                .setDecidedBy(DecidedBy.newBuilder().setFreeze("stop"))
                .build();
        assertThat(assertDenied("DELEGATOR_DENIED", "by freeze `stop`").delegatorReason())
                .isEqualTo("FROZEN");

        server.checkAnswer = request -> ALLOW.toBuilder().setApprovalId("a1").build();
        assertThat(client.check("user:alice", "incident:1", "read").approvalId())
                .isEqualTo("a1");
    }

    @Test
    void handsOnTheReasonOfADeny() {
        server.checkAnswer = request -> CheckResponse.newBuilder()
                .setDecision(Decision.DECISION_DENY)
                .setReason(Reason.REASON_OUT_OF_SCOPE)
                .addObligations(obligation("archive-instead"))
                .build();

        CheckResult result = assertDenied("OUT_OF_SCOPE", "OUT_OF_SCOPE");
        assertThat(result.obligations()).hasSize(1);
    }

    @Test
    void fillsInTheDefaultsOnlyWhereNothingIsSaid() {
        client.check("user:alice", "incident:1", "read");
        client.check(Question.of("user:alice", "incident:1", "read")
                .inTenant("other")
                .inEnv("production")
                .withContext("ip", "10.0.0.1"));

        assertThat(server.checks)
                .extracting(CheckRequest::getTenant, CheckRequest::getEnv)
                .containsExactly(
                        org.assertj.core.groups.Tuple.tuple("acme", "staging"),
                        org.assertj.core.groups.Tuple.tuple("other", "production"));
        assertThat(server.checks.get(1).getContextOrThrow("ip").getStringValue())
                .isEqualTo("10.0.0.1");
    }

    @Test
    void carriesTheServersDetails() {
        server.checkFailure = StatusProto.toStatusRuntimeException(com.google.rpc.Status.newBuilder()
                .setCode(3)
                .setMessage("subject is malformed")
                .addDetails(Any.pack(ErrorInfo.newBuilder()
                        .setReason("MALFORMED")
                        .setDomain("assize.dev")
                        .build()))
                .addDetails(Any.pack(BadRequest.newBuilder()
                        .addFieldViolations(BadRequest.FieldViolation.newBuilder()
                                .setField("subject")
                                .setDescription("expected type:id"))
                        .build()))
                .build());

        AssizeException error =
                client.check("alice", "incident:1", "read").error().orElseThrow();

        assertThat(error.code()).isEqualTo("INVALID_ARGUMENT");
        assertThat(error.reason()).isEqualTo("MALFORMED");
        assertThat(error.violations()).containsExactly("subject: expected type:id");
    }

    @Test
    void aBatchDeniesEachItemThatFailed() {
        server.batchAnswer = request -> CheckBatchResponse.newBuilder()
                .addResults(CheckBatchResult.newBuilder().setResponse(ALLOW))
                .addResults(CheckBatchResult.newBuilder()
                        .setError(com.google.rpc.Status.newBuilder().setCode(3)))
                .addResults(CheckBatchResult.getDefaultInstance())
                .build();

        assertThat(client.checkBatch(questions(3)))
                .extracting(CheckResult::allowed)
                .containsExactly(true, false, false);
    }

    @Test
    void aBatchWithAnotherNumberOfResultsIsDeniedWhole() {
        server.batchAnswer = request -> CheckBatchResponse.newBuilder()
                .addResults(CheckBatchResult.newBuilder().setResponse(ALLOW))
                .build();

        assertThat(client.checkBatch(questions(2))).hasSize(2).noneMatch(CheckResult::allowed);
    }

    private CheckResult assertFails(Failure failure, String saying) {
        CheckResult result = client.check("user:alice", "incident:1", "read");
        assertThat(result.allowed()).isFalse();
        assertThat(result.failure()).contains(failure);
        assertThat(result.message()).contains(saying);
        return result;
    }

    private CheckResult assertDenied(String reason, String saying) {
        CheckResult result = client.check("user:alice", "incident:1", "read");
        assertThat(result.allowed()).isFalse();
        assertThat(result.denied()).isTrue();
        assertThat(result.failure()).isEmpty();
        assertThat(result.reason()).isEqualTo(reason);
        assertThat(result.message()).contains(saying);
        return result;
    }

    private static List<Question> questions(int count) {
        return java.util.Collections.nCopies(count, Question.of("user:alice", "incident:1", "read"));
    }

    private static dev.assize.proto.v1.Obligation obligation(String type) {
        return dev.assize.proto.v1.Obligation.newBuilder()
                .setId("o")
                .setType(type)
                .putProperties("to", "noc")
                .build();
    }
}
