package dev.assize.server.endpoint.grpc;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import dev.assize.proto.v1.Acknowledgement;
import dev.assize.proto.v1.AppendAuditRequest;
import dev.assize.proto.v1.AppendAuditResponse;
import dev.assize.proto.v1.AppendSpooledRequest;
import dev.assize.proto.v1.AppendSpooledResponse;
import dev.assize.proto.v1.AuditEntry;
import dev.assize.proto.v1.AuditEvent;
import dev.assize.proto.v1.DeclareSpoolLossRequest;
import dev.assize.proto.v1.DeclareSpoolLossResponse;
import dev.assize.proto.v1.ListSpoolsRequest;
import dev.assize.proto.v1.Outcome;
import dev.assize.proto.v1.QueryAuditRequest;
import dev.assize.proto.v1.SpoolStanding;
import dev.assize.proto.v1.SpooledRecord;
import dev.assize.server.audit.SpoolRepository;
import dev.assize.server.audit.SpoolRepository.Sender;
import dev.assize.server.endpoint.call.ErrorReason;
import dev.assize.server.model.Digest;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.Subject;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What sidecars send out of their spools, at the door. */
class SpoolCallsTest {

    private static final String SPOOL = "0123456789abcdef0123456789abcdef";
    private static final String OTHER = "ffffffffffffffffffffffffffffffff";

    @TempDir
    Path directory;

    private GrpcFixture door;

    @BeforeEach
    void open() {
        door = new GrpcFixture(directory);
        for (String action : List.of("append", "read", "settle-spool")) {
            door.decisions.grant("service:replay", action, "tenant:acme/ledger");
        }
    }

    @AfterEach
    void close() {
        door.close();
    }

    @Test
    void refusesWhatIsNoBatch() {
        refuses(batch(SPOOL, 1, "a").setSpoolId("0123"), "spool_id");
        refuses(batch(SPOOL, 1, "a").setSpoolId(SPOOL.toUpperCase(java.util.Locale.ROOT)), "spool_id");
        refuses(batch(SPOOL, 0, "a"), "records[0].number");
        AppendSpooledRequest.Builder gap = batch(SPOOL, 1, "a", "b");
        refuses(gap.setRecords(1, gap.getRecords(1).toBuilder().setNumber(3)), "records[1].number");
        refuses(batch(SPOOL, 1, "a").setPreviousHash(ByteString.copyFromUtf8("short")), "previous_hash");
        refuses(batch(SPOOL, 1, "a").clearLastHash(), "last_hash");
        refuses(batch(SPOOL, 5, "a").setHighestNumber(4), "highest_number");
        AppendSpooledRequest.Builder traced = batch(SPOOL, 1, "a");
        traced.getRecordsBuilder(0).setTraceContext("00-1-2-3");
        refuses(traced, "records[0].trace_context");
        refuses(batch(SPOOL, 1, "a").setRecords(0, SpooledRecord.newBuilder().setNumber(1)), "records[0].events");
        refuses(
                batch(SPOOL, 1, "a")
                        .setRecords(
                                0,
                                SpooledRecord.newBuilder()
                                        .setNumber(1)
                                        .addEvents(event("a").setType("assize.own"))),
                "records[0].events[0].type");
        assertThat(spools()).isEmpty();
    }

    @Test
    void refusesMoreThanAnAppendMayHave() {
        SpooledRecord.Builder many = SpooledRecord.newBuilder().setNumber(1);
        IntStream.range(0, 499).forEach(i -> many.addEvents(event("e")));
        AppendSpooledRequest.Builder most = batch(SPOOL, 1, "a", "b").setRecords(0, many);

        assertThat(append(most).getNextNumber()).isEqualTo(3);
        refuses(most.setRecords(0, many.addEvents(event("e"))), "records");
    }

    @Test
    void refusesAnActorForWhomTheSidecarMayNotSpeak() {
        AppendSpooledRequest.Builder batch = batch(SPOOL, 1, "a");
        batch.getRecordsBuilder(0).getEventsBuilder(0).setActor("user:alice");

        Refusal.of(() -> append(batch)).is(ErrorReason.ACT_AS_MISSING);
    }

    @Test
    void appendsWhatFollowsAndNothingTwice() {
        assertThat(append(batch(SPOOL, 1, "a", "b")).getAppended()).isTrue();
        assertThat(append(batch(SPOOL, 3, "c")).getNextNumber()).isEqualTo(4);

        AppendSpooledResponse again = append(batch(SPOOL, 2, "b", "c"));
        assertThat(again.getAppended()).isFalse();
        assertThat(again.getNextNumber()).isEqualTo(4);
        assertThat(again.getLastHash()).isEqualTo(hash(SPOOL, 4));
        assertThat(reasons()).containsExactly("a", "b", "c");
        assertThat(entries().getFirst().getRecordedBy()).isEqualTo("service:replay");
        assertThat(door.meters.counter("assize.spool.received.records").count()).isEqualTo(3);
    }

    @Test
    void appendsNothingBehindWhatIsMissing() {
        append(batch(SPOOL, 1, "a"));

        AppendSpooledResponse missing = append(batch(SPOOL, 3, "c"));
        assertThat(missing.getAppended()).isFalse();
        assertThat(missing.getNextNumber()).isEqualTo(2);
        assertThat(append(batch(OTHER, 2, "x")).getNextNumber()).isEqualTo(1);
        assertThat(reasons()).containsExactly("a");
        assertThat(door.meters
                        .counter("assize.spool.received.batches", "result", "missing")
                        .count())
                .isEqualTo(2);
        assertThat(spools().getFirst().getMissing()).isEqualTo(2);
    }

    @Test
    void appendsNothingThatContinuesOtherRecords() {
        append(batch(SPOOL, 1, "a"));

        assertThat(append(batch(SPOOL, 2, "b").setPreviousHash(hash(OTHER, 2))).getAppended())
                .isFalse();
        assertThat(door.meters
                        .counter("assize.spool.received.batches", "result", "forked")
                        .count())
                .isEqualTo(1);
    }

    @Test
    void tellsWhereItStandsAndNotesWhatToExpect() {
        assertThat(ask(SPOOL, 0)).isEqualTo(1);
        assertThat(spools()).isEmpty();
        assertThat(ask(SPOOL, 7)).isEqualTo(1);
        assertThat(spools().getFirst().getMissing()).isEqualTo(7);

        append(batch(SPOOL, 1, "a"));
        assertThat(ask(SPOOL, 7)).isEqualTo(2);
        SpoolStanding standing = spools().getFirst();
        assertThat(standing.getHighestNumber()).isEqualTo(7);
        assertThat(standing.getMissing()).isEqualTo(6);
        assertThat(standing.getRecordedBy()).isEqualTo("service:replay");
    }

    @Test
    void notesAHundredSpoolsOfWhichItTakesNothingAndCountsTheOthers() {
        for (int i = 0; i <= SpoolRepository.MOST_HEARD_OF; i++) {
            assertThat(ask("%032x".formatted(i), 1)).isEqualTo(1);
        }
        assertThat(spools()).hasSize(SpoolRepository.MOST_HEARD_OF);
        assertThat(received("unnoted")).isEqualTo(1);
        assertThat(append(batch(OTHER, 2, "b")).getNextNumber()).isEqualTo(1);
        assertThat(received("missing")).as("what is missing alarms in any case").isEqualTo(1);
        assertThat(append(batch(SPOOL, 1, "a")).getAppended()).isTrue();
    }

    @Test
    void refusesANewSpoolOfAKeyThatHasBegunTenThousand() {
        door.spools.fill(GrpcFixture.ACME, sender(), SpoolRepository.MOST_OF_KEY);

        Refusal.of(() -> append(batch(OTHER, 1, "a")))
                .is(ErrorReason.SPOOLS_FULL)
                .saying("key " + sender().keyId()
                        + " of service:replay of tenant acme has begun 10000 spools in the ledger" + " of acme");
        assertThat(received("full")).isEqualTo(1);
        assertThat(reasons()).isEmpty();

        String another = door.key("service:replay", "acme", false, "acme");
        assertThat(door.ledger(another)
                        .appendSpooled(batch(OTHER, 1, "a").build())
                        .getAppended())
                .as("with another key of the same subject")
                .isTrue();
    }

    @Test
    void countsSpoolsThatAreBegunWhereFourFifthsAre() {
        door.spools.fill(GrpcFixture.ACME, sender(), SpoolRepository.CROWDED - 2);

        append(batch(SPOOL, 1, "a"));
        assertThat(door.meters.counter("assize.spool.crowded").count()).isZero();
        append(batch(OTHER, 1, "a"));
        assertThat(door.meters.counter("assize.spool.crowded").count()).isEqualTo(1);
        append(batch(OTHER, 2, "b"));
        assertThat(door.meters.counter("assize.spool.crowded").count())
                .as("one that was begun before")
                .isEqualTo(1);
    }

    /** As the ledger knows whoever calls here. */
    private Sender sender() {
        return new Sender(
                new Recorder(new Subject("service", "replay"), GrpcFixture.ACME),
                door.replay.split("_", -1)[1]);
    }

    private double received(String result) {
        return door.meters
                .counter("assize.spool.received.batches", "result", result)
                .count();
    }

    @Test
    void refusesTheSpoolOfAnotherRecorder() {
        append(batch(SPOOL, 1, "a"));

        Refusal.of(() -> door.ledger(door.admin)
                        .appendSpooled(batch(SPOOL, 1, "a").build()))
                .is(ErrorReason.SPOOL_OF_ANOTHER_RECORDER)
                .saying("of another recorder than user:admin");
        assertThat(reasons()).containsExactly("a");
    }

    @Test
    void countsASpoolThatAnotherTookThePlaceOf() {
        append(batch(SPOOL, 1, "a").setHighestNumber(3));
        append(batch(OTHER, 1, "x"));

        assertThat(door.meters.counter("assize.spool.left").count()).isEqualTo(1);
    }

    @Test
    void refusesToDeclareLostWhatIsNot() {
        Refusal.of(() -> declare(SPOOL, 1)).is(ErrorReason.SPOOL_NOT_FOUND);
        append(batch(SPOOL, 1, "a").setHighestNumber(3));

        Refusal.of(() -> declare(SPOOL, 1)).is(ErrorReason.SPOOL_NOT_MISSING);
        Refusal.of(() -> declare(SPOOL, 4)).is(ErrorReason.SPOOL_NOT_MISSING).saying("records 2 to 3 are missing");
        Refusal.of(() -> door.ledger(door.replay)
                        .declareSpoolLoss(loss(SPOOL, 3).clearReason().build()))
                .naming("reason");
    }

    @Test
    void whatIsDeclaredLostIsRecordedAndWhatFollowsIsTaken() {
        append(batch(SPOOL, 1, "a").setHighestNumber(3));

        DeclareSpoolLossResponse lost = declare(SPOOL, 3);
        assertThat(lost.getFromNumber()).isEqualTo(2);
        assertThat(lost.getThroughNumber()).isEqualTo(3);
        AuditEntry entry = entries().getLast();
        assertThat(entry.getSeq()).isEqualTo(lost.getEntry().getSeq());
        assertThat(entry.getEvent().getType()).isEqualTo("assize.spool.lost");
        assertThat(entry.getEvent().getReason()).isEqualTo("disk broke");
        assertThat(entry.getEvent().getPayload()).contains("\"from_number\":2", "\"through_number\":3");
        assertThat(spools().getFirst().getMissing()).isZero();

        assertThat(append(batch(SPOOL, 4, "d").setPreviousHash(hash(OTHER, 9))).getAppended())
                .isTrue();
    }

    @Test
    void aServerWithALedgerAnswersInTheLedgerWhateverIsAsked() {
        for (Acknowledgement acknowledgement : List.of(
                Acknowledgement.ACKNOWLEDGEMENT_UNSPECIFIED,
                Acknowledgement.ACKNOWLEDGEMENT_IN_LEDGER,
                Acknowledgement.ACKNOWLEDGEMENT_SPOOLED)) {
            AppendAuditResponse response = door.ledger(door.replay)
                    .appendAudit(AppendAuditRequest.newBuilder()
                            .setTenant("acme")
                            .addEvents(event("direct"))
                            .setAcknowledgement(acknowledgement)
                            .build());
            assertThat(response.getAcknowledgement()).isEqualTo(Acknowledgement.ACKNOWLEDGEMENT_IN_LEDGER);
            assertThat(response.hasSpooled()).isFalse();
            assertThat(response.getEntriesCount()).isEqualTo(1);
        }
        Refusal.of(() -> door.ledger(door.replay)
                        .appendAudit(AppendAuditRequest.newBuilder()
                                .setTenant("acme")
                                .addEvents(event("direct"))
                                .setAcknowledgementValue(3)
                                .build()))
                .is(ErrorReason.REQUEST_INVALID)
                .naming("acknowledgement");
    }

    private void refuses(AppendSpooledRequest.Builder request, String field) {
        Refusal.of(() -> append(request)).is(ErrorReason.REQUEST_INVALID).naming(field);
    }

    private AppendSpooledResponse append(AppendSpooledRequest.Builder request) {
        return door.ledger(door.replay).appendSpooled(request.build());
    }

    private long ask(String spool, long highest) {
        return append(AppendSpooledRequest.newBuilder()
                        .setTenant("acme")
                        .setSpoolId(spool)
                        .setHighestNumber(highest))
                .getNextNumber();
    }

    private List<SpoolStanding> spools() {
        return door.ledger(door.replay)
                .listSpools(ListSpoolsRequest.newBuilder().setTenant("acme").build())
                .getSpoolsList();
    }

    private DeclareSpoolLossResponse declare(String spool, long through) {
        return door.ledger(door.replay).declareSpoolLoss(loss(spool, through).build());
    }

    private static DeclareSpoolLossRequest.Builder loss(String spool, long through) {
        return DeclareSpoolLossRequest.newBuilder()
                .setTenant("acme")
                .setRecordedBy("service:replay")
                .setSpoolId(spool)
                .setThroughNumber(through)
                .setReason("disk broke");
    }

    private List<AuditEntry> entries() {
        return door.ledger(door.replay)
                .queryAudit(QueryAuditRequest.newBuilder()
                        .setTenant("acme")
                        .setAscending(true)
                        .setPageSize(1_000)
                        .build())
                .getEntriesList();
    }

    private List<String> reasons() {
        return entries().stream().map(entry -> entry.getEvent().getReason()).toList();
    }

    /** Records from a number on, one event each. */
    private static AppendSpooledRequest.Builder batch(String spool, long first, String... reasons) {
        AppendSpooledRequest.Builder batch = AppendSpooledRequest.newBuilder()
                .setTenant("acme")
                .setSpoolId(spool)
                .setPreviousHash(hash(spool, first))
                .setLastHash(hash(spool, first + reasons.length))
                .setHighestNumber(Math.max(0, first + reasons.length - 1));
        for (int i = 0; i < reasons.length; i++) {
            batch.addRecords(SpooledRecord.newBuilder().setNumber(first + i).addEvents(event(reasons[i])));
        }
        return batch;
    }

    /** Some hash for the place before a record; of the first, the one that a spool begins with. */
    private static ByteString hash(String spool, long before) {
        String text = "assize spool " + spool + (before <= 1 ? "" : " " + before);
        return ByteString.copyFrom(Digest.sha256(text.getBytes(UTF_8)).bytes());
    }

    private static AuditEvent.Builder event(String reason) {
        return AuditEvent.newBuilder()
                .setType("replay.executed")
                .setAction("execute")
                .setResource("replay:r1")
                .setOutcome(Outcome.OUTCOME_SUCCESS)
                .setReason(reason);
    }
}
