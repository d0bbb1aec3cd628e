package dev.assize.server.verification;

import java.time.Duration;

/**
 * How ledgers are verified in the background. It cannot be turned off, only slowed down.
 *
 * @param every how often each ledger is walked from its first entry
 * @param entriesPerSecond the most that this node reads for it; a page of decisions on record counts as eight
 * @param interval between two looks at what there is to do
 */
public record VerificationConfig(Duration every, int entriesPerSecond, Duration interval) {

    private static final Duration LONGEST = Duration.ofDays(31);

    public VerificationConfig {
        if (every.toMillis() < 1 || every.compareTo(LONGEST) > 0) {
            throw new IllegalArgumentException(
                    "verification.every `" + every + "`: expected more than 0 and at most 31 days");
        }
        if (entriesPerSecond < 1) {
            throw new IllegalArgumentException("verification.entriesPerSecond `" + entriesPerSecond
                    + "`: expected 1 or more; verification cannot be turned off");
        }
        if (interval.toMillis() < 1) {
            throw new IllegalArgumentException("verification.interval `" + interval + "`: expected more than 0");
        }
    }

    public static VerificationConfig defaults() {
        return new VerificationConfig(Duration.ofDays(1), 5_000, Duration.ofSeconds(10));
    }
}
