package dev.assize.server.decision;

import com.google.inject.Inject;
import dev.assize.server.decision.evaluate.DecisionGraph;
import dev.assize.server.model.TenantId;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** The states of the graphs that are held. */
final class HeldStates implements PolicyStates {

    private static final long NANOS_A_MILLISECOND = 1_000_000;

    private final GraphCache graphs;
    private final DecisionConfig config;
    private final NodeClock clock;
    private final long freshnessMillis;

    /** Asked for with every call. */
    private final TenantKey assize = TenantKey.of(TenantId.ASSIZE);

    /** What was found of tenant `assize`. Written and read without a guard: any that is new enough will do. */
    private @Nullable Found lately;

    @Inject
    HeldStates(GraphCache graphs, DecisionConfig config, NodeClock clock) {
        this.graphs = graphs;
        this.config = config;
        this.clock = clock;
        this.freshnessMillis = config.freshnessBound().toMillis();
    }

    @Override
    public @Nullable State state(TenantId tenant) {
        HeldGraph held = graphs.get(tenant, config.loadTimeout());
        return held == null ? null : state(held);
    }

    /** Of tenant `assize`, the cache is asked once in a millisecond, and each time once it has let go of what it had. */
    @Override
    public long graphIfReady(TenantId tenant) {
        if (!tenant.equals(TenantId.ASSIZE)) {
            return numberIfReady(graphs.probe(TenantKey.of(tenant)));
        }
        long nanos = clock.nanos();
        Found known = lately;
        if (known != null && known.stands(nanos)) {
            graphs.hit();
            return known.number;
        }
        HeldGraph held = graphs.probe(assize);
        long number = numberIfReady(held);
        if (held != null && number != NO_GRAPH) {
            lately = new Found(held.place(), number, nanos);
        }
        return number;
    }

    private long numberIfReady(@Nullable HeldGraph held) {
        // It may be answered by for another millisecond.
        if (held == null || !held.isFreshNow(freshnessMillis - 1)) {
            return NO_GRAPH;
        }
        graphs.hit();
        return held.number();
    }

    @Override
    public @Nullable Held held(TenantId tenant) {
        HeldGraph held = graphs.get(tenant, config.loadTimeout());
        if (held == null) {
            return null;
        }
        // First the age: a confirmation between the two makes it longer than need be, and not shorter.
        Duration age = held.age();
        return new Held(state(held), held.snapshot(), age, held.step());
    }

    private State state(HeldGraph held) {
        DecisionGraph graph = held.fresh(config.freshnessBound());
        return new State(graph.revision(), graph.platformRevision(), held.confirmedAt(), held.number());
    }

    @Override
    public Subscription onChange(TenantId tenant, Runnable action) {
        graphs.watchers().add(tenant, action);
        return () -> graphs.watchers().remove(tenant, action);
    }

    /**
     * A graph that was fresh.
     *
     * @param nanos when it was
     */
    private record Found(HeldGraph.Place place, long number, long nanos) {

        boolean stands(long now) {
            long passed = now - nanos;
            return passed >= 0 && passed < NANOS_A_MILLISECOND && place.graph() != null;
        }
    }
}
