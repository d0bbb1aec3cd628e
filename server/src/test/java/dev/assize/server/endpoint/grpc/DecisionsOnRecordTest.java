package dev.assize.server.endpoint.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Timestamp;
import com.google.rpc.RetryInfo;
import dev.assize.proto.v1.AttributeValue;
import dev.assize.proto.v1.AuditEvent;
import dev.assize.proto.v1.CheckAndAppendRequest;
import dev.assize.proto.v1.CheckAndAppendResponse;
import dev.assize.proto.v1.CheckBatchRequest;
import dev.assize.proto.v1.CheckBatchResponse;
import dev.assize.proto.v1.CheckRequest;
import dev.assize.proto.v1.CheckResponse;
import dev.assize.proto.v1.Decision;
import dev.assize.proto.v1.DecisionServiceGrpc.DecisionServiceBlockingStub;
import dev.assize.proto.v1.Detail;
import dev.assize.proto.v1.GetDecisionProofRequest;
import dev.assize.proto.v1.QueryDecisionsRequest;
import dev.assize.proto.v1.QueryDecisionsResponse;
import dev.assize.proto.v1.RecordedDecision;
import dev.assize.proto.v1.WatchDecisionRequest;
import dev.assize.server.decision.check.Answer;
import dev.assize.server.endpoint.call.ErrorReason;
import dev.assize.server.ledger.LedgerHaltedException;
import dev.assize.server.model.Limits;
import dev.assize.server.model.Reason;
import dev.assize.server.policy.DecisionLog;
import dev.assize.server.policy.DecisionLog.Acknowledge;
import dev.assize.server.policy.DecisionLog.Mode;
import dev.assize.server.recording.PackingRecorder;
import io.grpc.Metadata;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.MetadataUtils;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DecisionsOnRecordTest {

    private static final DecisionLog BEFORE = new DecisionLog(Mode.ALL, Acknowledge.BEFORE);
    private static final DecisionLog AFTER = new DecisionLog(Mode.ALL, Acknowledge.AFTER);

    private GrpcFixture door;

    DecisionsOnRecordTest(@TempDir Path directory) {
        door = new GrpcFixture(directory);
    }

    @BeforeEach
    void denyWhoIsNotAlice() {
        door.decisions.answer(
                query -> query.subject().toString().equals("user:alice") ? Reason.ALLOWED : Reason.NO_GRANT);
    }

    @AfterEach
    void close() {
        door.records.before(() -> {});
        door.injector.getInstance(PackingRecorder.class).close();
        door.close();
    }

    @Test
    void refusesWhatIsNoQuery() {
        refuses(query -> query.setSubject("nobody"), "subject");
        refuses(query -> query.setAction("no action"), "action");
        refuses(query -> query.setResource("/"), "resource");
        refuses(query -> query.setDecisionValue(3), "decision");
        refuses(query -> query.setReasonValue(99), "reason");
        refuses(query -> query.setDecisionId("x".repeat(129)), "decision_id");
        refuses(query -> query.setPageSize(1_001), "page_size");
        Refusal.of(() -> decisions().queryDecisions(query().setPageToken("x").build()))
                .is(ErrorReason.PAGE_TOKEN_INVALID);
        Refusal.of(() -> decisions().queryDecisions(query().setTenant("nowhere").build()))
                .is(ErrorReason.TENANT_NOT_FOUND);
        Refusal.of(() -> decisions()
                        .getDecisionProof(GetDecisionProofRequest.newBuilder()
                                .setTenant("acme")
                                .build()))
                .is(ErrorReason.REQUEST_INVALID)
                .naming("decision_id");
        Refusal.of(() -> decisions()
                        .getDecisionProof(GetDecisionProofRequest.newBuilder()
                                .setTenant("acme")
                                .setDecisionId("unknown")
                                .build()))
                .is(ErrorReason.DECISION_NOT_FOUND);
    }

    /** No answer that was promised to be on record leaves without it. */
    @Test
    void answersNothingThatCannotGoOnRecord() {
        door.decisions.decisionLog(BEFORE);
        door.records.before(() -> {
            throw new IllegalStateException("no disk");
        });
        Refusal.of(() -> check("user:alice")).is(ErrorReason.DECISION_NOT_RECORDED);
        Refusal.of(() -> decisions().checkBatch(batch("user:alice", "user:bob")))
                .is(ErrorReason.DECISION_NOT_RECORDED);
        door.records.before(() -> {
            throw new LedgerHaltedException("the ledger of tenant `acme` is halted: entry 3 was edited");
        });
        assertThat(Refusal.of(() -> check("user:alice"))
                        .is(ErrorReason.LEDGER_HALTED)
                        .status()
                        .getMessage())
                .contains("entry 3 was edited");
        CountDownLatch never = new CountDownLatch(1);
        door.records.before(() -> await(never));
        Refusal.of(() -> decisions()
                        .withDeadlineAfter(1, TimeUnit.SECONDS)
                        .check(request("user:alice").build()))
                .status();
        never.countDown();
        door.decisions.decisionLog(new DecisionLog(Mode.DENIES, Acknowledge.BEFORE));
        door.records.before(() -> {
            throw new IllegalStateException("no disk");
        });
        assertThat(check("user:alice").getDecision()).isEqualTo(Decision.DECISION_ALLOW);
        Refusal.of(() -> check("user:bob")).is(ErrorReason.DECISION_NOT_RECORDED);
    }

    @Test
    void whatAWatchSendsIsOnRecordOrNotSent() {
        door.decisions.decisionLog(BEFORE);
        WatchDecisionRequest watch = WatchDecisionRequest.newBuilder()
                .setCheck(request("user:alice"))
                .build();
        String id = decisions().watchDecision(watch).next().getResponse().getDecisionId();
        assertThat(decisions().queryDecisions(query().setDecisionId(id).build()).getDecisionsList())
                .hasSize(1);
        door.records.before(() -> {
            throw new IllegalStateException("no disk");
        });
        Refusal.of(() -> decisions().watchDecision(watch).next()).is(ErrorReason.DECISION_NOT_RECORDED);
    }

    @Test
    void refusesWhenTheQueueIsFull() {
        CountDownLatch gate = new CountDownLatch(1);
        door.records.before(() -> await(gate));
        door.decisions.decisionLog(AFTER);
        String[] many = new String[Limits.BATCH_ITEMS];
        Arrays.fill(many, "user:alice");
        int answered = 0;
        Refusal refusal = null;
        while (refusal == null) {
            try {
                answered += decisions().checkBatch(batch(many)).getResultsCount();
            } catch (StatusRuntimeException full) {
                refusal = Refusal.of(() -> {
                    throw full;
                });
            }
        }
        refusal.is(ErrorReason.DECISION_LOG_BUSY);
        assertThat(refusal.detail(RetryInfo.class)).isPresent();
        assertThat(answered).isEqualTo(32_000);
        gate.countDown();
        door.injector.getInstance(PackingRecorder.class).close();
        assertThat(door.records.packs(GrpcFixture.ACME).values().stream()
                        .mapToInt(List::size)
                        .sum())
                .isEqualTo(answered);
        Refusal.of(() -> check("user:alice")).is(ErrorReason.DECISION_LOG_BUSY);
    }

    @Test
    void recordsNothingUnlessTheTenantWantsIt() {
        check("user:alice");
        check("user:bob");
        assertThat(onRecord()).isEmpty();
        door.decisions.decisionLog(new DecisionLog(Mode.DENIES, Acknowledge.BEFORE));
        check("user:alice");
        String denied = check("user:bob").getDecisionId();
        assertThat(onRecord()).extracting(RecordedDecision::getDecisionId).containsExactly(denied);
    }

    @Test
    void whatIsNoDecisionOrNotOfThePresentIsNotOnRecord() {
        door.decisions.decisionLog(BEFORE);
        Refusal.of(() -> check("nobody")).is(ErrorReason.REQUEST_INVALID);
        decisions().check(request("user:alice").setAtRevision(3).build());
        decisions()
                .check(request("user:alice")
                        .setAsOf(Timestamp.newBuilder().setSeconds(1))
                        .build());
        CheckBatchResponse batch = decisions()
                .checkBatch(CheckBatchRequest.newBuilder()
                        .setTenant("acme")
                        .addItems(request("user:alice").setAtRevision(3))
                        .addItems(request("nobody"))
                        .build());
        assertThat(batch.getResults(0).getResponse().getHistorical()).isTrue();
        assertThat(batch.getResults(1).hasError()).isTrue();
        assertThat(onRecord()).isEmpty();
        // A trace beside an answer makes it no less of an answer.
        String explained = decisions()
                .check(request("user:alice").setExplain(true).build())
                .getDecisionId();
        assertThat(onRecord()).extracting(RecordedDecision::getDecisionId).containsExactly(explained);
    }

    @ParameterizedTest
    @CsvSource({"BEFORE", "AFTER"})
    void whatIsOnRecordIsWhatWasAnswered(Acknowledge acknowledge) {
        door.decisions.decisionLog(new DecisionLog(Mode.ALL, acknowledge));
        SplittableRandom dice = new SplittableRandom(5);
        List<Reason> reasons = List.of(Reason.values());
        door.decisions.answer(query ->
                reasons.get(Math.floorMod(Objects.requireNonNull(query.runId()).hashCode(), reasons.size())));
        door.decisions.finish(answer -> new Answer(
                answer.reason(),
                new Answer.DecidedBy.Grant("b", "operator", 2),
                answer.revision(),
                answer.platformRevision(),
                answer.validUntil(),
                List.of(),
                answer.reason() == Reason.DELEGATOR_DENIED ? Reason.FROZEN : null,
                answer.reason() == Reason.ALLOWED ? "approval-1" : null));
        Map<String, CheckRequest> asked = new HashMap<>();
        Map<String, CheckResponse> answered = new HashMap<>();
        for (int i = 0; i < 100; i++) {
            List<CheckRequest> requests = new ArrayList<>();
            for (int j = 0; j <= dice.nextInt(3); j++) {
                requests.add(request("user:" + dice.nextInt(5))
                        .setRunId("run-" + dice.nextInt(1_000))
                        .setEnv("env-" + dice.nextInt(3))
                        .setOnBehalfOf(dice.nextBoolean() ? "" : "user:boss")
                        .build());
            }
            List<CheckResponse> responses = requests.size() == 1
                    ? List.of(decisions().check(requests.getFirst()))
                    : decisions()
                            .checkBatch(CheckBatchRequest.newBuilder()
                                    .setTenant("acme")
                                    .addAllItems(requests)
                                    .build())
                            .getResultsList()
                            .stream()
                            .map(result -> result.getResponse())
                            .toList();
            for (int j = 0; j < requests.size(); j++) {
                asked.put(responses.get(j).getDecisionId(), requests.get(j));
                answered.put(responses.get(j).getDecisionId(), responses.get(j));
            }
        }
        door.injector.getInstance(PackingRecorder.class).close();
        List<RecordedDecision> recorded = onRecord();
        assertThat(recorded).hasSameSizeAs(asked.keySet());
        for (RecordedDecision decision : recorded) {
            CheckRequest request = Objects.requireNonNull(asked.get(decision.getDecisionId()));
            CheckResponse response = Objects.requireNonNull(answered.get(decision.getDecisionId()));
            assertThat(decision.getSubject()).isEqualTo(request.getSubject());
            assertThat(decision.getSubjectTenant()).isEqualTo("acme");
            assertThat(decision.getOnBehalfOf()).isEqualTo(request.getOnBehalfOf());
            assertThat(decision.getAction()).isEqualTo(request.getAction());
            assertThat(decision.getResource()).isEqualTo(request.getResource());
            assertThat(decision.getEnv()).isEqualTo(request.getEnv());
            assertThat(decision.getRunId()).isEqualTo(request.getRunId());
            assertThat(decision.getDecision()).isEqualTo(response.getDecision());
            assertThat(decision.getReason()).isEqualTo(response.getReason());
            assertThat(decision.getDelegatorReason()).isEqualTo(response.getDelegatorReason());
            assertThat(decision.getDecidedBy()).isEqualTo(response.getDecidedBy());
            assertThat(decision.getRevision()).isEqualTo(response.getRevision());
            assertThat(decision.getPlatformRevision()).isEqualTo(response.getPlatformRevision());
            assertThat(decision.getApprovalId()).isEqualTo(response.getApprovalId());
            assertThat(decision.getCaller()).isEqualTo("user:admin");
            assertThat(decision.getCallerTenant()).isEqualTo("assize");
        }
    }

    @Test
    void anAnswerThatShowsLittleIsOnRecordWhole() {
        door.decisions.decisionLog(BEFORE);
        CheckResponse minimal = decisions()
                .check(request("user:alice").setDetail(Detail.DETAIL_MINIMAL).build());
        assertThat(minimal.getDecisionId()).isEmpty();
        assertThat(onRecord())
                .singleElement()
                .satisfies(it -> assertThat(it.getDecisionId()).hasSize(32));
    }

    @Test
    void keepsTheTraceAndNoAttributes() {
        door.decisions.decisionLog(BEFORE);
        String trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        for (String sent : List.of(trace, "nonsense")) {
            Metadata headers = new Metadata();
            headers.put(Metadata.Key.of("traceparent", Metadata.ASCII_STRING_MARSHALLER), sent);
            decisions()
                    .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers))
                    .check(request("user:alice")
                            .putContext(
                                    "iban",
                                    AttributeValue.newBuilder()
                                            .setStringValue("DE02 1203")
                                            .build())
                            .build());
        }
        List<RecordedDecision> found = decisions()
                .queryDecisions(
                        query().setAscending(true).setIncludeRecords(true).build())
                .getDecisionsList();
        assertThat(found).extracting(RecordedDecision::getTraceContext).containsExactly(trace, "");
        assertThat(found).allSatisfy(it -> {
            assertThat(it.getAttributesDigest().size()).isEqualTo(32);
            assertThat(it.getRecord().toStringUtf8()).doesNotContain("iban", "DE02");
        });
    }

    @Test
    void findsWhatFits() {
        door.decisions.decisionLog(BEFORE);
        check("user:alice");
        check("user:bob");
        decisions()
                .check(request("user:bob")
                        .setResource("vault:v/agent:a")
                        .setAction("read")
                        .setEnv("production")
                        .build());
        assertThat(found(query().setSubject("user:bob"))).isEqualTo(2);
        assertThat(found(query().setResource("vault:v"))).isEqualTo(1);
        assertThat(found(query().setAction("read"))).isEqualTo(1);
        assertThat(found(query().setDecision(Decision.DECISION_ALLOW))).isEqualTo(1);
        assertThat(found(query().setReason(dev.assize.proto.v1.Reason.REASON_NO_GRANT)))
                .isEqualTo(2);
        assertThat(found(query().setTo(Timestamp.newBuilder().setSeconds(1)))).isZero();
        assertThat(found(query().setDecisionId(onRecord().getFirst().getDecisionId())))
                .isEqualTo(1);
        List<String> paged = new ArrayList<>();
        QueryDecisionsRequest.Builder page = query().setPageSize(1).setAscending(true);
        do {
            QueryDecisionsResponse response = decisions().queryDecisions(page.build());
            response.getDecisionsList().forEach(it -> paged.add(it.getDecisionId()));
            page.setPageToken(response.getNextPageToken());
        } while (!page.getPageToken().isEmpty());
        List<String> all = new ArrayList<>(
                onRecord().stream().map(RecordedDecision::getDecisionId).toList());
        Collections.reverse(all);
        assertThat(paged).isEqualTo(all).hasSize(3);
        String limited = door.key("user:admin", "assize", true, Set.of("production"), Set.of());
        assertThat(door.decisions(limited).queryDecisions(query().build()).getDecisionsList())
                .extracting(RecordedDecision::getEnv)
                .containsExactly("production");
    }

    @Test
    void whatIsDoneInTheSameStepIsOnRecordUnderTheEntrysDecision() {
        door.decisions.decisionLog(BEFORE);
        CheckAndAppendRequest.Builder request = CheckAndAppendRequest.newBuilder()
                .setCheck(request("user:alice"))
                .setEvent(AuditEvent.newBuilder().setType("replay.executed"))
                .setIdempotencyKey("k");
        CheckAndAppendResponse first = decisions().checkAndAppend(request.build());
        CheckAndAppendResponse again = decisions().checkAndAppend(request.build());
        CheckAndAppendResponse denied = decisions()
                .checkAndAppend(request.setCheck(request("user:bob"))
                        .setIdempotencyKey("")
                        .build());
        assertThat(first.hasEntry()).isTrue();
        assertThat(again.getReplayed()).isTrue();
        assertThat(denied.hasEntry()).isFalse();
        assertThat(onRecord())
                .extracting(RecordedDecision::getDecisionId)
                .containsExactly(
                        denied.getResponse().getDecisionId(),
                        first.getResponse().getDecisionId());
    }

    /** The entry stands, the answer is lost: a retry under the same key puts its decision on record. */
    @Test
    void aRetryPutsOnRecordWhatTheFirstAttemptCouldNot() {
        door.decisions.decisionLog(BEFORE);
        door.records.before(() -> {
            throw new IllegalStateException("no disk");
        });
        CheckAndAppendRequest request = CheckAndAppendRequest.newBuilder()
                .setCheck(request("user:alice"))
                .setEvent(AuditEvent.newBuilder().setType("replay.executed"))
                .setIdempotencyKey("k")
                .build();
        Refusal.of(() -> decisions().checkAndAppend(request)).is(ErrorReason.DECISION_NOT_RECORDED);
        door.records.before(() -> {});
        CheckAndAppendResponse again = decisions().checkAndAppend(request);
        assertThat(again.getReplayed()).isTrue();
        assertThat(onRecord())
                .extracting(RecordedDecision::getDecisionId)
                .containsExactly(again.getResponse().getDecisionId());
    }

    /** Without a key nobody can ask again; what was allowed is done, and stays so. */
    @Test
    void whatWasDoneGoesOnRecordAlsoWhereNobodyWaitsForIt() {
        CountDownLatch gate = new CountDownLatch(1);
        door.records.before(() -> await(gate));
        door.decisions.decisionLog(AFTER);
        check("user:alice");
        door.decisions.decisionLog(BEFORE);
        CheckAndAppendRequest request = CheckAndAppendRequest.newBuilder()
                .setCheck(request("user:alice"))
                .setEvent(AuditEvent.newBuilder().setType("replay.executed"))
                .build();
        Refusal.of(() -> decisions().withDeadlineAfter(2, TimeUnit.SECONDS).checkAndAppend(request))
                .status();
        gate.countDown();
        door.injector.getInstance(PackingRecorder.class).close();
        assertThat(onRecord()).hasSize(2);
    }

    private void refuses(UnaryOperator<QueryDecisionsRequest.Builder> change, String field) {
        Refusal.of(() -> decisions().queryDecisions(change.apply(query()).build()))
                .is(ErrorReason.REQUEST_INVALID)
                .naming(field);
    }

    private static void await(CountDownLatch gate) {
        try {
            gate.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private DecisionServiceBlockingStub decisions() {
        return door.decisions(door.admin);
    }

    private CheckResponse check(String subject) {
        return decisions().check(request(subject).build());
    }

    private static CheckBatchRequest batch(String... subjects) {
        return CheckBatchRequest.newBuilder()
                .setTenant("acme")
                .addAllItems(Arrays.stream(subjects)
                        .map(subject -> request(subject).build())
                        .collect(Collectors.toList()))
                .build();
    }

    private static CheckRequest.Builder request(String subject) {
        return CheckRequest.newBuilder()
                .setTenant("acme")
                .setSubject(subject)
                .setResource("replay:1")
                .setAction("execute");
    }

    private static QueryDecisionsRequest.Builder query() {
        return QueryDecisionsRequest.newBuilder().setTenant("acme");
    }

    private int found(QueryDecisionsRequest.Builder query) {
        return decisions().queryDecisions(query.build()).getDecisionsCount();
    }

    /** Newest first. */
    private List<RecordedDecision> onRecord() {
        return decisions().queryDecisions(query().setPageSize(1_000).build()).getDecisionsList();
    }
}
