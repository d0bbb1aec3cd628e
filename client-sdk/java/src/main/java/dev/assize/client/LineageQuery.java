package dev.assize.client;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * Which lineage is wanted. Immutable; each method gives a changed copy.
 *
 * @param tenant empty means the client's default
 * @param uri the record, as `reads` and `writes` of events name it
 * @param direction where to look for what is derived
 * @param depth steps from the record, 1 to 16; 0 means the server's default
 * @param maxRecords in each tree, 1 to 1,000; 0 means the server's default
 * @param asOf as it was then; null means now
 */
public record LineageQuery(
        String tenant,
        String uri,
        Direction direction,
        int depth,
        int maxRecords,
        @Nullable Instant asOf) {

    /** All that is known of a record in the client's default tenant. */
    public static LineageQuery of(String uri) {
        return new LineageQuery("", uri, Direction.BOTH, 0, 0, null);
    }

    public LineageQuery inTenant(String tenant) {
        return new LineageQuery(tenant, uri, direction, depth, maxRecords, asOf);
    }

    public LineageQuery to(Direction direction) {
        return new LineageQuery(tenant, uri, direction, depth, maxRecords, asOf);
    }

    public LineageQuery withDepth(int depth) {
        return new LineageQuery(tenant, uri, direction, depth, maxRecords, asOf);
    }

    public LineageQuery withMaxRecords(int maxRecords) {
        return new LineageQuery(tenant, uri, direction, depth, maxRecords, asOf);
    }

    public LineageQuery asOf(Instant asOf) {
        return new LineageQuery(tenant, uri, direction, depth, maxRecords, asOf);
    }

    /** Where to look. */
    public enum Direction {
        BOTH,
        /** What the record was derived from. */
        UPSTREAM,
        /** What was derived from the record. */
        DOWNSTREAM
    }
}
