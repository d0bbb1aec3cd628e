package dev.assize.server.spool;

import java.nio.file.Path;
import java.time.Duration;

/**
 * The spool's bounds.
 *
 * @param directory owned by the spool; nobody else may read it
 * @param maxBytes of all files together, over which nothing more is taken
 * @param maxAge of the oldest record that is not forwarded, over which nothing more is taken
 * @param keepForwarded how long records are kept that were forwarded, where there is room: a ledger that was restored from a
 *     backup is sent them again, and a retry under their keys is recognised
 * @param segmentBytes after how many bytes a file is closed and the next begun
 * @param retryAfter how long refused callers are asked to wait
 */
public record SpoolConfig(
        Path directory, long maxBytes, Duration maxAge, Duration keepForwarded, int segmentBytes, Duration retryAfter) {

    public static final String DIRECTORY = "spool";
    public static final long DEFAULT_MAX_BYTES = 512L * 1_024 * 1_024;
    public static final Duration DEFAULT_MAX_AGE = Duration.ofDays(7);
    public static final Duration DEFAULT_KEEP_FORWARDED = Duration.ofDays(1);

    /** The largest request fits. */
    public static final long MIN_MAX_BYTES = 16L * 1_024 * 1_024;

    private static final int SEGMENT_BYTES = 8 * 1_024 * 1_024;
    private static final Duration RETRY_AFTER = Duration.ofSeconds(1);

    public SpoolConfig {
        if (segmentBytes < 1 || maxBytes < segmentBytes) {
            throw new IllegalArgumentException("the spool has room for at least one file");
        }
        if (!maxAge.isPositive() || keepForwarded.isNegative() || retryAfter.isNegative()) {
            throw new IllegalArgumentException("the spool's times are not negative");
        }
    }

    /** As it is without a word of the operator's, in a server's home. */
    public static SpoolConfig defaults(Path home) {
        return of(home, DEFAULT_MAX_BYTES, DEFAULT_MAX_AGE, DEFAULT_KEEP_FORWARDED);
    }

    /** With the bounds that an operator chooses. */
    public static SpoolConfig of(Path home, long maxBytes, Duration maxAge, Duration keepForwarded) {
        return new SpoolConfig(home.resolve(DIRECTORY), maxBytes, maxAge, keepForwarded, SEGMENT_BYTES, RETRY_AFTER);
    }
}
