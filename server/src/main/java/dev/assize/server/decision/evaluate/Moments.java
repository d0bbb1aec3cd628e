package dev.assize.server.decision.evaluate;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** What moments say of each other. */
final class Moments {

    private Moments() {}

    /** The earlier of a moment and a boundary that is still to come. */
    static Instant next(@Nullable Instant boundary, Instant now, Instant earliest) {
        return boundary != null && boundary.isAfter(now) && boundary.isBefore(earliest) ? boundary : earliest;
    }

    static Instant earlier(Instant left, Instant right) {
        return right.isBefore(left) ? right : left;
    }

    /** Whether a moment lies within [from, until); null means without end. */
    static boolean isWithin(Instant now, @Nullable Instant from, @Nullable Instant until) {
        return (from == null || !now.isBefore(from)) && (until == null || now.isBefore(until));
    }
}
