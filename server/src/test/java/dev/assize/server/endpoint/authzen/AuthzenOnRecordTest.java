package dev.assize.server.endpoint.authzen;

import static dev.assize.server.endpoint.authzen.AuthzenDoor.BASE;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.assize.server.audit.AuditEvent;
import dev.assize.server.authentication.ApiKeys;
import dev.assize.server.authentication.ApiKeys.SealedKey;
import dev.assize.server.endpoint.grpc.GrpcFixture;
import dev.assize.server.ledger.LedgerHaltedException;
import dev.assize.server.model.Reason;
import dev.assize.server.model.Recorder;
import dev.assize.server.policy.DecisionLog;
import dev.assize.server.policy.DecisionLog.Acknowledge;
import dev.assize.server.policy.DecisionLog.Mode;
import dev.assize.server.recording.DecisionRecord;
import dev.assize.server.recording.PackingRecorder;
import dev.assize.server.recording.RecordedDecision;
import java.io.IOException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What is answered over HTTP goes on record as what is answered over gRPC, and so does the key for emergencies. */
@Timeout(60)
class AuthzenOnRecordTest {

    private static final String TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    private static final String READ = "\"action\":{\"name\":\"read\"},\"resource\":{\"type\":\"record\",\"id\":\"1\"}";
    private static final String ALICE = "\"subject\":{\"type\":\"user\",\"id\":\"alice\"}";
    private static final String BOB = "\"subject\":{\"type\":\"user\",\"id\":\"bob\"}";
    private static final String BOTH = "{" + READ + ",\"evaluations\":[{" + ALICE + "},{" + BOB + "},{}]";

    private final AuthzenDoor door;
    private final GrpcFixture fixture;

    AuthzenOnRecordTest(@TempDir Path directory) throws IOException {
        door = new AuthzenDoor(directory);
        fixture = door.fixture;
        fixture.decisions.answer(query -> query.subject().id().equals("alice") ? Reason.ALLOWED : Reason.NO_GRANT);
    }

    @AfterEach
    void close() {
        fixture.records.before(() -> {});
        recorded();
        door.close();
    }

    @Test
    void answersNothingThatCannotGoOnRecord() throws Exception {
        fixture.decisions.decisionLog(new DecisionLog(Mode.ALL, Acknowledge.BEFORE));
        for (RuntimeException failure :
                List.of(new IllegalStateException("no disk"), new LedgerHaltedException("entry 3 was edited"))) {
            fixture.records.before(() -> {
                throw failure;
            });
            for (String endpoint : List.of("evaluation", "evaluations")) {
                HttpResponse<String> answer = door.post(BASE + endpoint, "{" + ALICE + "," + READ + "}");
                assertThat(answer.statusCode()).as(answer.body()).isEqualTo(503);
                assertThat(answer.body()).doesNotContain("decision\"");
            }
            assertThat(door.post(BASE + "evaluations", BOTH + "}").statusCode()).isEqualTo(503);
        }
        assertThat(recorded()).isEmpty();
    }

    @ParameterizedTest
    @EnumSource(Acknowledge.class)
    void whatIsOnRecordIsWhatWasAnswered(Acknowledge acknowledge) throws Exception {
        fixture.decisions.decisionLog(new DecisionLog(Mode.ALL, acknowledge));
        HttpResponse<String> one = door.send(door.request(BASE + "evaluation")
                .header("traceparent", TRACE)
                .POST(HttpRequest.BodyPublishers.ofString("{" + ALICE + "," + READ
                        + ",\"context\":{\"environment\":\"prod\",\"assize\":{\"run_id\":\"run 7\"}}}")));
        JsonNode both = door.ok("evaluations", BOTH + "}");

        List<DecisionRecord> records = recorded();
        assertThat(records)
                .extracting(DecisionRecord::decisionId)
                .containsExactly(
                        door.read(one.body()).at("/context/decision_id").textValue(),
                        both.at("/evaluations/0/context/decision_id").textValue(),
                        both.at("/evaluations/1/context/decision_id").textValue());
        assertThat(records)
                .extracting(DecisionRecord::reason)
                .containsExactly(Reason.ALLOWED, Reason.ALLOWED, Reason.NO_GRANT);
        assertThat(records.getFirst()).satisfies(record -> {
            assertThat(record.caller()).isEqualTo("user:admin");
            assertThat(record.callerTenant()).isEqualTo("assize");
            assertThat(record.subject()).isEqualTo("user:alice");
            assertThat(record.resource()).isEqualTo("record:1");
            assertThat(record.env()).isEqualTo("prod");
            assertThat(record.runId()).isEqualTo("run 7");
            assertThat(record.traceContext()).isEqualTo(TRACE);
        });
    }

    @Test
    void onlyDeniesGoOnRecordWhereTheTenantWantsThose() throws Exception {
        fixture.decisions.decisionLog(new DecisionLog(Mode.DENIES, Acknowledge.BEFORE));
        door.ok("evaluations", BOTH + "}");

        assertThat(recorded()).extracting(DecisionRecord::subject).containsExactly("user:bob");
    }

    @Test
    void whatIsNotGivenIsNotOnRecord() throws Exception {
        fixture.decisions.decisionLog(new DecisionLog(Mode.ALL, Acknowledge.BEFORE));
        door.ok("evaluations", BOTH + ",\"options\":{\"evaluations_semantic\":\"permit_on_first_permit\"}}");
        assertThat(door.post(BASE + "evaluation", "{" + ALICE + "}").statusCode())
                .isEqualTo(400);
        door.ok("search/subject", "{\"subject\":{\"type\":\"user\"}," + READ + "}");

        assertThat(recorded()).extracting(DecisionRecord::subject).containsExactly("user:alice");
    }

    @Test
    void theKeyForEmergenciesIsOnRecordBeforeItIsLetIn() throws Exception {
        SealedKey sealed = fixture.injector.getInstance(ApiKeys.class).seal("safe 3", Recorder.ASSIZE);
        door.key = sealed.created().credential();
        fixture.searches.names(1);

        assertThat(door.post(BASE + "evaluation", "{" + ALICE + "," + READ + "}")
                        .statusCode())
                .isEqualTo(403);
        door.ok("search/subject", "{\"subject\":{\"type\":\"user\"}," + READ + "}");
        assertThat(fixture.keyRepository.events())
                .filteredOn(event -> event.type().equals("assize.break-glass.used"))
                .extracting(AuditEvent::payload)
                .satisfiesExactly(
                        first -> assertThat(first).contains("DecisionService/Check\""),
                        second -> assertThat(second).contains("DecisionService/SearchSubjects"));
        assertThat(fixture.keyRepository.elsewhere()).containsExactly("acme assize.break-glass.used");

        fixture.keyRepository.breakDown();
        assertThat(door.post(BASE + "search/subject", "{}").statusCode()).isEqualTo(503);
        assertThat(fixture.keyRepository.events())
                .filteredOn(event -> event.type().equals("assize.break-glass.used"))
                .hasSize(2);
    }

    /** In the order in which they went on record, which they have when the recorder has ended. */
    private List<DecisionRecord> recorded() {
        fixture.injector.getInstance(PackingRecorder.class).close();
        return fixture.records.packs(GrpcFixture.ACME).entrySet().stream()
                .flatMap(pack -> pack.getValue().stream()
                        .map(record ->
                                RecordedDecision.of(pack.getKey(), 0, record).content()))
                .toList();
    }
}
