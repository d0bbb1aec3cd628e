package dev.assize.server.ledger;

import dev.assize.server.model.Limits;
import java.time.Duration;

/**
 * The ledger's bounds. Pending is what is queued or being written.
 *
 * @param batchEntries after how many entries a batch is closed; a larger command is a batch of its own
 * @param batchBytes after how many bytes of drafts a batch is closed
 * @param tenantPendingEntries over how many pending entries of a tenant further ones are refused
 * @param pendingEntries the same for all tenants together
 * @param pendingBytes the same in bytes of drafts
 * @param retryAfter how long refused callers are asked to wait
 * @param drainTimeout how long a stop waits for what is pending
 */
public record LedgerConfig(
        int batchEntries,
        int batchBytes,
        int tenantPendingEntries,
        int pendingEntries,
        long pendingBytes,
        Duration retryAfter,
        Duration drainTimeout) {

    public LedgerConfig {
        if (batchEntries < 1 || batchBytes < 1) {
            throw new IllegalArgumentException("a batch of the ledger holds at least one entry");
        }
        if (tenantPendingEntries < Limits.AUDIT_EVENTS
                || pendingEntries < tenantPendingEntries
                || pendingBytes < (long) Limits.AUDIT_EVENTS * Frame.MAX_BYTES) {
            throw new IllegalArgumentException(
                    "the ledger's queues hold at least one request of " + Limits.AUDIT_EVENTS + " events");
        }
        if (retryAfter.isNegative() || drainTimeout.isNegative()) {
            throw new IllegalArgumentException("the ledger's delays are not negative");
        }
    }

    public static LedgerConfig defaults() {
        return new LedgerConfig(
                400, 1024 * 1024, 4_096, 16_384, 64L * 1024 * 1024, Duration.ofMillis(250), Duration.ofSeconds(10));
    }
}
