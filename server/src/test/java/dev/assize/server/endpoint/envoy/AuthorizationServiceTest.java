package dev.assize.server.endpoint.envoy;

import static dev.assize.server.endpoint.envoy.EnvoyDoor.alice;
import static dev.assize.server.endpoint.envoy.EnvoyDoor.assertRefused;
import static dev.assize.server.endpoint.envoy.EnvoyDoor.get;
import static dev.assize.server.endpoint.envoy.EnvoyDoor.metadata;
import static dev.assize.server.endpoint.envoy.EnvoyDoor.order;
import static dev.assize.server.endpoint.envoy.EnvoyDoor.request;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import com.google.protobuf.Struct;
import dev.assize.proto.envoy.v3.CheckResponse;
import dev.assize.proto.envoy.v3.HeaderValueOption;
import dev.assize.proto.envoy.v3.HeaderValueOption.HeaderAppendAction;
import dev.assize.server.decision.EvaluationFailedException;
import dev.assize.server.decision.PolicyStaleException;
import dev.assize.server.decision.RecorderBusyException;
import dev.assize.server.decision.check.Answer;
import dev.assize.server.endpoint.grpc.GrpcFixture;
import dev.assize.server.model.Limits;
import dev.assize.server.model.Reason;
import dev.assize.server.model.StoreUnavailableException;
import dev.assize.server.policy.DecisionLog;
import dev.assize.server.policy.Document.Obligation;
import dev.assize.server.prompt.Prompt;
import dev.assize.server.recording.RecordedDecision;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What Envoy is answered, refusals first; with the messages that Envoy sends, and without Envoy. */
class AuthorizationServiceTest {

    private EnvoyDoor door;

    @BeforeEach
    void open(@TempDir Path directory) throws Exception {
        door = new EnvoyDoor(directory);
    }

    @AfterEach
    void close() {
        door.close();
    }

    @Test
    void deniesWithinTheAnswerWhereEnvoyItselfMayNotAsk() {
        for (String wrong : List.of("", "asz_unknown_unknown")) {
            door.key = wrong;
            assertRefused(door.ask(get("/orders/1")), 403, "CALLER_REFUSED");
        }
        door.key = door.fixture.replay;
        assertRefused(door.ask(get("/orders/1")), 403, "CALLER_REFUSED");
        door.fixture.decisions.grant("service:replay", "check", "tenant:acme/policy");
        assertThat(door.ask(get("/orders/1")).getStatus().getCode()).isZero();
        assertRefused(door.ask(get("/elsewhere")), 403, "CALLER_REFUSED");
        door.key = door.fixture.key("service:replay", "acme", false, Set.of("default"), Set.of(), "acme");
        assertThat(door.ask(get("/orders/1")).getStatus().getCode()).isZero();
        assertRefused(door.ask(get("/files/1")), 403, "CALLER_REFUSED");
        door.key = door.fixture.key(
                "service:replay", "acme", false, Set.of(), Set.of("DecisionService/CheckBatch"), "acme");
        assertRefused(door.ask(get("/orders/1")), 403, "CALLER_REFUSED");
    }

    @Test
    void deniesWhatItCannotReadOfAMessage() {
        byte[] notUtf8 = get("/orders/XX").toByteArray();
        for (int i = 0; i < notUtf8.length; i++) {
            notUtf8[i] = notUtf8[i] == 'X' ? (byte) 0xFF : notUtf8[i];
        }

        assertRefused(door.ask(notUtf8), 400, "REQUEST_MALFORMED");
        assertRefused(door.ask(new byte[] {1, 2, 3}), 400, "REQUEST_MALFORMED");
        assertRefused(door.ask(new byte[0]), 400, "REQUEST_MALFORMED");
        door.key = "";
        assertRefused(door.ask(notUtf8), 403, "CALLER_REFUSED");
    }

    @Test
    void deniesWhereThisServerIsWrongAndFailsWhereItsSurroundingsAre() {
        door.fixture.decisions.answer(query -> {
            throw new EvaluationFailedException(new IllegalStateException("a bug"));
        });
        assertRefused(door.ask(get("/orders/1")), 500, "INTERNAL_ERROR");
        door.fixture.decisions.answer(query -> {
            throw new StackOverflowError();
        });
        assertRefused(door.ask(get("/orders/1")), 500, "INTERNAL_ERROR");
        door.fixture.decisions.answer(query -> {
            throw new PolicyStaleException(Duration.ofSeconds(70), Duration.ofSeconds(60));
        });
        assertFails("POLICY_STALE");
        door.fixture.decisions.answer(query -> {
            throw new StoreUnavailableException("away", new IllegalStateException());
        });
        assertFails("STORE_UNAVAILABLE");
        assertThat(door.counted("internal_error")).isEqualTo(2);
        assertThat(door.counted("failed")).isEqualTo(2);
    }

    /** By a flood of requests of one client, undecided requests of all would else pass where Envoy is open to failures. */
    @Test
    void deniesWhereDecisionsCannotGoOnRecordFastEnough() {
        door.fixture.decisions.answer(query -> {
            throw new RecorderBusyException("full", Duration.ofSeconds(1));
        });

        CheckResponse answer = door.ask(get("/orders/1"));

        assertRefused(answer, 503, "SERVER_BUSY");
        assertThat(answer.getDeniedResponse().getBody()).isEqualTo("{\"error\":\"unavailable\"}");
        assertThat(metadata(answer, "detail")).startsWith("DECISION_LOG_BUSY: ");
        assertThat(door.counted("server_busy")).isEqualTo(1);
    }

    @Test
    void deniesAndTellsTheClientNothingButTheDecisionsId() {
        door.fixture.decisions.answer(query -> Reason.EXPLICIT_DENY);
        CheckResponse answer = door.ask(get("/orders/1"));

        assertThat(answer.getStatus().getCode()).isEqualTo(Status.Code.PERMISSION_DENIED.value());
        assertThat(answer.getDeniedResponse().getStatus().getCode()).isEqualTo(403);
        String id = metadata(answer, "decision_id");
        assertThat(id).hasSize(32);
        assertThat(answer.getDeniedResponse().getBody())
                .isEqualTo("{\"error\":\"forbidden\",\"decision_id\":\"" + id + "\"}");
        assertThat(metadata(answer, "reason")).isEqualTo("EXPLICIT_DENY");
        assertThat(door.counted("denied")).isEqualTo(1);
    }

    @Test
    void deniesAnAllowWithADutyThatNobodyKnows() {
        obligation("watermark");
        CheckResponse answer = door.ask(get("/orders/1"));
        assertThat(answer.getDeniedResponse().getStatus().getCode()).isEqualTo(403);
        assertThat(metadata(answer, "reason")).isEqualTo("OBLIGATION_UNKNOWN");

        obligation("log");
        CheckResponse known = door.ask(get("/orders/1"));
        assertThat(known.getStatus().getCode()).isZero();
        Struct told = known.getDynamicMetadata()
                .getFieldsOrThrow("obligations")
                .getListValue()
                .getValues(0)
                .getStructValue();
        assertThat(told.getFieldsOrThrow("type").getStringValue()).isEqualTo("log");
        assertThat(told.getFieldsOrThrow("properties")
                        .getStructValue()
                        .getFieldsOrThrow("level")
                        .getStringValue())
                .isEqualTo("info");
    }

    @Test
    void neverTakesAnAnswerAboutThePastForAnAllow() {
        door.fixture.decisions.finish(Answer::historical);

        assertThat(door.ask(get("/orders/1")).getDeniedResponse().getStatus().getCode())
                .isEqualTo(403);
    }

    @Test
    void overwritesWhatTheClientSaidAndRemovesWhatLooksLikeIt() {
        CheckResponse answer = door.ask(order(at -> alice(at)
                .getRequestBuilder()
                .getHttpBuilder()
                .putHeaders("x-assize-subject", "user:root")
                .putHeaders("x_assize_subject", "user:root")
                .putHeaders("x-assize_decision-id", "1")
                .putHeaders("x_user", "root")
                .putHeaders("accept", "*/*")));

        assertThat(answer.getOkResponse().getHeadersList())
                .extracting(
                        option -> option.getHeader().getKey(),
                        option -> option.getHeader().getValue(),
                        HeaderValueOption::getAppendAction)
                .containsExactly(
                        tuple("x-assize-subject", "user:alice", HeaderAppendAction.OVERWRITE_IF_EXISTS_OR_ADD),
                        tuple(
                                "x-assize-decision-id",
                                metadata(answer, "decision_id"),
                                HeaderAppendAction.OVERWRITE_IF_EXISTS_OR_ADD));
        assertThat(answer.getOkResponse().getHeadersToRemoveList())
                .containsExactly("x-assize_decision-id", "x-user", "x_assize_subject", "x_user");
        assertThat(door.counted("allowed")).isEqualTo(1);
    }

    @Test
    void putsItsDecisionsOnRecordAsEnvoys() {
        door.fixture.decisions.decisionLog(new DecisionLog(DecisionLog.Mode.ALL, DecisionLog.Acknowledge.BEFORE));
        door.key = door.fixture.key("service:gateway", "acme", false, "acme");
        door.fixture.decisions.grant("service:gateway", "check", "tenant:acme/policy");

        String id = metadata(door.ask(get("/orders/1")), "decision_id");
        door.ask(request("PUT", "x", "/nowhere", EnvoyDoor::alice));

        assertThat(recorded()).containsExactly(id + " service:gateway");
    }

    @Test
    void answersPromptlyAndAnewWithTimeWhereItHasToWait() {
        door.ask(get("/orders/1"));
        List<Boolean> prompt = new CopyOnWriteArrayList<>();
        door.fixture.decisions.answer(query -> {
            prompt.add(Prompt.isRequired());
            return Reason.ALLOWED;
        });
        door.ask(get("/orders/1"));
        assertThat(prompt).containsExactly(true);

        prompt.clear();
        door.ask(order(at -> alice(at)
                .getRequestBuilder()
                .getHttpBuilder()
                .putHeaders("cookie", "x".repeat(Limits.PROMPT_MESSAGE_BYTES))));
        assertThat(prompt).containsExactly(false);

        prompt.clear();
        door.fixture.decisions.answer(query -> {
            prompt.add(Prompt.isRequired());
            Prompt.requireTime();
            return Reason.ALLOWED;
        });
        assertThat(door.ask(get("/orders/1")).getStatus().getCode()).isZero();
        assertThat(prompt).containsExactly(true, false);
        assertThat(door.counted("allowed")).isEqualTo(4);
    }

    @Test
    void saysInHealthThatItServes() {
        assertThat(HealthGrpc.newBlockingStub(door.fixture.channel)
                        .check(HealthCheckRequest.newBuilder()
                                .setService("envoy.service.auth.v3.Authorization")
                                .build())
                        .getStatus())
                .isEqualTo(ServingStatus.SERVING);
    }

    private List<String> recorded() {
        return door.fixture.records.packs(GrpcFixture.ACME).values().stream()
                .flatMap(List::stream)
                .map(record -> RecordedDecision.of(0, 0, record).content())
                .map(record -> record.decisionId() + " " + record.caller())
                .toList();
    }

    private void obligation(String type) {
        door.fixture.decisions.finish(answer -> new Answer(
                answer.reason(),
                answer.decidedBy(),
                answer.revision(),
                answer.platformRevision(),
                answer.validUntil(),
                List.of(new Obligation("one", type, new TreeMap<>(Map.of("level", "info"))))));
    }

    private void assertFails(String reason) {
        assertThatThrownBy(() -> door.ask(get("/orders/1")))
                .isInstanceOfSatisfying(StatusRuntimeException.class, failure -> {
                    assertThat(failure.getStatus().getCode()).isEqualTo(Status.Code.UNAVAILABLE);
                    assertThat(failure.getStatus().getDescription()).startsWith(reason);
                });
    }
}
