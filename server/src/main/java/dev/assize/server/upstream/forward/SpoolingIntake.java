package dev.assize.server.upstream.forward;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.google.inject.Inject;
import dev.assize.proto.v1.AppendAuditRequest;
import dev.assize.proto.v1.AppendAuditResponse;
import dev.assize.proto.v1.AppendedEntry;
import dev.assize.proto.v1.SpooledRecord;
import dev.assize.server.audit.Acknowledgement;
import dev.assize.server.audit.AuditEvent;
import dev.assize.server.audit.AuditIntake;
import dev.assize.server.decision.DecisionService;
import dev.assize.server.ledger.AppendResult;
import dev.assize.server.ledger.LedgerBusyException;
import dev.assize.server.ledger.LedgerUnavailableException;
import dev.assize.server.ledger.Receipt;
import dev.assize.server.model.Digest;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.TenantId;
import dev.assize.server.spool.SpoolAnswer;
import dev.assize.server.spool.SpoolFullException;
import dev.assize.server.upstream.forward.Forwarding.Lane;
import io.grpc.Context;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The intake of a sidecar: spools what may be spooled, and has everything else appended to the ledger at once, behind what
 * was spooled before.
 *
 * <p>What a separation of duty asks the ledger for is not spooled: until it is in the ledger, somebody else would be allowed
 * what the rule forbids. Which actions those are is known from the policy that is held, and remembered when none is held any
 * more; where none ever was, nothing is taken that may be spooled. What was sent to the ledger under a key is not spooled
 * under it: the ledger may have it, whatever was answered.
 */
final class SpoolingIntake implements AuditIntake {

    /** What is larger is not spooled: with what forwarding adds it must fit into a request. */
    static final int MOST_BYTES = 4 * 1_024 * 1_024;

    /** How long, and how many, keys are known that were sent to the ledger. */
    static final Duration KEEP_SENT = Duration.ofDays(1);

    static final int MOST_SENT = 100_000;

    private final Forwarding forwarding;
    private final LedgerLink link;
    private final DecisionService decisions;
    private final InstantSource clock;
    private final ForwardMetrics metrics;
    private final Map<TenantId, Set<String>> historyActions = new ConcurrentHashMap<>();
    private final Cache<Sent, Boolean> sent = Caffeine.newBuilder()
            .expireAfterWrite(KEEP_SENT)
            .maximumSize(MOST_SENT)
            .executor(Runnable::run)
            .build();

    /** A key under which something was sent to the ledger. */
    private record Sent(TenantId tenant, String key) {}

    @Inject
    SpoolingIntake(
            Forwarding forwarding,
            LedgerLink link,
            DecisionService decisions,
            InstantSource clock,
            ForwardMetrics metrics) {
        this.forwarding = forwarding;
        this.link = link;
        this.decisions = decisions;
        this.clock = clock;
        this.metrics = metrics;
    }

    @Override
    public CompletableFuture<Taken> take(
            TenantId tenant,
            Recorder recorder,
            List<AuditEvent> events,
            @Nullable String idempotencyKey,
            Acknowledgement acknowledgement) {
        Lane lane = forwarding.lane(tenant);
        if (acknowledgement == Acknowledgement.SPOOLED
                && !wasSent(tenant, idempotencyKey)
                && mayBeSpooled(tenant, events)) {
            // Of an event that does not say when it happened the ledger would say that it did when it was forwarded.
            byte[] payload = record(events, clock.instant().truncatedTo(ChronoUnit.MICROS))
                    .toByteArray();
            if (payload.length <= MOST_BYTES) {
                return spool(lane, events, payload, idempotencyKey);
            }
        }
        return append(lane, tenant, events, idempotencyKey);
    }

    private boolean wasSent(TenantId tenant, @Nullable String key) {
        return key != null && sent.getIfPresent(new Sent(tenant, key)) != null;
    }

    private boolean mayBeSpooled(TenantId tenant, List<AuditEvent> events) {
        decisions.historyActions(tenant).ifPresent(actions -> historyActions.put(tenant, Set.copyOf(actions)));
        Set<String> known = historyActions.get(tenant);
        if (known == null) {
            throw new LedgerUnavailableException(
                    "nothing was kept: the policy of tenant `" + tenant + "` is not known yet, and what may be spooled",
                    null);
        }
        return events.stream().noneMatch(event -> known.contains(event.action().value()));
    }

    private CompletableFuture<Taken> spool(Lane lane, List<AuditEvent> events, byte[] payload, @Nullable String key) {
        Digest content = Digest.sha256(record(events, null).toByteArray());
        return lane.forwarder()
                .queue()
                .append(payload, key, content)
                .handle((answer, failure) -> failure == null ? taken(lane, answer, key) : failed(failure));
    }

    private static SpooledRecord record(List<AuditEvent> events, @Nullable Instant occurredAt) {
        SpooledRecord.Builder record = SpooledRecord.newBuilder();
        events.forEach(event -> record.addEvents(EventWire.of(event, occurredAt)));
        String trace = events.getFirst().traceContext();
        // It is no part of what a retry is compared by.
        if (trace != null && occurredAt != null) {
            record.setTraceContext(trace);
        }
        return record.build();
    }

    private Taken taken(Lane lane, SpoolAnswer answer, @Nullable String key) {
        String id = lane.forwarder().queue().id();
        return switch (answer) {
            case SpoolAnswer.Taken(long number) -> {
                metrics.spooled();
                yield new Taken.Spooled(id, number, false);
            }
            case SpoolAnswer.Known(long number) -> new Taken.Spooled(id, number, true);
            case SpoolAnswer.OtherContent() -> new Taken.InLedger(new AppendResult.KeyReused(String.valueOf(key)));
        };
    }

    private Taken failed(Throwable failure) {
        Throwable cause = failure instanceof CompletionException wrapper && wrapper.getCause() != null
                ? wrapper.getCause()
                : failure;
        if (cause instanceof SpoolFullException full) {
            metrics.full();
            throw new LedgerBusyException(String.valueOf(full.getMessage()), full.retryAfter());
        }
        metrics.failed();
        throw new LedgerUnavailableException(String.valueOf(cause.getMessage()), cause);
    }

    private CompletableFuture<Taken> append(Lane lane, TenantId tenant, List<AuditEvent> events, @Nullable String key) {
        if (key != null && lane.forwarder().queue().knows(key)) {
            // It was only spooled then, and is to be in the ledger now: that is not the same request.
            return CompletableFuture.completedFuture(new Taken.InLedger(new AppendResult.KeyReused(key)));
        }
        if (key != null) {
            sent.put(new Sent(tenant, key), true);
        }
        AppendAuditRequest.Builder request =
                AppendAuditRequest.newBuilder().setTenant(tenant.value()).setIdempotencyKey(key == null ? "" : key);
        events.forEach(event -> request.addEvents(EventWire.of(event, null)));
        Context caller = Context.current();
        return forwarding
                .whenForwarded(tenant)
                .thenCompose(done -> link.append(request.build(), caller))
                .thenApply(SpoolingIntake::inLedger);
    }

    private static Taken inLedger(AppendAuditResponse response) {
        List<Receipt> receipts =
                response.getEntriesList().stream().map(SpoolingIntake::receipt).toList();
        return new Taken.InLedger(
                response.getReplayed() ? new AppendResult.Replayed(receipts) : new AppendResult.Appended(receipts));
    }

    private static Receipt receipt(AppendedEntry entry) {
        return new Receipt(
                entry.getSeq(),
                Digest.of(entry.getEntryHash().toByteArray()),
                Instant.ofEpochSecond(
                        entry.getRecordedAt().getSeconds(),
                        entry.getRecordedAt().getNanos()));
    }
}
