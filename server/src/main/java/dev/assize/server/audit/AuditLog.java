package dev.assize.server.audit;

import dev.assize.server.ledger.AppendResult;
import dev.assize.server.ledger.Precondition;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.TenantId;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** The front desk of the audit room: appends events to a tenant's ledger. */
public interface AuditLog {

    /**
     * Queues the events, to be appended together, and completes when they are durable.
     *
     * @param idempotencyKey null where a retry is not to be recognised
     * @return completes exceptionally with {@link dev.assize.server.ledger.LedgerBusyException} when the queue is full
     */
    CompletableFuture<AppendResult> append(
            TenantId tenant, Recorder recorder, List<AuditEvent> events, @Nullable String idempotencyKey);

    /**
     * Queues the event, to be appended if the precondition holds of the ledger that it is appended to: it is asked with
     * the tenant's head locked, and of two events whose preconditions exclude each other one is refused. A retry that the
     * key recognises is answered without asking. The precondition runs on a thread of the ledger's and must be short.
     *
     * @param idempotencyKey null where a retry is not to be recognised
     * @return completes exceptionally as {@link #append} does, or with what the precondition threw; nothing is appended
     *     then
     */
    CompletableFuture<AppendResult> appendIf(
            TenantId tenant,
            Recorder recorder,
            AuditEvent event,
            @Nullable String idempotencyKey,
            Precondition precondition);
}
