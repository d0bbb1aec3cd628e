package dev.assize.client;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.proto.v1.AppendedEntry;
import dev.assize.proto.v1.CheckAndAppendRequest;
import dev.assize.proto.v1.CheckAndAppendResponse;
import dev.assize.proto.v1.CheckResponse;
import dev.assize.proto.v1.Decision;
import dev.assize.proto.v1.Obligation;
import dev.assize.proto.v1.Reason;
import io.grpc.Status;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ExecutionTest {

    private static final CheckAndAppendResponse DONE = CheckAndAppendResponse.newBuilder()
            .setResponse(CheckResponse.newBuilder()
                    .setDecision(Decision.DECISION_ALLOW)
                    .setReason(Reason.REASON_ALLOWED))
            .setEntry(AppendedEntry.newBuilder().setSeq(7))
            .build();

    private final FakeAssize server = new FakeAssize();
    private final AssizeClient client =
            server.client(AssizeClient.builder().tenant("acme").appendDeadline(Duration.ofSeconds(2)));

    @AfterEach
    void close() {
        client.close();
        server.close();
    }

    @Test
    void deniesWithoutAnEntryWhereTheServerDenies() {
        server.executionAnswer = request -> CheckAndAppendResponse.newBuilder()
                .setResponse(CheckResponse.newBuilder()
                        .setDecision(Decision.DECISION_DENY)
                        .setReason(Reason.REASON_SEPARATION_OF_DUTY))
                .build();

        ExecutionResult result = execute();

        assertThat(result.allowed()).isFalse();
        assertThat(result.check().reason()).isEqualTo("SEPARATION_OF_DUTY");
        assertThat(result.entry()).isEmpty();
    }

    @Test
    void deniesAnAllowWithoutAnEntry() {
        server.executionAnswer = request -> DONE.toBuilder().clearEntry().build();
        assertThat(execute().allowed()).isFalse();
        assertThat(execute().check().allowed()).isFalse();
    }

    @Test
    void deniesUnderAnUnknownDutyAndSaysThatItIsRecorded() {
        server.executionAnswer = request -> DONE.toBuilder()
                .setResponse(DONE.getResponse().toBuilder()
                        .addObligations(Obligation.newBuilder().setType("shred")))
                .build();

        ExecutionResult result = execute();

        assertThat(result.allowed()).isFalse();
        assertThat(result.entry())
                .hasValueSatisfying(entry -> assertThat(entry.seq()).isEqualTo(7));
    }

    @Test
    void deniesWhatTheServerRefuses() {
        server.executionFailures.add(Status.INVALID_ARGUMENT.asRuntimeException());

        ExecutionResult result = execute();

        assertThat(result.allowed()).isFalse();
        assertThat(result.check().decision()).isEqualTo(CheckResult.Decision.NONE);
        assertThat(server.executions).hasSize(1);
    }

    @Test
    void triesAgainUnderOneKeyWhileTheOutcomeIsUnknown() {
        server.executionFailures.add(Status.UNAVAILABLE.asRuntimeException());
        server.executionFailures.add(Status.INTERNAL.asRuntimeException());
        server.executionAnswer = request -> DONE.toBuilder().setReplayed(true).build();

        ExecutionResult result = execute();

        assertThat(result.allowed()).isTrue();
        assertThat(result.replayed()).isTrue();
        assertThat(server.executions)
                .hasSize(3)
                .extracting(CheckAndAppendRequest::getIdempotencyKey)
                .containsOnly(result.idempotencyKey());
    }

    @Test
    void sendsTheQuestionAndWhatIsDone() {
        server.executionAnswer = request -> DONE;
        assertThat(execute().allowed()).isTrue();

        CheckAndAppendRequest sent = server.executions.getFirst();
        assertThat(sent.getCheck().getSubject()).isEqualTo("user:alice");
        assertThat(sent.getCheck().getEnv()).isEqualTo("staging");
        assertThat(sent.getEvent().getType()).isEqualTo("replay.executed");
        assertThat(sent.getEvent().getEnv()).isEqualTo("staging");
        assertThat(sent.getIdempotencyKey()).isNotEmpty();
    }

    private ExecutionResult execute() {
        return client.checkAndAppend(
                Question.of("user:alice", "replay:922", "execute").inEnv("staging"),
                AuditEvent.ofType("replay.executed").build());
    }
}
