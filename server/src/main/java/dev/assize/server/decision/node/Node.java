package dev.assize.server.decision.node;

import java.time.Duration;
import java.time.Instant;

/**
 * A server process as the database knows it.
 *
 * @param startedAt by the database's clock, as is {@code lastSeenAt}
 * @param unseen how long ago it was last seen
 */
public record Node(NodeIdentity identity, Instant startedAt, Instant lastSeenAt, Duration unseen) {

    /** A node says that it is there every second; one that has missed several is taken to be cut off. */
    public static final Duration CUT_OFF_AFTER = Duration.ofSeconds(5);

    /** What a node may have read beside its last sign of life. */
    private static final Duration GRACE = Duration.ofSeconds(30);

    /** Whether it has not been seen for a while: it has ended without a word, or cannot reach the database. */
    public boolean isCutOff() {
        return unseen.compareTo(CUT_OFF_AFTER) > 0;
    }

    /** Whether it has long stopped to answer, wherever it is: nobody needs to wait for it, nor to be told of it. */
    public boolean isGone() {
        return unseen.compareTo(identity.freshnessBound().plus(GRACE)) > 0;
    }
}
