package dev.assize.server.retention;

import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import org.jspecify.annotations.Nullable;

/**
 * Which entries a hold is on: those that fulfil all that is given, and with nothing given all of the tenant, also those to
 * come.
 *
 * @param resource the path and everything under it
 * @param from recorded at that time or later
 * @param to recorded before that time
 */
public record HoldScope(
        @Nullable Subject actor,
        @Nullable ResourcePath resource,
        @Nullable Instant from,
        @Nullable Instant to) {

    /** Entries are recorded to the microsecond. */
    public HoldScope {
        from = from == null ? null : from.truncatedTo(ChronoUnit.MICROS);
        to = to == null ? null : to.truncatedTo(ChronoUnit.MICROS);
    }
}
