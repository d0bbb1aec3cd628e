package dev.assize.server.audit;

import dev.assize.server.ledger.AppendResult;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.TenantId;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** Takes what callers append, and answers when they want it answered, or later. */
public interface AuditIntake {

    /**
     * Takes events that were judged, to be appended together.
     *
     * @param idempotencyKey null where a retry is not to be recognised
     * @param acknowledgement what the caller chose; it may be answered in the ledger instead
     * @return completes exceptionally as {@link AuditLog#append} does
     */
    CompletableFuture<Taken> take(
            TenantId tenant,
            Recorder recorder,
            List<AuditEvent> events,
            @Nullable String idempotencyKey,
            Acknowledgement acknowledgement);

    /** How it was taken. */
    sealed interface Taken {

        /** It is in the ledger, or was refused there. */
        record InLedger(AppendResult result) implements Taken {}

        /**
         * It is on disk, and will be in the ledger.
         *
         * @param known it had been before, under the same key
         */
        record Spooled(String spoolId, long number, boolean known) implements Taken {}
    }
}
