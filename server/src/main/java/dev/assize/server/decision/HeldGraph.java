package dev.assize.server.decision;

import dev.assize.server.decision.NodeClock.Reading;
import dev.assize.server.decision.PolicySource.PolicySnapshot;
import dev.assize.server.decision.PolicyStates.Step;
import dev.assize.server.decision.check.CheckBytes;
import dev.assize.server.decision.evaluate.DecisionGraph;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Revision;
import dev.assize.server.model.TenantId;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A graph in the cache, and since when it is known to have been the current one. Compared by identity. */
final class HeldGraph {

    private final DecisionGraph graph;
    private final long number;
    private final NodeClock clock;

    /** Null where it was made from nothing. */
    private final @Nullable Step step;

    private volatile Reading confirmedAt;
    private final Place place;

    /**
     * Where a graph is found without asking the cache for it, until the cache is about to let go of it: whoever keeps the
     * place keeps no policy by that.
     */
    static final class Place {

        private final TenantKey tenant;
        private volatile @Nullable HeldGraph graph;

        private Place(HeldGraph graph) {
            this.tenant = TenantKey.of(graph.tenant());
            this.graph = graph;
        }

        /** Whether it is of the tenant that a question names. */
        boolean isOf(CheckBytes names) {
            return tenant.isOf(names);
        }

        /** Null once the cache may hold another one of the tenant, or none. */
        @Nullable
        HeldGraph graph() {
            return graph;
        }
    }

    /**
     * A graph whose policy was read at the moment {@code confirmedAt} or later.
     *
     * @param number that no other of this node has
     */
    HeldGraph(DecisionGraph graph, long number, NodeClock clock, Reading confirmedAt) {
        this(graph, number, clock, confirmedAt, null);
    }

    /** The same that was made from another one. */
    HeldGraph(DecisionGraph graph, long number, NodeClock clock, Reading confirmedAt, @Nullable Step step) {
        this.graph = graph;
        this.number = number;
        this.clock = clock;
        this.confirmedAt = confirmedAt;
        this.step = step;
        this.place = new Place(this);
    }

    Place place() {
        return place;
    }

    /**
     * Before the cache holds another one in its place, or none: that nobody who has found that one by then, or its
     * absence, is followed by somebody who finds this one.
     */
    void leave() {
        place.graph = null;
    }

    /** How it came from the one before. */
    @Nullable
    Step step() {
        return step;
    }

    /** How long ago it was confirmed. */
    Duration age() {
        return clock.since(confirmedAt);
    }

    DecisionGraph graph() {
        return graph;
    }

    long number() {
        return number;
    }

    /** What it was compiled from. */
    PolicySnapshot snapshot() {
        return new PolicySnapshot(graph.origin().tenant(), graph.origin().platform());
    }

    TenantId tenant() {
        return graph.tenant();
    }

    PolicyScope scope() {
        return PolicyScope.of(graph.tenant());
    }

    Instant confirmedAt() {
        return confirmedAt.instant();
    }

    void confirm(Reading at) {
        confirmedAt = at;
    }

    /** Whether these are the revisions it was compiled from; a platform without any has none. */
    boolean isAt(Map<PolicyScope, Revision> revisions) {
        return graph.revision().equals(revisions.get(scope()))
                && graph.platformRevision().equals(revisions.getOrDefault(PolicyScope.PLATFORM, Revision.NONE));
    }

    /** Whether its last confirmation is no older than the bound. */
    boolean isFresh(Duration bound) {
        return clock.since(confirmedAt).compareTo(bound) <= 0;
    }

    /** The same by readings that make nothing; at the very bound it may say no. */
    boolean isFresh(long nowMillis, long nowNanos, long boundMillis) {
        return !confirmedAt.isOlderThan(boundMillis, nowMillis, nowNanos);
    }

    /** The same at this moment. */
    boolean isFreshNow(long boundMillis) {
        return isFresh(clock.millis(), clock.nanos(), boundMillis);
    }

    /** Refuses to be answered from where its last confirmation is older than the bound. */
    DecisionGraph fresh(Duration bound) {
        Duration age = clock.since(confirmedAt);
        if (age.compareTo(bound) > 0) {
            throw new PolicyStaleException(age, bound);
        }
        return graph;
    }
}
