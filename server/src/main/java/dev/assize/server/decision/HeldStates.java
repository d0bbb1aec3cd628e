package dev.assize.server.decision;

import com.google.inject.Inject;
import dev.assize.server.decision.evaluate.DecisionGraph;
import dev.assize.server.model.TenantId;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** The states of the graphs that are held. */
final class HeldStates implements PolicyStates {

    private final GraphCache graphs;
    private final DecisionConfig config;
    private final long freshnessMillis;

    /** Asked for with every call. */
    private final TenantKey assize = TenantKey.of(TenantId.ASSIZE);

    @Inject
    HeldStates(GraphCache graphs, DecisionConfig config) {
        this.graphs = graphs;
        this.config = config;
        this.freshnessMillis = config.freshnessBound().toMillis();
    }

    @Override
    public @Nullable State state(TenantId tenant) {
        HeldGraph held = graphs.get(tenant, config.loadTimeout());
        return held == null ? null : state(held);
    }

    @Override
    public long graphIfReady(TenantId tenant) {
        HeldGraph held = graphs.probe(tenant.equals(TenantId.ASSIZE) ? assize : TenantKey.of(tenant));
        if (held == null || !held.isFreshNow(freshnessMillis)) {
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
}
