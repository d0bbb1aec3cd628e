package dev.assize.server.decision;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.assize.server.decision.evaluate.DecisionGraph;
import dev.assize.server.model.TenantId;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The graphs that are held, by their tenants, within a bound of heap: what is used least goes first. Of whatever goes, or
 * makes room for another one, the {@linkplain HeldGraph#leave place} is emptied before.
 */
final class HeldGraphs {

    /** Of the bound, what a single graph is counted as at most. */
    private static final int LARGEST_SHARE = 4;

    private static final Logger LOG = LoggerFactory.getLogger(HeldGraphs.class);

    private final AtomicBoolean warnedOfSize = new AtomicBoolean();
    private final long cacheBytes;
    private final DecisionMetrics metrics;
    private final Cache<TenantKey, HeldGraph> graphs;

    HeldGraphs(long cacheBytes, DecisionMetrics metrics) {
        this.cacheBytes = cacheBytes;
        this.metrics = metrics;
        this.graphs = Caffeine.newBuilder()
                .maximumWeight(cacheBytes)
                .weigher((TenantKey tenant, HeldGraph held) -> weight(held.graph()))
                .evictionListener((tenant, held, cause) -> leave(held))
                // At the latest.
                .removalListener((tenant, held, cause) -> leave(held))
                .executor(Runnable::run)
                .recordStats()
                .build();
    }

    void observe(LongAdder hits, LongAdder misses) {
        metrics.observe(graphs, hits, misses);
    }

    @Nullable
    HeldGraph get(TenantKey tenant) {
        return graphs.asMap().get(tenant);
    }

    /** The same; that this was asked for keeps it no longer. */
    @Nullable
    HeldGraph getQuietly(TenantId tenant) {
        return graphs.policy().getIfPresentQuietly(TenantKey.of(tenant));
    }

    Collection<HeldGraph> all() {
        return List.copyOf(graphs.asMap().values());
    }

    void put(TenantId tenant, HeldGraph held) {
        leave(getQuietly(tenant));
        graphs.put(TenantKey.of(tenant), held);
    }

    /** Whether what was held was still held, and so the other one is now, or none. */
    boolean swap(HeldGraph held, @Nullable HeldGraph by) {
        TenantKey tenant = TenantKey.of(held.tenant());
        if (held == by) {
            return graphs.asMap().replace(tenant, held, by);
        }
        held.leave();
        return by == null ? graphs.asMap().remove(tenant, held) : graphs.asMap().replace(tenant, held, by);
    }

    /** Lets go of whatever is held of a tenant. */
    void remove(TenantId tenant) {
        for (HeldGraph held = getQuietly(tenant); held != null && !swap(held, null); held = getQuietly(tenant)) {
            // Another one came in between, and goes, too.
        }
    }

    private static void leave(@Nullable HeldGraph held) {
        if (held != null) {
            held.leave();
        }
    }

    /**
     * Counted within the bound, a graph is at most a quarter of it: one that were heavier than the bound would be dropped
     * and loaded again for each question, and one about as heavy would be the same for all others.
     */
    private int weight(DecisionGraph graph) {
        long most = Math.min(Integer.MAX_VALUE, Math.max(1, cacheBytes / LARGEST_SHARE));
        if (graph.weightBytes() > most) {
            metrics.oversized();
            if (warnedOfSize.compareAndSet(false, true)) {
                LOG.warn(
                        "A policy of {} bytes counts as {}, a quarter of decision.cacheBytes: raise that, and the heap",
                        graph.weightBytes(),
                        most);
            }
        }
        return (int) Math.min(most, graph.weightBytes());
    }
}
