package dev.assize.server.endpoint.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import com.google.protobuf.Timestamp;
import com.google.protobuf.UnknownFieldSet;
import dev.assize.proto.v1.AppendAuditRequest;
import dev.assize.proto.v1.AppendAuditResponse;
import dev.assize.proto.v1.AuditEntry;
import dev.assize.proto.v1.AuditEvent;
import dev.assize.proto.v1.ChainFault;
import dev.assize.proto.v1.GetLineageRequest;
import dev.assize.proto.v1.GetLineageResponse;
import dev.assize.proto.v1.Outcome;
import dev.assize.proto.v1.QueryAuditRequest;
import dev.assize.proto.v1.QueryAuditResponse;
import dev.assize.proto.v1.VerifyChainRequest;
import dev.assize.proto.v1.VerifyChainResponse;
import dev.assize.proto.v1.VerifyResult;
import dev.assize.server.audit.AuditCodec;
import dev.assize.server.endpoint.call.ErrorReason;
import dev.assize.server.ledger.StoredEntry;
import dev.assize.server.model.Limits;
import io.grpc.Metadata;
import io.grpc.stub.MetadataUtils;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LedgerEndpointTest {

    @TempDir
    Path directory;

    private GrpcFixture door;

    @BeforeEach
    void open() {
        door = new GrpcFixture(directory);
        for (String action : List.of("append", "read", "verify")) {
            door.decisions.grant("service:replay", action, "tenant:acme/ledger");
        }
    }

    @AfterEach
    void close() {
        door.close();
    }

    @Test
    void refusesLineageBeyondItsLimits() {
        GetLineageRequest.Builder request =
                GetLineageRequest.newBuilder().setTenant("acme").setUri("db:b");
        refusesLineage(request.clone().clearUri(), "uri");
        refusesLineage(request.clone().setUri("x".repeat(1_025)), "uri");
        refusesLineage(request.clone().setDepth(-1), "depth");
        refusesLineage(request.clone().setDepth(17), "depth");
        refusesLineage(request.clone().setMaxRecords(1_001), "max_records");
        refusesLineage(request.clone().setPageSize(1_001), "page_size");
        refusesLineage(request.clone().setDirectionValue(9), "direction");
        lineage(request.clone()
                .setUri("x".repeat(1_024))
                .setDepth(16)
                .setMaxRecords(1_000)
                .setPageSize(1_000));
    }

    @Test
    void lineageIsATreeWithPagesOfWhoReadAndWrote() {
        append(event().addReads("db:a").addWrites("db:b").setOutcome(Outcome.OUTCOME_SUCCESS));
        append(event().addReads("db:b").addWrites("db:c").setOutcome(Outcome.OUTCOME_SUCCESS));
        GetLineageRequest.Builder request =
                GetLineageRequest.newBuilder().setTenant("acme").setUri("db:b").setPageSize(1);

        GetLineageResponse first = lineage(request);
        assertThat(first.getAccesses(0).getSeq()).isEqualTo(1);
        assertThat(first.getAccesses(0).getRead()).isTrue();
        assertThat(first.getUpstream().getDerived(0).getUri()).isEqualTo("db:a");
        assertThat(first.getUpstream().getDerived(0).getWriteSeq()).isZero();
        assertThat(first.getDownstream().getDerived(0).getUri()).isEqualTo("db:c");
        assertThat(first.getTruncated()).isFalse();

        GetLineageResponse second = lineage(request.clone().setPageToken(first.getNextPageToken()));
        assertThat(second.getAccesses(0).getSeq()).isZero();
        assertThat(second.getAccesses(0).getWritten()).isTrue();
        assertThat(second.hasUpstream()).isFalse();
        Refusal.of(() -> lineage(request.clone().setUri("db:a").setPageToken(first.getNextPageToken())))
                .is(ErrorReason.PAGE_TOKEN_INVALID);
    }

    @Test
    void lineageHasOnlyTheEnvironmentsOfTheCredential() {
        append(event().addReads("db:a").addWrites("db:b").setEnv("staging").setOutcome(Outcome.OUTCOME_SUCCESS));
        String key = door.key("service:replay", "acme", false, Set.of("production"), Set.of(), "acme");
        GetLineageResponse found = door.ledger(key)
                .getLineage(GetLineageRequest.newBuilder()
                        .setTenant("acme")
                        .setUri("db:b")
                        .build());
        assertThat(found.getAccessesList()).isEmpty();
        assertThat(found.getUpstream().getDerivedList()).isEmpty();
    }

    private GetLineageResponse lineage(GetLineageRequest.Builder request) {
        return door.ledger(door.replay).getLineage(request.build());
    }

    private void refusesLineage(GetLineageRequest.Builder request, String field) {
        Refusal.of(() -> lineage(request)).is(ErrorReason.REQUEST_INVALID).naming(field);
    }

    @Test
    void refusesAnotherActorWithoutActAs() {
        AuditEvent.Builder event = event().setActor("user:alice");
        Refusal.of(() -> append(event)).is(ErrorReason.ACT_AS_MISSING);
        assertThat(door.ledger.rows(GrpcFixture.ACME)).isEmpty();

        door.decisions.grant("service:replay", "act-as", "tenant:acme/subject:user");
        append(event);
        Refusal.of(() -> append(event().setActor("agent:feed"))).is(ErrorReason.ACT_AS_MISSING);
    }

    @Test
    void refusesANamesakeOfAnotherTenantWithoutActAs() {
        Refusal.of(() -> append(event().setActorTenant("there"))).is(ErrorReason.ACT_AS_MISSING);
        refuses(event().setActorTenant("-"), "events[0].actor_tenant");
        refuses(event().setOnBehalfOf("group:noc"), "events[0].on_behalf_of");
        append(event().setActorTenant("acme").setOnBehalfOf("user:bob"));

        AuditEvent recorded =
                query(QueryAuditRequest.newBuilder()).getEntries(0).getEvent();
        assertThat(recorded.getOnBehalfOf()).isEqualTo("user:bob");
        assertThat(recorded.getActorTenant()).as("is at home").isEmpty();
    }

    @Test
    void takesTheCallerForTheActorWhereNoneIsNamed() {
        append(event());
        append(event().setActor("service:replay"));

        assertThat(query(QueryAuditRequest.newBuilder()).getEntriesList())
                .hasSize(2)
                .allSatisfy(entry -> {
                    assertThat(entry.getEvent().getActor()).isEqualTo("service:replay");
                    assertThat(entry.getRecordedBy()).isEqualTo("service:replay");
                    assertThat(entry.getRecordedByTenant()).isEqualTo("acme");
                });
    }

    @Test
    void refusesMalformedEventsByTheirField() {
        refuses(event().setType(""), "events[0].type");
        refuses(event().setType("assize.policy.manifest"), "events[0].type");
        refuses(event().setActor("group:noc"), "events[0].actor");
        refuses(event().setAction("no action"), "events[0].action");
        refuses(event().setResource(""), "events[0].resource");
        refuses(event().setEnv("no env"), "events[0].env");
        refuses(event().clearOutcome(), "events[0].outcome");
        refuses(event().setOutcomeValue(99), "events[0].outcome");
        refuses(event().setOccurredAt(Timestamp.newBuilder().setNanos(-1)), "events[0].occurred_at");
        refuses(event().setPayload("{"), "events[0].payload");
        refuses(event().setPayload("\"" + "x".repeat(Limits.AUDIT_PAYLOAD_BYTES) + "\""), "events[0].payload");
        refuses(event().setReason("x".repeat(1_025)), "events[0].reason");
        assertThat(door.ledger.rows(GrpcFixture.ACME)).isEmpty();
    }

    @Test
    void takes500EventsAndRefuses501AndNone() {
        AppendAuditRequest.Builder full = AppendAuditRequest.newBuilder()
                .setTenant("acme")
                .addAllEvents(Collections.nCopies(Limits.AUDIT_EVENTS, event().build()));
        assertThat(append(full).getEntriesCount()).isEqualTo(Limits.AUDIT_EVENTS);
        Refusal.of(() -> append(full.addEvents(event())))
                .is(ErrorReason.REQUEST_INVALID)
                .naming("events");
        Refusal.of(() -> append(AppendAuditRequest.newBuilder().setTenant("acme")))
                .is(ErrorReason.REQUEST_INVALID)
                .naming("events");
    }

    @Test
    void takesAPayloadOf8KiB() {
        append(event().setPayload("\"" + "x".repeat(Limits.AUDIT_PAYLOAD_BYTES - 2) + "\""));
    }

    @Test
    void answersARetryWithTheFirstAnswerAndRefusesOtherContent() {
        AppendAuditRequest.Builder first = AppendAuditRequest.newBuilder()
                .setTenant("acme")
                .setIdempotencyKey("k")
                .addEvents(event());
        AppendAuditResponse answer = append(first);
        AppendAuditResponse again = append(first);
        assertThat(again.getReplayed()).isTrue();
        assertThat(again.getEntriesList()).isEqualTo(answer.getEntriesList());

        Refusal.of(() -> append(first.addEvents(event()))).is(ErrorReason.IDEMPOTENCY_KEY_REUSED);
        Refusal.of(() -> append(first.setIdempotencyKey("k".repeat(129))))
                .is(ErrorReason.REQUEST_INVALID)
                .naming("idempotency_key");
    }

    @Test
    void refusesATenantThatDoesNotExist() {
        Refusal.of(() -> door.ledger(door.admin)
                        .appendAudit(AppendAuditRequest.newBuilder()
                                .setTenant("nowhere")
                                .addEvents(event())
                                .build()))
                .is(ErrorReason.TENANT_NOT_FOUND);
    }

    @Test
    void refusesAnEnvironmentTheCredentialIsNotFor() {
        String limited = door.key("service:replay", "acme", false, Set.of("staging"), Set.of(), "acme");
        Refusal.of(() -> door.ledger(limited)
                        .appendAudit(AppendAuditRequest.newBuilder()
                                .setTenant("acme")
                                .addEvents(event().setEnv("production"))
                                .build()))
                .is(ErrorReason.ENVIRONMENT_NOT_ALLOWED);
    }

    @Test
    void findsTheFirstBadEntry() {
        for (int i = 0; i < 5; i++) {
            append(event());
        }
        StoredEntry entry = door.ledger.rows(GrpcFixture.ACME).get(3L);
        assertThat(entry).isNotNull();
        if (entry != null) {
            byte[] frame = entry.frame().clone();
            frame[frame.length - 1] ^= 1;
            door.ledger.rows(GrpcFixture.ACME).put(3L, new StoredEntry(3, frame, entry.entryHash(), entry.columns()));
        }

        VerifyResult result = verify(VerifyChainRequest.newBuilder());
        assertThat(result.getValid()).isFalse();
        assertThat(result.getFirstBadSeq()).isEqualTo(3);
        assertThat(result.getFault()).isNotEqualTo(ChainFault.CHAIN_FAULT_UNSPECIFIED);
        assertThat(result.getMessage()).isNotBlank();
    }

    @Test
    void saysThatAnEntryWasAlteredWhereItCannotBeShown() {
        append(event());
        door.ledger
                .rows(GrpcFixture.ACME)
                .computeIfPresent(
                        0L, (seq, row) -> new StoredEntry(seq, new byte[] {1, 2, 3}, row.entryHash(), row.columns()));
        Refusal.of(() -> query(QueryAuditRequest.newBuilder())).is(ErrorReason.LEDGER_UNREADABLE);
    }

    @Test
    void verifiesASoundChainAndTellsItsProgress() {
        for (int i = 0; i < 5; i++) {
            append(AppendAuditRequest.newBuilder()
                    .setTenant("acme")
                    .addAllEvents(Collections.nCopies(Limits.AUDIT_EVENTS, event().build())));
        }
        List<VerifyChainResponse> updates = new ArrayList<>();
        door.ledger(door.replay)
                .verifyChain(VerifyChainRequest.newBuilder().setTenant("acme").build())
                .forEachRemaining(updates::add);

        assertThat(updates).hasSizeGreaterThan(1);
        assertThat(updates.subList(0, updates.size() - 1)).allMatch(VerifyChainResponse::hasProgress);
        VerifyResult result = updates.getLast().getResult();
        assertThat(result.getValid()).isTrue();
        assertThat(result.getVerified()).isEqualTo(2_500);
        assertThat(result.getToSeq()).isEqualTo(2_499);
        assertThat(result.getOrigin()).endsWith("/acme");
    }

    @Test
    void verifiesAnEmptyLedgerAndRefusesPositionsItHasNot() {
        VerifyResult empty = verify(VerifyChainRequest.newBuilder());
        assertThat(empty.getValid()).isTrue();
        assertThat(empty.getToSeq()).isEqualTo(-1);

        Refusal.of(() -> verify(VerifyChainRequest.newBuilder().setFromSeq(-1)))
                .is(ErrorReason.REQUEST_INVALID)
                .naming("from_seq");
        Refusal.of(() -> verify(VerifyChainRequest.newBuilder().setFromSeq(3).setToSeq(2)))
                .is(ErrorReason.REQUEST_INVALID)
                .naming("to_seq");
        Refusal.of(() -> verify(VerifyChainRequest.newBuilder().setToSeq(7)))
                .is(ErrorReason.REQUEST_INVALID)
                .naming("to_seq");
        Refusal.of(() -> verify(VerifyChainRequest.newBuilder().setFromSeq(7)))
                .is(ErrorReason.REQUEST_INVALID)
                .naming("from_seq");
    }

    @Test
    void pagesThroughEveryEntryOnceInEitherOrder() {
        for (int i = 0; i < 7; i++) {
            append(event());
        }
        for (boolean ascending : new boolean[] {true, false}) {
            List<Long> seqs = new ArrayList<>();
            String token = "";
            do {
                QueryAuditResponse page = query(QueryAuditRequest.newBuilder()
                        .setAscending(ascending)
                        .setPageSize(3)
                        .setPageToken(token));
                page.getEntriesList().stream().map(AuditEntry::getSeq).forEach(seqs::add);
                token = page.getNextPageToken();
            } while (!token.isEmpty());
            List<Long> expected = new ArrayList<>(List.of(0L, 1L, 2L, 3L, 4L, 5L, 6L));
            assertThat(seqs).isEqualTo(ascending ? expected : expected.reversed());
        }
    }

    @Test
    void endsAPageBeforeItGrowsTooLargeForAClient() {
        append(AppendAuditRequest.newBuilder()
                .setTenant("acme")
                .addAllEvents(Collections.nCopies(
                        Limits.AUDIT_EVENTS,
                        event().setPayload("\"" + "x".repeat(Limits.AUDIT_PAYLOAD_BYTES - 2) + "\"")
                                .build())));
        List<Long> seqs = new ArrayList<>();
        String token = "";
        do {
            QueryAuditResponse page = query(QueryAuditRequest.newBuilder()
                    .setAscending(true)
                    .setPageSize(1_000)
                    .setPageToken(token));
            assertThat(page.getSerializedSize()).isLessThan(4 * 1_024 * 1_024);
            page.getEntriesList().stream().map(AuditEntry::getSeq).forEach(seqs::add);
            token = page.getNextPageToken();
        } while (!token.isEmpty());
        assertThat(seqs).hasSize(Limits.AUDIT_EVENTS).isSorted().doesNotHaveDuplicates();
    }

    @Test
    void showsOnlyTheEnvironmentsTheCredentialIsFor() {
        append(event().setEnv("staging"));
        append(event().setEnv("production"));
        String limited = door.key("service:replay", "acme", false, Set.of("staging"), Set.of(), "acme");
        assertThat(door.ledger(limited)
                        .queryAudit(
                                QueryAuditRequest.newBuilder().setTenant("acme").build())
                        .getEntriesList())
                .singleElement()
                .satisfies(entry -> assertThat(entry.getEvent().getEnv()).isEqualTo("staging"));
    }

    @Test
    void saysOfNoTenantThatItsLedgerIsSound() {
        Refusal.of(() -> door.ledger(door.admin)
                        .verifyChain(VerifyChainRequest.newBuilder()
                                .setTenant("nowhere")
                                .build())
                        .forEachRemaining(update -> {}))
                .is(ErrorReason.TENANT_NOT_FOUND);
        Refusal.of(() -> door.ledger(door.admin)
                        .queryAudit(QueryAuditRequest.newBuilder()
                                .setTenant("nowhere")
                                .build()))
                .is(ErrorReason.TENANT_NOT_FOUND);
    }

    @Test
    void refusesFieldsOfALaterVersion() {
        UnknownFieldSet later = UnknownFieldSet.newBuilder()
                .addField(99, UnknownFieldSet.Field.newBuilder().addVarint(1).build())
                .build();
        refuses(event().setUnknownFields(later), "events[0].event");
    }

    @Test
    void refusesAPageTokenThatWasChangedOrIsOfAnotherQuery() {
        append(event());
        append(event());
        QueryAuditRequest.Builder request = QueryAuditRequest.newBuilder().setPageSize(1);
        String token = query(request).getNextPageToken();
        char last = token.charAt(token.length() - 1);

        query(request.setPageToken(token));
        query(request.setPageSize(2));
        refusesToken(request.clone().setPageToken("x" + token));
        refusesToken(request.clone().setPageToken("nonsense!"));
        refusesToken(request.clone().setPageToken("AAAA"));
        refusesToken(request.clone().setPageToken("A".repeat(10_000)));
        refusesToken(request.clone().setPageToken(token.substring(0, token.length() - 1) + (last == 'A' ? 'Q' : 'A')));
        refusesToken(request.clone().setActor("user:bob"));
        refusesToken(request.clone().setAscending(true));
        door.decisions.addTenant("other");
        Refusal.of(() -> door.ledger(door.admin)
                        .queryAudit(request.clone().setTenant("other").build()))
                .is(ErrorReason.PAGE_TOKEN_INVALID);
    }

    @Test
    void refusesMalformedConditionsByTheirField() {
        refusesQuery(QueryAuditRequest.newBuilder().setPageSize(1_001), "page_size");
        refusesQuery(QueryAuditRequest.newBuilder().setPageSize(-1), "page_size");
        refusesQuery(QueryAuditRequest.newBuilder().setActor("alice"), "actor");
        refusesQuery(QueryAuditRequest.newBuilder().setAction("no action"), "action");
        refusesQuery(QueryAuditRequest.newBuilder().setResource("//"), "resource");
        refusesQuery(QueryAuditRequest.newBuilder().setType("1"), "type");
        refusesQuery(QueryAuditRequest.newBuilder().setOutcomeValue(77), "outcome");
        refusesQuery(
                QueryAuditRequest.newBuilder().setFrom(Timestamp.newBuilder().setSeconds(Long.MAX_VALUE)), "from");
        query(QueryAuditRequest.newBuilder().setPageSize(1_000));
    }

    @Test
    void showsFramesOnlyWhereAsked() {
        append(event().setPayload("{\"a\":1}"));
        assertThat(query(QueryAuditRequest.newBuilder()).getEntries(0).getFrame())
                .isEqualTo(ByteString.EMPTY);
        AuditEntry entry =
                query(QueryAuditRequest.newBuilder().setIncludeFrames(true)).getEntries(0);
        assertThat(entry.getFrame().isEmpty()).isFalse();
        assertThat(entry.getEvent().getPayload()).isEqualTo("{\"a\":1}");
    }

    @Test
    void anEntryHasTheTraceOfTheCallThatBroughtItAndARetryMayHaveAnother() {
        String trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        AppendAuditRequest once = AppendAuditRequest.newBuilder()
                .setTenant("acme")
                .setIdempotencyKey("k")
                .addEvents(event())
                .build();
        assertThat(inTrace(trace, once).getReplayed()).isFalse();
        assertThat(inTrace(trace.replace("b7ad", "c7ad"), once).getReplayed()).isTrue();
        assertThat(door.ledger(door.replay).appendAudit(once).getReplayed()).isTrue();
        assertThat(traces()).containsExactly(trace);
        assertThat(query(QueryAuditRequest.newBuilder()).getEntriesList())
                .extracting(AuditEntry::getTraceContext)
                .containsExactly(trace);
    }

    @Test
    void whatIsNoTraceIsNotRecorded() {
        for (String nonsense : List.of(
                "nonsense",
                "00-00000000000000000000000000000000-b7ad6b7169203331-01",
                "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
                "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01")) {
            inTrace(
                    nonsense,
                    AppendAuditRequest.newBuilder()
                            .setTenant("acme")
                            .addEvents(event())
                            .build());
        }
        append(event());
        assertThat(traces()).hasSize(6).containsOnlyNulls();
        assertThat(query(QueryAuditRequest.newBuilder()).getEntriesList())
                .extracting(AuditEntry::getTraceContext)
                .containsOnly("");
    }

    private AppendAuditResponse inTrace(String traceparent, AppendAuditRequest request) {
        Metadata headers = new Metadata();
        headers.put(Metadata.Key.of("traceparent", Metadata.ASCII_STRING_MARSHALLER), traceparent);
        return door.ledger(door.replay)
                .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers))
                .appendAudit(request);
    }

    private List<@Nullable String> traces() {
        List<@Nullable String> traces = new ArrayList<>();
        AuditCodec codec = new AuditCodec();
        door.ledger
                .rows(GrpcFixture.ACME)
                .values()
                .forEach(row -> traces.add(
                        codec.decode(row.frame(), row.entryHash()).event().traceContext()));
        return traces;
    }

    private void refuses(AuditEvent.Builder event, String field) {
        Refusal.of(() -> append(event)).is(ErrorReason.REQUEST_INVALID).naming(field);
    }

    private void refusesQuery(QueryAuditRequest.Builder request, String field) {
        Refusal.of(() -> query(request)).is(ErrorReason.REQUEST_INVALID).naming(field);
    }

    private void refusesToken(QueryAuditRequest.Builder request) {
        Refusal.of(() -> query(request)).is(ErrorReason.PAGE_TOKEN_INVALID).naming("page_token");
    }

    private AppendAuditResponse append(AuditEvent.Builder event) {
        return append(AppendAuditRequest.newBuilder().setTenant("acme").addEvents(event));
    }

    private AppendAuditResponse append(AppendAuditRequest.Builder request) {
        return door.ledger(door.replay).appendAudit(request.build());
    }

    private QueryAuditResponse query(QueryAuditRequest.Builder request) {
        return door.ledger(door.replay).queryAudit(request.setTenant("acme").build());
    }

    private VerifyResult verify(VerifyChainRequest.Builder request) {
        List<VerifyChainResponse> updates = new ArrayList<>();
        door.ledger(door.replay).verifyChain(request.setTenant("acme").build()).forEachRemaining(updates::add);
        return updates.getLast().getResult();
    }

    private static AuditEvent.Builder event() {
        return AuditEvent.newBuilder()
                .setType("replay.executed")
                .setAction("execute")
                .setResource("replay:922")
                .setOutcome(Outcome.OUTCOME_SUCCESS);
    }
}
