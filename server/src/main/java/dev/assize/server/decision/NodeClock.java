package dev.assize.server.decision;

import com.github.benmanes.caffeine.cache.Ticker;
import com.google.inject.Inject;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;

/**
 * Time as this node tells it: what its clock says, which may be set back, and how much has passed, which is never less.
 * What nobody has confirmed is as old as the longer of the two: the steady source may stand still while a machine sleeps.
 */
final class NodeClock {

    private static final long NANOS_A_MILLISECOND = 1_000_000;

    private final InstantSource clock;
    private final Ticker steady;

    @Inject
    NodeClock(InstantSource clock, Ticker steady) {
        this.clock = clock;
        this.steady = steady;
    }

    /**
     * One look at both.
     *
     * @param millis the instant, cut to milliseconds
     * @param nanos compared with another reading of this node's only
     */
    record Reading(Instant instant, long millis, long nanos) {

        Reading(Instant instant, long nanos) {
            this(instant, instant.toEpochMilli(), nanos);
        }

        /** How much has passed up to a later reading; a clock that was set back by more counts as that much. */
        Duration until(Reading later) {
            Duration shown = Duration.between(instant, later.instant).abs();
            Duration passed = Duration.ofNanos(later.nanos - nanos);
            return shown.compareTo(passed) > 0 ? shown : passed;
        }

        /** Whether more milliseconds may have passed up to a later reading, whose instant is up to two milliseconds behind. */
        boolean isOlderThan(long millis, long laterInstantMillis, long laterNanos) {
            long shown = Math.abs(laterInstantMillis - this.millis) + 2;
            long passed = (laterNanos - nanos) / NANOS_A_MILLISECOND + 1;
            return Math.max(shown, passed) > millis;
        }

        /** A reading of so long before. */
        Reading minus(Duration age) {
            return age.isZero() ? this : new Reading(instant.minus(age), nanos - age.toNanos());
        }

        boolean isLaterThan(Reading other) {
            return nanos - other.nanos > 0;
        }
    }

    Instant instant() {
        return clock.instant();
    }

    long millis() {
        return clock.millis();
    }

    /** Compared with a reading of this node's only. */
    long nanos() {
        return steady.read();
    }

    Reading read() {
        return new Reading(clock.instant(), steady.read());
    }

    /** How much has passed since a reading. */
    Duration since(Reading earlier) {
        return earlier.until(read());
    }

    /** Before anything was read, and never near to what is. */
    Reading never() {
        return new Reading(Instant.EPOCH, steady.read());
    }

    Ticker steady() {
        return steady;
    }
}
