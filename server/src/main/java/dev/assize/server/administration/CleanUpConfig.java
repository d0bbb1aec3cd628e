package dev.assize.server.administration;

import java.time.Duration;

/**
 * How grants that ended are cleaned up.
 *
 * @param enabled whether nodes do so by themselves
 * @param after how long after its end a binding goes
 */
public record CleanUpConfig(boolean enabled, Duration after) {

    private static final Duration LONGEST = Duration.ofDays(36_525);

    public CleanUpConfig {
        if (after.compareTo(Duration.ofDays(1)) < 0 || after.compareTo(LONGEST) > 0) {
            throw new IllegalArgumentException("cleanUp.after `" + after + "`: expected 1 to 36525 days");
        }
    }

    public static CleanUpConfig defaults() {
        return new CleanUpConfig(true, Duration.ofDays(90));
    }
}
