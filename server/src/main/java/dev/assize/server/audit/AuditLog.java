package dev.assize.server.audit;

import dev.assize.server.ledger.AppendResult;
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
}
