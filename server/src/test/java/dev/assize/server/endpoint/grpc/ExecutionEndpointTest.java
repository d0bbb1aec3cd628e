package dev.assize.server.endpoint.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Timestamp;
import dev.assize.proto.v1.AuditEvent;
import dev.assize.proto.v1.CheckAndAppendRequest;
import dev.assize.proto.v1.CheckAndAppendResponse;
import dev.assize.proto.v1.CheckRequest;
import dev.assize.proto.v1.Decision;
import dev.assize.proto.v1.Outcome;
import dev.assize.proto.v1.QueryAuditRequest;
import dev.assize.proto.v1.Reason;
import dev.assize.server.endpoint.call.ErrorReason;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ExecutionEndpointTest {

    @TempDir
    Path directory;

    private GrpcFixture door;

    @BeforeEach
    void open() {
        door = new GrpcFixture(directory);
        door.decisions.grant("service:replay", "check", "tenant:acme/policy");
        door.decisions.grant("service:replay", "append", "tenant:acme/ledger");
        door.decisions.grant("service:replay", "read", "tenant:acme/ledger");
    }

    @AfterEach
    void close() {
        door.close();
    }

    @Test
    void refusesAnotherSubjectWithoutActAs() {
        Refusal.of(() -> execute(request(check().setSubject("user:alice")))).is(ErrorReason.ACT_AS_MISSING);
        Refusal.of(() -> execute(request(check().setSubjectTenant("there")))).is(ErrorReason.ACT_AS_MISSING);

        door.decisions.grant("service:replay", "act-as", "tenant:acme/subject:user");
        assertThat(execute(request(check().setSubject("user:alice"))).hasEntry())
                .isTrue();
    }

    @Test
    void refusesAnEventThatDiffersFromItsCheck() {
        refuses(event().setActor("user:bob"), "event.actor");
        refuses(event().setActorTenant("there"), "event.actor_tenant");
        refuses(event().setOnBehalfOf("user:bob"), "event.on_behalf_of");
        refuses(event().setAction("read"), "event.action");
        refuses(event().setResource("replay:1"), "event.resource");
        refuses(event().setEnv("staging"), "event.env");
        refuses(event().setRunId("run-1"), "event.run_id");
        refuses(event().setDecisionId("mine"), "event.decision_id");
        refuses(event().setOutcome(Outcome.OUTCOME_DENIED), "event.outcome");
        refuses(event().setOutcome(Outcome.OUTCOME_FAILURE), "event.outcome");
        refuses(event().setPayload("no json"), "event.payload");
        refuses(event().clearType(), "event.type");
        Refusal.of(() -> execute(request(check()).setIdempotencyKey("k".repeat(129))))
                .is(ErrorReason.REQUEST_INVALID)
                .naming("idempotency_key");
    }

    @Test
    void refusesThePastAndTheTrace() {
        door.decisions.grant("service:replay", "read-history", "tenant:acme/policy");
        door.decisions.grant("service:replay", "explain", "tenant:acme/policy");
        refusesCheck(check().setAtRevision(1), "check.at_revision");
        refusesCheck(check().setAsOf(Timestamp.newBuilder()), "check.as_of");
        refusesCheck(check().setExplain(true), "check.explain");
        refusesCheck(check().setAction(""), "check.action");
    }

    @Test
    void deniesWithoutAnEntry() {
        door.decisions.answer(query -> dev.assize.server.model.Reason.SEPARATION_OF_DUTY);
        for (String key : new String[] {"", "a-key"}) {
            CheckAndAppendResponse response = execute(request(check()).setIdempotencyKey(key));
            assertThat(response.getResponse().getReason()).isEqualTo(Reason.REASON_SEPARATION_OF_DUTY);
            assertThat(response.hasEntry()).isFalse();
        }
        assertThat(entries()).isZero();
    }

    @Test
    void deniesInATenantThatDoesNotExist() {
        CheckAndAppendResponse response = door.decisions(door.admin)
                .checkAndAppend(request(check().setTenant("nowhere").setSubject("user:admin"))
                        .setIdempotencyKey("a-key")
                        .build());
        assertThat(response.getResponse().getReason()).isEqualTo(Reason.REASON_TENANT_UNKNOWN);
        assertThat(response.hasEntry()).isFalse();
    }

    @Test
    void recordsWhatItAllowsWithItsDecision() {
        CheckAndAppendResponse response = execute(
                request(check().setRunId("run-1").setOnBehalfOf("user:bob").setEnv("staging")));

        assertThat(response.getResponse().getDecision()).isEqualTo(Decision.DECISION_ALLOW);
        AuditEvent recorded = door.ledger(door.replay)
                .queryAudit(QueryAuditRequest.newBuilder().setTenant("acme").build())
                .getEntries(0)
                .getEvent();
        assertThat(recorded)
                .isEqualTo(AuditEvent.newBuilder()
                        .setType("replay.executed")
                        .setActor("service:replay")
                        .setAction("execute")
                        .setResource("replay:922")
                        .setEnv("staging")
                        .setRunId("run-1")
                        .setOnBehalfOf("user:bob")
                        .setOutcome(Outcome.OUTCOME_SUCCESS)
                        .setDecisionId(response.getResponse().getDecisionId())
                        .build());
    }

    @Test
    void answersARetryAsTheFirstTimeEvenIfItWouldBeDeniedNow() {
        CheckAndAppendRequest.Builder request = request(check()).setIdempotencyKey("once");
        CheckAndAppendResponse first = execute(request);
        door.decisions.answer(query -> dev.assize.server.model.Reason.NO_GRANT);

        CheckAndAppendResponse second = execute(request);

        assertThat(second.getReplayed()).isTrue();
        assertThat(second.getEntry()).isEqualTo(first.getEntry());
        assertThat(second.getResponse().getDecision()).isEqualTo(Decision.DECISION_ALLOW);
        assertThat(second.getResponse().getHistorical()).isFalse();
        assertThat(second.getResponse().getDecisionId())
                .isEqualTo(first.getResponse().getDecisionId());
        assertThat(entries()).isOne();
        Refusal.of(() -> execute(request.setEvent(event().setReason("another"))))
                .is(ErrorReason.IDEMPOTENCY_KEY_REUSED);
    }

    private int entries() {
        return door.ledger(door.replay)
                .queryAudit(QueryAuditRequest.newBuilder().setTenant("acme").build())
                .getEntriesCount();
    }

    private void refuses(AuditEvent.Builder event, String field) {
        Refusal.of(() -> execute(request(check()).setEvent(event)))
                .is(ErrorReason.REQUEST_INVALID)
                .naming(field);
    }

    private void refusesCheck(CheckRequest.Builder check, String field) {
        Refusal.of(() -> execute(request(check)))
                .is(ErrorReason.REQUEST_INVALID)
                .naming(field);
    }

    private CheckAndAppendResponse execute(CheckAndAppendRequest.Builder request) {
        return door.decisions(door.replay).checkAndAppend(request.build());
    }

    private static CheckAndAppendRequest.Builder request(CheckRequest.Builder check) {
        return CheckAndAppendRequest.newBuilder().setCheck(check).setEvent(event());
    }

    private static AuditEvent.Builder event() {
        return AuditEvent.newBuilder().setType("replay.executed");
    }

    private static CheckRequest.Builder check() {
        return CheckRequest.newBuilder()
                .setSubject("service:replay")
                .setResource("replay:922")
                .setAction("execute")
                .setTenant("acme");
    }
}
