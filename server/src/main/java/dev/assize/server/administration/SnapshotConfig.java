package dev.assize.server.administration;

import java.time.Duration;

/**
 * When policies are written into their ledgers whole.
 *
 * @param every how old the oldest change is that no snapshot holds, when one is written
 */
public record SnapshotConfig(Duration every) {

    private static final Duration LONGEST = Duration.ofDays(31);

    public SnapshotConfig {
        if (every.toMillis() < 1 || every.compareTo(LONGEST) > 0) {
            throw new IllegalArgumentException(
                    "policy.snapshotEvery `" + every + "`: expected more than 0 and at most 31 days");
        }
    }

    public static SnapshotConfig defaults() {
        return new SnapshotConfig(Duration.ofDays(1));
    }
}
