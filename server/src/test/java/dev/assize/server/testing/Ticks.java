package dev.assize.server.testing;

import com.github.benmanes.caffeine.cache.Ticker;
import java.time.Instant;
import java.time.InstantSource;

/** A steady source that goes with a clock, for tests in which nobody sets that. */
public final class Ticks {

    private static final long NANOS = 1_000_000_000;

    private Ticks() {}

    public static Ticker of(InstantSource clock) {
        return () -> {
            Instant now = clock.instant();
            return now.getEpochSecond() * NANOS + now.getNano();
        };
    }
}
