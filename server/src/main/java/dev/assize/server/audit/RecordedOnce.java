package dev.assize.server.audit;

import com.google.inject.Inject;
import dev.assize.server.ledger.AppendResult;
import dev.assize.server.ledger.Receipt;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.TenantId;
import java.util.List;
import java.util.concurrent.CompletionException;

/** Appends an event of Assize's own and waits for it; a second time, under the same key, it is the first one. Blocks. */
public final class RecordedOnce {

    private final AuditLog log;

    @Inject
    public RecordedOnce(AuditLog log) {
        this.log = log;
    }

    /**
     * The event's position.
     *
     * @param key stands for what is recorded: the same is never used for anything else
     */
    public long record(TenantId tenant, Recorder recorder, AuditEvent event, String key) {
        try {
            return switch (log.append(tenant, recorder, List.of(event), key).join()) {
                case AppendResult.Appended(List<Receipt> receipts) ->
                    receipts.getFirst().seq();
                case AppendResult.Replayed(List<Receipt> receipts) ->
                    receipts.getFirst().seq();
                case AppendResult.KeyReused _, AppendResult.Refused _ ->
                    throw new IllegalStateException("One key stands for one thing: " + key);
            };
        } catch (CompletionException failed) {
            if (failed.getCause() instanceof RuntimeException cause) {
                throw cause;
            }
            throw failed;
        }
    }
}
