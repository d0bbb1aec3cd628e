package dev.assize.server.audit;

import dev.assize.server.ledger.AppendCommand;
import dev.assize.server.ledger.AppendCommand.Idempotency;
import dev.assize.server.ledger.AppendResult;
import dev.assize.server.ledger.Appender;
import dev.assize.server.ledger.EntryDraft;
import dev.assize.server.ledger.Precondition;
import dev.assize.server.model.Digest;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.TenantId;
import jakarta.inject.Inject;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The log that encodes events and has the ledger append them. */
final class LedgerAuditLog implements AuditLog {

    private final Appender appender;
    private final AuditCodec codec;

    @Inject
    LedgerAuditLog(Appender appender, AuditCodec codec) {
        this.appender = appender;
        this.codec = codec;
    }

    @Override
    public CompletableFuture<AppendResult> append(
            TenantId tenant, Recorder recorder, List<AuditEvent> events, @Nullable String idempotencyKey) {
        return append(tenant, recorder, events, idempotencyKey, null);
    }

    @Override
    public CompletableFuture<AppendResult> appendIf(
            TenantId tenant,
            Recorder recorder,
            AuditEvent event,
            @Nullable String idempotencyKey,
            Precondition precondition) {
        return append(tenant, recorder, List.of(event), idempotencyKey, precondition);
    }

    private CompletableFuture<AppendResult> append(
            TenantId tenant,
            Recorder recorder,
            List<AuditEvent> events,
            @Nullable String idempotencyKey,
            @Nullable Precondition precondition) {
        List<EntryDraft> drafts = events.stream()
                .map(event -> codec.encode(event, recorder, tenant, idempotencyKey))
                .toList();
        Idempotency idempotency = idempotencyKey == null ? null : new Idempotency(idempotencyKey, contentHash(drafts));
        return appender.append(tenant, new AppendCommand(recorder, drafts, idempotency, precondition));
    }

    /** Over what the caller sent, each part behind its length, so that no two requests have the same parts. */
    private static Digest contentHash(List<EntryDraft> drafts) {
        return Digest.sha256(drafts.stream()
                .flatMap(draft -> Stream.of(draft.type().getBytes(StandardCharsets.UTF_8), draft.body()))
                .flatMap(part -> Stream.of(
                        ByteBuffer.allocate(Integer.BYTES).putInt(part.length).array(), part))
                .toArray(byte[][]::new));
    }
}
