package dev.assize.server.recording;

import dev.assize.server.model.Limits;
import java.time.Duration;

/**
 * The bounds of the record of decisions. Pending is what is taken and not durable yet.
 *
 * @param packDecisions decisions recorded with one entry, at most
 * @param packDelay how long decisions that are acknowledged after their answer wait for others to go along with them
 * @param tenantPending over how many pending decisions of a tenant further ones are refused
 * @param pending the same for all tenants together
 * @param pendingBytes the same in bytes of records
 * @param retryAfter how long refused callers are asked to wait
 * @param drainTimeout how long a stop waits for what is pending
 */
public record RecordingConfig(
        int packDecisions,
        Duration packDelay,
        int tenantPending,
        int pending,
        long pendingBytes,
        Duration retryAfter,
        Duration drainTimeout) {

    public RecordingConfig {
        require(
                packDecisions >= 1 && packDecisions <= DecisionPack.MAX_DECISIONS,
                "decisionLog.packDecisions",
                packDecisions,
                "1 to " + DecisionPack.MAX_DECISIONS);
        require(
                !packDelay.isNegative() && packDelay.compareTo(Duration.ofSeconds(10)) <= 0,
                "decisionLog.packDelay",
                packDelay,
                "0 to 10 s");
        require(
                tenantPending >= Limits.BATCH_ITEMS,
                "decisionLog.tenantPending",
                tenantPending,
                "room for a batch of " + Limits.BATCH_ITEMS + " checks");
        require(pending >= tenantPending, "decisionLog.pending", pending, "no less than decisionLog.tenantPending");
        require(
                pendingBytes >= (long) Limits.BATCH_ITEMS * RecordBytes.MAX_BYTES,
                "decisionLog.pendingBytes",
                pendingBytes,
                "room for a batch of " + Limits.BATCH_ITEMS + " checks");
        require(!retryAfter.isNegative(), "decisionLog.retryAfter", retryAfter, "0 or more");
        require(!drainTimeout.isNegative(), "decisionLog.drainTimeout", drainTimeout, "0 or more");
    }

    public static RecordingConfig defaults() {
        return new RecordingConfig(
                1_000,
                Duration.ofMillis(50),
                32_768,
                131_072,
                128L << 20,
                Duration.ofMillis(250),
                Duration.ofSeconds(10));
    }

    private static void require(boolean holds, String key, Object value, String expected) {
        if (!holds) {
            throw new IllegalArgumentException(key + " is `" + value + "`: expected " + expected);
        }
    }
}
