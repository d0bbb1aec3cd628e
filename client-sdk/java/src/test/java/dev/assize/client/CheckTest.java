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
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

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

        assertDenied(CheckResult.ERROR, "INTERNAL: broken");
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

    @Test
    void deniesWhenTheServerIsGone() {
        server.stop();

        assertDenied(CheckResult.ERROR, "UNAVAILABLE");
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

        assertDenied(CheckResult.UNSPECIFIED, "no decision");
    }

    @Test
    void deniesADecisionOfTheFuture() {
        server.checkAnswer = request -> ALLOW.toBuilder().setDecisionValue(99).build();

        assertDenied(CheckResult.UNSPECIFIED, "no decision");
    }

    @Test
    void deniesUnderAnUnknownObligation() {
        server.checkAnswer = request -> ALLOW.toBuilder()
                .addObligations(obligation("notify"))
                .addObligations(obligation("shred"))
                .build();

        assertDenied(CheckResult.UNKNOWN_OBLIGATION, "`shred`");
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

    private CheckResult assertDenied(String reason, String saying) {
        CheckResult result = client.check("user:alice", "incident:1", "read");
        assertThat(result.allowed()).isFalse();
        assertThat(result.denied()).isTrue();
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
