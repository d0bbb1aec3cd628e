package dev.assize.server.audit;

import dev.assize.server.audit.Masking.Masked;
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
    private final AuditSettings settings;
    private final Pseudonyms pseudonyms;

    @Inject
    LedgerAuditLog(Appender appender, AuditCodec codec, AuditSettings settings, Pseudonyms pseudonyms) {
        this.appender = appender;
        this.codec = codec;
        this.settings = settings;
        this.pseudonyms = pseudonyms;
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
        Masking masking = new Masking(settings.piiPatterns(tenant));
        Pseudonymity named = Pseudonymity.of(tenant, settings, pseudonyms);
        List<Masked> masked =
                events.stream().map(named::apply).map(masking::apply).toList();
        List<EntryDraft> drafts = masked.stream()
                .map(event -> codec.encode(event, named.apply(recorder, event.event()), tenant, idempotencyKey))
                .toList();
        Idempotency idempotency = idempotencyKey == null
                ? null
                : new Idempotency(idempotencyKey, contentHash(masked, named, recorder, tenant, idempotencyKey));
        return appender.append(tenant, new AppendCommand(recorder, drafts, idempotency, precondition));
    }

    /**
     * Over what the caller sent, each part behind its length, so that no two requests have the same parts; but without
     * what was masked and what may be erased, which could be guessed from a hash.
     */
    private Digest contentHash(
            List<Masked> events, Pseudonymity named, Recorder recorder, TenantId tenant, String idempotencyKey) {
        return Digest.sha256(events.stream()
                .flatMap(event -> Stream.of(
                        event.event().type().getBytes(StandardCharsets.UTF_8),
                        codec.comparable(event, named.apply(recorder, event.event()), tenant, idempotencyKey)))
                .flatMap(part -> Stream.of(
                        ByteBuffer.allocate(Integer.BYTES).putInt(part.length).array(), part))
                .toArray(byte[][]::new));
    }
}
