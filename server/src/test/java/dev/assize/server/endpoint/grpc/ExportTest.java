package dev.assize.server.endpoint.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import dev.assize.client.ledger.ChainVerifier;
import dev.assize.proto.v1.AppendAuditRequest;
import dev.assize.proto.v1.AuditEvent;
import dev.assize.proto.v1.ExportAuditRequest;
import dev.assize.proto.v1.ExportAuditResponse;
import dev.assize.proto.v1.ExportFormat;
import dev.assize.proto.v1.ExportProgress;
import dev.assize.proto.v1.LedgerServiceGrpc;
import dev.assize.proto.v1.Outcome;
import dev.assize.server.endpoint.call.ErrorReason;
import dev.assize.server.ledger.InMemoryLedgerStore;
import dev.assize.server.ledger.StoredEntry;
import dev.assize.server.model.Digest;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ExportTest {

    private static final ExportCalls.Patience SHORT =
            new ExportCalls.Patience(Duration.ofMillis(100), Duration.ofMinutes(1));

    @TempDir
    Path directory;

    private GrpcFixture door;

    @BeforeEach
    void open() {
        door = new GrpcFixture(directory, GrpcConfig.defaults(), SHORT);
        grant();
    }

    @AfterEach
    void close() {
        door.close();
    }

    @Test
    void refusesWhatIsMalformed() {
        refuses(request(ExportFormat.EXPORT_FORMAT_UNSPECIFIED), "format");
        refuses(request(ExportFormat.EXPORT_FORMAT_CSV).setFormatValue(9), "format");
        refuses(request(ExportFormat.EXPORT_FORMAT_CSV).setFromSeq(-1), "from_seq");
        refuses(request(ExportFormat.EXPORT_FORMAT_CSV).setFromSeq(2).setToSeq(1), "to_seq");
        refuses(request(ExportFormat.EXPORT_FORMAT_CSV).setActor("nobody"), "actor");
        refuses(request(ExportFormat.EXPORT_FORMAT_CSV).setResource("no path"), "resource");
        Refusal.of(() -> parts(
                        door.admin, request(ExportFormat.EXPORT_FORMAT_CSV).setTenant("nowhere")))
                .is(ErrorReason.TENANT_NOT_FOUND);
    }

    @Test
    void handsOutFramesThatMakeTheChain() {
        append(700);
        List<ExportAuditResponse> parts = parts(door.replay, request(ExportFormat.EXPORT_FORMAT_FRAMES));
        ChainVerifier chain = ChainVerifier.fromTheBeginning(InMemoryLedgerStore.origin(GrpcFixture.ACME));
        for (byte[] frame : frames(parts)) {
            assertThat(chain.accept(frame)).isEmpty();
        }
        assertThat(chain.size()).isEqualTo(700);
        assertThat(parts.getLast().getResult().getExported()).isEqualTo(700);
        assertThat(parts.getLast().getResult().getLedgerSize()).isEqualTo(700);
        ExportProgress first = parts.getFirst().getProgress();
        assertThat(first.getTotal()).isEqualTo(700);
        assertThat(first.getEnd()).isEqualTo(700);
        for (ExportAuditResponse part : parts) {
            assertThat(part.getSerializedSize()).isLessThan(ExportStream.MESSAGE_BYTES + 70_000);
        }
    }

    @Test
    void keepsToTheStretchAsked() {
        append(10);
        List<ExportAuditResponse> parts = parts(
                door.replay,
                request(ExportFormat.EXPORT_FORMAT_FRAMES).setFromSeq(3).setToSeq(5));
        assertThat(frames(parts)).hasSize(3);
        assertThat(parts.getFirst().getProgress().getTotal()).isEqualTo(3);
        parts = parts(
                door.replay,
                request(ExportFormat.EXPORT_FORMAT_FRAMES).setFromSeq(9).setToSeq(99));
        assertThat(frames(parts)).hasSize(1);
        assertThat(parts.getFirst().getProgress().getTotal()).isEqualTo(1);
        parts = parts(door.replay, request(ExportFormat.EXPORT_FORMAT_FRAMES).setFromSeq(10));
        assertThat(frames(parts)).isEmpty();
    }

    @Test
    void showsOneWithAFewEnvironmentsOnlyThose() {
        append(2);
        String staging = door.key("service:replay", "acme", false, Set.of("staging"), Set.of(), "acme");
        append(staging, event().setEnv("staging"));

        List<ExportAuditResponse> parts = parts(staging, request(ExportFormat.EXPORT_FORMAT_FRAMES));
        assertThat(frames(parts)).hasSize(1);
        assertThat(parts.getFirst().getProgress().hasTotal()).isFalse();
    }

    @Test
    void writesLinesWhole() {
        append(3);
        String csv = text(parts(door.replay, request(ExportFormat.EXPORT_FORMAT_CSV)));
        assertThat(csv.lines()).hasSize(4);
        assertThat(csv).startsWith("seq,entry_hash,").endsWith("\r\n");
        String none =
                text(parts(door.replay, request(ExportFormat.EXPORT_FORMAT_CSV).setType("nothing.like.it")));
        assertThat(none.lines()).hasSize(1);
        String json = text(parts(door.replay, request(ExportFormat.EXPORT_FORMAT_JSON_LINES)));
        assertThat(json.lines()).hasSize(3).allSatisfy(line -> assertThat(line).startsWith("{\"seq\":"));
    }

    @Test
    void saysThatAStoredEntryIsNoFrameAnyMoreButHandsItOutAsEvidence() {
        append(2);
        byte[] torn = {1, 2, 3};
        door.ledger
                .rows(GrpcFixture.ACME)
                .computeIfPresent(1L, (seq, entry) -> new StoredEntry(seq, torn, Digest.sha256(torn), entry.columns()));

        Refusal.of(() -> parts(door.replay, request(ExportFormat.EXPORT_FORMAT_CSV)))
                .is(ErrorReason.LEDGER_UNREADABLE);
        assertThat(frames(parts(door.replay, request(ExportFormat.EXPORT_FORMAT_FRAMES))))
                .hasSize(2)
                .last()
                .isEqualTo(torn);
    }

    @Test
    void leavesAReaderThatTakesNothing() throws Exception {
        append(500);
        append(500);
        append(500);
        Reader stalled = new Reader();
        stalled.request(1);

        Status status = stalled.closed.get(20, TimeUnit.SECONDS);
        assertThat(status.getCode()).isEqualTo(Status.Code.ABORTED);
        assertThat(status.getDescription()).contains("took nothing for", "from_seq");
        assertThat(stalled.taken).hasValue(1);
        // The slot is free again.
        for (int i = 0; i <= ExportCalls.SLOTS; i++) {
            assertThat(parts(door.replay, request(ExportFormat.EXPORT_FORMAT_CSV)))
                    .isNotEmpty();
        }
    }

    @Test
    void runsAFewAtATime() throws Exception {
        door.close();
        door = new GrpcFixture(
                directory,
                GrpcConfig.defaults(),
                new ExportCalls.Patience(Duration.ofMinutes(1), Duration.ofMinutes(1)));
        grant();
        append(500);
        List<Reader> waiting = new ArrayList<>();
        for (int i = 0; i < ExportCalls.SLOTS; i++) {
            Reader reader = new Reader();
            reader.request(1);
            reader.first.get(20, TimeUnit.SECONDS);
            waiting.add(reader);
        }
        Refusal.of(() -> parts(door.replay, request(ExportFormat.EXPORT_FORMAT_CSV)))
                .is(ErrorReason.EXPORTER_BUSY);
        for (Reader reader : waiting) {
            reader.call.cancel("enough", null);
        }
        // Whoever goes away makes room, as soon as the server has heard of it.
        List<ExportAuditResponse> parts = null;
        long end = System.nanoTime() + Duration.ofSeconds(20).toNanos();
        while (parts == null) {
            try {
                parts = parts(door.replay, request(ExportFormat.EXPORT_FORMAT_CSV));
            } catch (StatusRuntimeException busy) {
                assertThat(System.nanoTime()).isLessThan(end);
            }
        }
        assertThat(text(parts).lines()).hasSize(501);
    }

    private void grant() {
        for (String action : List.of("append", "export")) {
            door.decisions.grant("service:replay", action, "tenant:acme/ledger");
        }
    }

    private void refuses(ExportAuditRequest.Builder request, String field) {
        Refusal.of(() -> parts(door.replay, request))
                .is(ErrorReason.REQUEST_INVALID)
                .naming(field);
    }

    private List<ExportAuditResponse> parts(String key, ExportAuditRequest.Builder request) {
        List<ExportAuditResponse> parts = new ArrayList<>();
        door.ledger(key).exportAudit(request.build()).forEachRemaining(parts::add);
        return parts;
    }

    private static List<byte[]> frames(List<ExportAuditResponse> parts) {
        return parts.stream()
                .flatMap(part -> part.getFrames().getFramesList().stream())
                .map(ByteString::toByteArray)
                .toList();
    }

    private static String text(List<ExportAuditResponse> parts) {
        return parts.stream()
                .map(ExportAuditResponse::getText)
                .reduce(ByteString.EMPTY, ByteString::concat)
                .toStringUtf8();
    }

    private static ExportAuditRequest.Builder request(ExportFormat format) {
        return ExportAuditRequest.newBuilder().setTenant("acme").setFormat(format);
    }

    private void append(int count) {
        for (int left = count; left > 0; left -= 500) {
            AppendAuditRequest.Builder request = AppendAuditRequest.newBuilder().setTenant("acme");
            for (int i = 0; i < Math.min(left, 500); i++) {
                request.addEvents(event());
            }
            assertThat(door.ledger(door.replay).appendAudit(request.build()).getEntriesCount())
                    .isPositive();
        }
    }

    private void append(String key, AuditEvent.Builder event) {
        assertThat(door.ledger(key)
                        .appendAudit(AppendAuditRequest.newBuilder()
                                .setTenant("acme")
                                .addEvents(event)
                                .build())
                        .getEntriesCount())
                .isOne();
    }

    private static AuditEvent.Builder event() {
        return AuditEvent.newBuilder()
                .setType("replay.executed")
                .setAction("execute")
                .setResource("replay:1")
                .setReason("x".repeat(1_000))
                .setOutcome(Outcome.OUTCOME_SUCCESS);
    }

    /** Takes as many messages as it is told to. */
    private final class Reader extends ClientCall.Listener<ExportAuditResponse> {

        final ClientCall<ExportAuditRequest, ExportAuditResponse> call;
        final CompletableFuture<Status> closed = new CompletableFuture<>();
        final CompletableFuture<ExportAuditResponse> first = new CompletableFuture<>();
        final AtomicInteger taken = new AtomicInteger();

        Reader() {
            LedgerServiceGrpc.LedgerServiceBlockingStub stub = door.ledger(door.replay);
            call = stub.getChannel().newCall(LedgerServiceGrpc.getExportAuditMethod(), stub.getCallOptions());
            call.start(this, new Metadata());
            call.sendMessage(
                    ExportTest.request(ExportFormat.EXPORT_FORMAT_FRAMES).build());
            call.halfClose();
        }

        void request(int messages) {
            call.request(messages);
        }

        @Override
        public void onMessage(ExportAuditResponse message) {
            taken.incrementAndGet();
            first.complete(message);
        }

        @Override
        public void onClose(Status status, Metadata trailers) {
            closed.complete(status);
        }
    }
}
