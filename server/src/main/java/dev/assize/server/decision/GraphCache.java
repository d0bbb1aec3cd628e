package dev.assize.server.decision;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.google.inject.Inject;
import dev.assize.server.decision.PolicySource.PolicySnapshot;
import dev.assize.server.decision.compile.GraphCompiler;
import dev.assize.server.decision.evaluate.DecisionGraph;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Revision;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.PolicySet;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * The compiled policies this node holds, within a bound of heap; tenants that do not exist are remembered for a moment.
 *
 * <p>A tenant that is not held is loaded once, however many ask. What a load finds is kept only while it is still
 * registered as the tenant's load: an invalidation strikes it off, so that a load which began before a change cannot
 * put back what the change replaced. Registering, keeping and striking off are atomic for a tenant, because each is a
 * compute of the map of loads. A graph that a poll found outdated is renewed beside the one that is being answered
 * from, and swapped only if that one is still held. Readers never wait for either.
 */
final class GraphCache {

    private final PolicySource source;
    private final InstantSource clock;
    private final DecisionMetrics metrics;
    private final Executor threads;
    private final Semaphore loadPermits;
    private final Cache<TenantId, HeldGraph> graphs;
    private final Cache<TenantId, Boolean> unknown;
    private final ConcurrentMap<TenantId, CompletableFuture<Optional<HeldGraph>>> loads = new ConcurrentHashMap<>();
    private final ConcurrentMap<TenantId, CompletableFuture<Optional<HeldGraph>>> renewals = new ConcurrentHashMap<>();

    /** The platform's documents are the same in every snapshot at a revision; one object serves all graphs. */
    private final AtomicReference<PolicySet> platform = new AtomicReference<>(PolicySet.empty(PolicyScope.PLATFORM));

    @Inject
    GraphCache(PolicySource source, DecisionConfig config, InstantSource clock, DecisionMetrics metrics) {
        this(source, config, clock, metrics, Thread::startVirtualThread);
    }

    GraphCache(
            PolicySource source,
            DecisionConfig config,
            InstantSource clock,
            DecisionMetrics metrics,
            Executor threads) {
        this.source = source;
        this.clock = clock;
        this.metrics = metrics;
        this.threads = threads;
        this.loadPermits = new Semaphore(config.concurrentLoads());
        this.graphs = Caffeine.newBuilder()
                .maximumWeight(config.cacheBytes())
                .weigher((TenantId tenant, HeldGraph held) ->
                        (int) Math.min(Integer.MAX_VALUE, held.graph().weightBytes()))
                .executor(Runnable::run)
                .recordStats()
                .build();
        this.unknown = Caffeine.newBuilder()
                .maximumSize(config.unknownTenants())
                .expireAfterWrite(config.unknownTenantTtl())
                .ticker(() -> TimeUnit.MILLISECONDS.toNanos(clock.millis()))
                .executor(Runnable::run)
                .build();
        metrics.observe(graphs);
    }

    /** The tenant's graph, loaded where it is not held; null where there is no such tenant. */
    @Nullable
    HeldGraph get(TenantId tenant, Duration timeout) {
        HeldGraph held = graphs.getIfPresent(tenant);
        return held == null ? load(tenant, timeout) : held;
    }

    /** The tenant's graph if it is held. */
    @Nullable
    HeldGraph getIfHeld(TenantId tenant) {
        return graphs.policy().getIfPresentQuietly(tenant);
    }

    /** The latest revision of the platform that this node has seen. */
    Revision platformRevision() {
        return platform.get().revision();
    }

    /** All that is held. */
    Collection<HeldGraph> held() {
        return List.copyOf(graphs.asMap().values());
    }

    /** Forgets a scope: what is asked after this has returned is answered from what is read after this was called. */
    void invalidate(PolicyScope scope) {
        if (!scope.isPlatform()) {
            invalidate(scope.ledgerTenant());
            return;
        }
        // First what is being loaded: a load that ends meanwhile is then among what is held.
        loads.keySet().forEach(this::invalidate);
        graphs.asMap().keySet().forEach(this::invalidate);
    }

    /** Drops a graph whose tenant has gone. */
    void drop(HeldGraph held) {
        graphs.asMap().remove(held.graph().tenant(), held);
    }

    /** Reads the tenant's policy again and swaps its graph; until then the outdated one is answered from. */
    CompletableFuture<Optional<HeldGraph>> renew(HeldGraph outdated) {
        TenantId tenant = outdated.graph().tenant();
        return renewals.computeIfAbsent(
                tenant,
                any -> started(tenant, (renewal, found) -> {
                    // First of all: whoever finds the new graph outdated in its turn must not be given this renewal.
                    renewals.remove(tenant, renewal);
                    found.ifPresentOrElse(
                            renewed -> graphs.asMap().replace(tenant, outdated, renewed), () -> drop(outdated));
                }));
    }

    private void invalidate(TenantId tenant) {
        loads.compute(tenant, (any, load) -> {
            graphs.invalidate(tenant);
            unknown.invalidate(tenant);
            return null;
        });
    }

    private @Nullable HeldGraph load(TenantId tenant, Duration timeout) {
        while (true) {
            CompletableFuture<Optional<HeldGraph>> load =
                    loads.computeIfAbsent(tenant, any -> isSettled(tenant) ? null : startedLoad(tenant));
            if (load != null) {
                return await(load, tenant, timeout).orElse(null);
            }
            HeldGraph held = getIfHeld(tenant);
            if (held != null || unknown.getIfPresent(tenant) != null) {
                return held;
            }
        }
    }

    private boolean isSettled(TenantId tenant) {
        return getIfHeld(tenant) != null || unknown.getIfPresent(tenant) != null;
    }

    // Whether this very load is still registered, not one like it.
    @SuppressWarnings("ReferenceEquality")
    private CompletableFuture<Optional<HeldGraph>> startedLoad(TenantId tenant) {
        return started(
                tenant,
                (load, found) -> loads.computeIfPresent(tenant, (any, registered) -> {
                    if (registered != load) {
                        return registered;
                    }
                    found.ifPresentOrElse(held -> graphs.put(tenant, held), () -> unknown.put(tenant, true));
                    return null;
                }));
    }

    /** What becomes of a graph that was read, before anyone who waits for it goes on. */
    private interface Keeper {
        void keep(CompletableFuture<Optional<HeldGraph>> load, Optional<HeldGraph> found);
    }

    private CompletableFuture<Optional<HeldGraph>> started(TenantId tenant, Keeper keeper) {
        CompletableFuture<Optional<HeldGraph>> load = new CompletableFuture<>();
        threads.execute(() -> {
            try {
                Optional<HeldGraph> found = read(tenant);
                keeper.keep(load, found);
                load.complete(found);
            } catch (Throwable broken) {
                metrics.loadFailed();
                loads.remove(tenant, load);
                renewals.remove(tenant, load);
                load.completeExceptionally(broken);
            }
        });
        return load;
    }

    private Optional<HeldGraph> read(TenantId tenant) {
        loadPermits.acquireUninterruptibly();
        try {
            long start = metrics.start();
            Instant readAt = clock.instant();
            Optional<HeldGraph> found = source.load(tenant).map(snapshot -> new HeldGraph(compile(snapshot), readAt));
            metrics.loaded(start);
            return found;
        } finally {
            loadPermits.release();
        }
    }

    private DecisionGraph compile(PolicySnapshot snapshot) {
        PolicySet read = snapshot.platform();
        PolicySet latest =
                platform.updateAndGet(known -> known.revision().compareTo(read.revision()) >= 0 ? known : read);
        try {
            return GraphCompiler.compile(snapshot.tenant(), latest.revision().equals(read.revision()) ? latest : read);
        } catch (RuntimeException bug) {
            throw new EvaluationFailedException(bug);
        }
    }

    private static Optional<HeldGraph> await(
            CompletableFuture<Optional<HeldGraph>> load, TenantId tenant, Duration timeout) {
        try {
            return load.get(timeout.toNanos(), TimeUnit.NANOSECONDS);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof EvaluationFailedException) {
                throw new EvaluationFailedException(e.getCause());
            }
            throw new PolicyUnavailableException(tenant, e.getCause() == null ? e : e.getCause());
        } catch (TimeoutException e) {
            throw new PolicyUnavailableException(tenant, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new PolicyUnavailableException(tenant, e);
        }
    }
}
