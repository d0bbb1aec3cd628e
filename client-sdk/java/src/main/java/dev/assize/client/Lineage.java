package dev.assize.client;

import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Who read and wrote a record, and what it is derived from.
 *
 * @param accesses entries that list the record, newest first, fetched page by page while iterating
 * @param upstream the record with what it was derived from; null where not asked for
 * @param downstream the record with what was derived from it; null where not asked for
 * @param truncated something of the trees was left out for its number; the nodes say where
 */
public record Lineage(
        Iterable<Access> accesses,
        @Nullable Node upstream,
        @Nullable Node downstream,
        boolean truncated) {

    /** An entry that lists the record. */
    public record Access(
            long seq,
            Instant recordedAt,
            boolean read,
            boolean written,
            String type,
            String actor,
            String action,
            String resource,
            String env,
            AuditEvent.Outcome outcome,
            String runId) {}

    /**
     * A record in a tree.
     *
     * @param link by which it belongs to the record above it; null for the record asked about
     * @param truncated something that belongs under it was left out for its number
     * @param derived newest first
     */
    public record Node(String uri, @Nullable Link link, Cut cut, boolean truncated, List<Node> derived) {

        public Node {
            derived = List.copyOf(derived);
        }
    }

    /**
     * The newest read of the one record, and write of the other, that make one derived from the other.
     *
     * @param runId empty where one entry did both and belongs to no run
     */
    public record Link(long readSeq, long writeSeq, String runId) {}

    /** Why nothing stands under a record. */
    public enum Cut {
        NONE,
        /** The record stands above itself. */
        CYCLE,
        /** What is under it is shown where the record stands first. */
        REPEATED,
        /** There is more, deeper than was asked. */
        DEPTH,
        /** Another reason, of a newer server. */
        OTHER
    }
}
