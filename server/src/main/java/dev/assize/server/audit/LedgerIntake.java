package dev.assize.server.audit;

import com.google.inject.Inject;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.TenantId;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** The intake of a server with a ledger of its own: nothing is spooled. */
final class LedgerIntake implements AuditIntake {

    private final AuditLog log;

    @Inject
    LedgerIntake(AuditLog log) {
        this.log = log;
    }

    @Override
    public CompletableFuture<Taken> take(
            TenantId tenant,
            Recorder recorder,
            List<AuditEvent> events,
            @Nullable String idempotencyKey,
            Acknowledgement acknowledgement) {
        return log.append(tenant, recorder, events, idempotencyKey).thenApply(Taken.InLedger::new);
    }
}
