package dev.assize.server.storage;

import java.time.Duration;
import java.util.random.RandomGenerator;

/**
 * How long to wait before the next attempt: twice as long after each failure, up to a longest wait, and of that a random
 * half at least, so that nodes which lost the database together do not come back in step. Not thread-safe.
 */
final class Backoff {

    private final long firstNanos;
    private final long longestNanos;
    private final RandomGenerator random;
    private long ceilingNanos;

    Backoff(Duration first, Duration longest, RandomGenerator random) {
        this.firstNanos = first.toNanos();
        this.longestNanos = longest.toNanos();
        this.random = random;
        this.ceilingNanos = firstNanos;
    }

    /** After another failure. */
    Duration next() {
        long wait = ceilingNanos / 2 + random.nextLong(ceilingNanos / 2 + 1);
        ceilingNanos = Math.min(longestNanos, ceilingNanos * 2);
        return Duration.ofNanos(wait);
    }

    /** After a success. */
    void reset() {
        ceilingNanos = firstNanos;
    }
}
