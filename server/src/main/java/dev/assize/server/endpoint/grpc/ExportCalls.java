package dev.assize.server.endpoint.grpc;

import com.google.inject.Inject;
import com.google.protobuf.ByteString;
import dev.assize.proto.v1.ExportAuditRequest;
import dev.assize.proto.v1.ExportAuditResponse;
import dev.assize.proto.v1.ExportFormat;
import dev.assize.proto.v1.ExportResult;
import dev.assize.proto.v1.ExportedBase;
import dev.assize.server.access.Permission;
import dev.assize.server.anchor.Checkpoints;
import dev.assize.server.anchor.Prefixes;
import dev.assize.server.anchor.PrunedPrefix;
import dev.assize.server.audit.AuditCodec;
import dev.assize.server.audit.AuditExport;
import dev.assize.server.audit.AuditFilter;
import dev.assize.server.endpoint.call.CallContext;
import dev.assize.server.endpoint.call.ErrorReason;
import dev.assize.server.endpoint.call.Gate;
import dev.assize.server.endpoint.call.RefusedException;
import dev.assize.server.model.TenantId;
import dev.assize.server.recording.DecisionStore;
import io.grpc.Context;
import io.grpc.stub.ServerCallStreamObserver;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.function.LongFunction;
import org.jspecify.annotations.Nullable;

/**
 * `LedgerService/ExportAudit`. An export reads on a thread of its own and waits between messages until its reader has
 * taken the last ones, so what is in memory is one fetch and one message. It holds a connection and a snapshot of the
 * database for as long as it lasts; so few run at a time, and a reader that takes nothing is left.
 */
final class ExportCalls {

    /** Exports at a time on a node. */
    static final int SLOTS = 2;

    private static final Duration RETRY_AFTER = Duration.ofSeconds(10);

    private final AuditExport entries;
    private final DecisionStore decisions;
    private final AuditCodec codec;
    private final Prefixes prefixes;
    private final Checkpoints checkpoints;
    private final Gate gate;
    private final LedgerDirectory ledgers;
    private final Replies replies;
    private final Patience patience;
    private final Semaphore free = new Semaphore(SLOTS);

    @Inject
    ExportCalls(
            AuditExport entries,
            DecisionStore decisions,
            AuditCodec codec,
            Prefixes prefixes,
            Checkpoints checkpoints,
            Gate gate,
            LedgerDirectory ledgers,
            Replies replies,
            Patience patience) {
        this.entries = entries;
        this.decisions = decisions;
        this.codec = codec;
        this.prefixes = prefixes;
        this.checkpoints = checkpoints;
        this.gate = gate;
        this.ledgers = ledgers;
        this.replies = replies;
        this.patience = patience;
    }

    void export(ExportAuditRequest request, ServerCallStreamObserver<ExportAuditResponse> stream) {
        ReaderTurn turn = new ReaderTurn(stream, patience, "Go on behind the last entry received, with `from_seq`");
        try {
            start(admitted(request), turn, stream);
        } catch (RuntimeException | Error failure) {
            replies.fail(stream, failure);
        }
    }

    private Export admitted(ExportAuditRequest request) {
        TenantId tenant = gate.admit(request.getTenant());
        long from = request.getFromSeq();
        if (from < 0) {
            throw RefusedException.invalid("from_seq", Long.toString(from), "a position, 0 or more");
        }
        if (request.hasToSeq() && request.getToSeq() < from) {
            throw RefusedException.invalid(
                    "to_seq", Long.toString(request.getToSeq()), "a position from `from_seq` on");
        }
        AuditFilter filter =
                AuditTranslator.filter(request, CallContext.current().caller().envs());
        ledgers.requireExists(tenant);
        PrunedPrefix pruned = prefixes.of(tenant).orElse(null);
        if (pruned != null && from < pruned.to()) {
            return behind(pruned, tenant, request);
        }
        // Whoever may not read decisions has the entries without them.
        return new Export(
                tenant, filter, request, format(request), gate.permits(tenant, Permission.READ_DECISIONS), null);
    }

    /** All of a ledger is what is left of it; who names a position that is gone means that one. */
    private Export behind(PrunedPrefix pruned, TenantId tenant, ExportAuditRequest request) {
        if (request.getFromSeq() > 0 || (request.hasToSeq() && request.getToSeq() < pruned.to())) {
            prefixes.requireHere(tenant, request.getFromSeq());
        }
        ExportForm format = format(request);
        ExportedBase.Builder base = ExportedBase.newBuilder()
                .setSeq(pruned.to())
                .setPrevHash(ByteString.copyFrom(pruned.beginning().lastHash().bytes()));
        checkpoints.edges(tenant, pruned.to()).forEach(edge -> base.addEdges(ByteString.copyFrom(edge)));
        ExportAuditRequest left = request.toBuilder().setFromSeq(pruned.to()).build();
        return new Export(
                tenant,
                AuditTranslator.filter(left, CallContext.current().caller().envs()),
                left,
                format,
                gate.permits(tenant, Permission.READ_DECISIONS),
                format == ExportForm.FRAMES ? base.build() : null);
    }

    private ExportForm format(ExportAuditRequest request) {
        return switch (request.getFormat()) {
            case EXPORT_FORMAT_FRAMES -> ExportForm.FRAMES;
            case EXPORT_FORMAT_JSON_LINES -> ExportForm.JSON_LINES;
            case EXPORT_FORMAT_CSV -> ExportForm.CSV;
            case EXPORT_FORMAT_UNSPECIFIED, UNRECOGNIZED ->
                throw RefusedException.invalid(
                        "format",
                        Integer.toString(request.getFormatValue()),
                        ExportFormat.EXPORT_FORMAT_FRAMES + ", " + ExportFormat.EXPORT_FORMAT_JSON_LINES + " or "
                                + ExportFormat.EXPORT_FORMAT_CSV);
        };
    }

    private void start(Export export, ReaderTurn turn, ServerCallStreamObserver<ExportAuditResponse> stream) {
        if (!free.tryAcquire()) {
            throw RefusedException.retry(
                    ErrorReason.EXPORTER_BUSY,
                    SLOTS + " exports are under way on this node, which is as many as it runs at a time",
                    RETRY_AFTER);
        }
        Thread _ = Thread.ofVirtual().name("export").start(Context.current().wrap(() -> {
            try {
                run(export, turn, stream);
            } catch (RuntimeException | Error failure) {
                replies.fail(stream, failure);
            } finally {
                free.release();
            }
        }));
    }

    private void run(Export export, ReaderTurn turn, ServerCallStreamObserver<ExportAuditResponse> stream) {
        LongFunction<List<byte[]>> beside =
                seq -> export.withDecisions ? decisions.records(export.tenant, seq) : List.of();
        ExportStream sent = new ExportStream(export.format, codec, export.request, beside, message -> {
            turn.await();
            stream.onNext(message);
        });
        if (export.base != null) {
            turn.await();
            stream.onNext(ExportAuditResponse.newBuilder().setBase(export.base).build());
        }
        long to = export.request.hasToSeq() ? export.request.getToSeq() : Long.MAX_VALUE;
        entries.read(export.tenant, export.filter, to, sent);
        sent.end();
        turn.await();
        stream.onNext(ExportAuditResponse.newBuilder()
                .setResult(
                        ExportResult.newBuilder().setExported(sent.exported()).setLedgerSize(sent.ledgerSize()))
                .build());
        stream.onCompleted();
    }

    private record Export(
            TenantId tenant,
            AuditFilter filter,
            ExportAuditRequest request,
            ExportForm format,
            boolean withDecisions,
            @Nullable ExportedBase base) {}

    /**
     * How long readers are waited for.
     *
     * @param stall for one that takes nothing
     * @param longest for a whole export
     */
    record Patience(Duration stall, Duration longest) {
        static final Patience DEFAULT = new Patience(Duration.ofSeconds(30), Duration.ofHours(1));
    }
}
