package dev.assize.server.lineage;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A record in a tree, with the records under it.
 *
 * @param link by which it belongs to the record above it; null for the root
 * @param truncated whether something that belongs under it was left out for its number
 * @param derived newest first
 */
public record LineageNode(String uri, @Nullable Link link, Cut cut, boolean truncated, List<LineageNode> derived) {

    public LineageNode {
        derived = List.copyOf(derived);
    }

    /** Whether anything in the tree was left out for its number. */
    public boolean isTruncated() {
        return truncated || derived.stream().anyMatch(LineageNode::isTruncated);
    }

    /** The newest read of the one record, and write of the other, that make one derived from the other. */
    public record Link(
            long readSeq, long writeSeq, @Nullable String runId) {}

    /** Why nothing stands under a record. */
    public enum Cut {
        /** Nothing is cut. */
        NONE,
        /** The record stands above itself. */
        CYCLE,
        /** What is under it stands where the record is shown first. */
        REPEATED,
        /** There is more, deeper than was asked. */
        DEPTH
    }
}
