package dev.assize.client;

import java.time.Duration;
import java.time.Instant;
import java.util.List;

/**
 * Where a change of policy was committed.
 *
 * @param name of the document made, changed or deleted
 * @param seq of its entry in the ledger
 * @param replayed whether an earlier call with the same key did it
 * @param nodes who acts on it; of grants and revocations this is not asked
 */
public record PolicyChangeReceipt(
        String name, long revision, long seq, Instant committedAt, boolean replayed, Nodes nodes) {

    /**
     * Who acts on a change.
     *
     * @param confirmed how many nodes do
     * @param unconfirmed those that have not said so in time
     * @param known whether the nodes could be listed at all
     */
    public record Nodes(int confirmed, List<Node> unconfirmed, boolean known) {

        static final Nodes NOT_ASKED = new Nodes(0, List.of(), false);

        public Nodes {
            unconfirmed = List.copyOf(unconfirmed);
        }

        /** Whether every node acts on it. */
        public boolean complete() {
            return known && unconfirmed.isEmpty();
        }
    }

    /**
     * A node that may still answer from what was before.
     *
     * @param cutOff whether it has not been seen for a while: it then stops once it could not reach the database for
     *     {@code freshnessBound}
     */
    public record Node(String name, String instanceId, Instant lastSeenAt, boolean cutOff, Duration freshnessBound) {}
}
