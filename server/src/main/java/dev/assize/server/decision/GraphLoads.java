package dev.assize.server.decision;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.assize.server.model.TenantId;
import dev.assize.server.prompt.Prompt;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The loads of policies that are not held; tenants that do not exist are remembered for a moment.
 *
 * <p>A tenant that is not held is loaded once, however many ask. What a load finds is kept before it is no longer
 * registered as the tenant's load, and both are atomic with registering the next, because each is a compute of the map of
 * loads: so that of two loads the later one is kept last. A load that began before a change is waited for and then
 * brought up to date, so that it cannot put back what the change replaced.
 */
final class GraphLoads {

    private final HeldGraphs graphs;
    private final Watchers watchers;
    private final DecisionMetrics metrics;
    private final Executor threads;
    private final Function<TenantId, Optional<HeldGraph>> read;
    private final Cache<TenantId, Boolean> unknown;
    private final ConcurrentMap<TenantId, CompletableFuture<Optional<HeldGraph>>> loads = new ConcurrentHashMap<>();
    private final LongAdder misses = new LongAdder();

    /** @param read reads and compiles a tenant's policy; empty where there is no such tenant */
    GraphLoads(
            HeldGraphs graphs,
            Watchers watchers,
            DecisionConfig config,
            NodeClock clock,
            DecisionMetrics metrics,
            Executor threads,
            Function<TenantId, Optional<HeldGraph>> read) {
        this.graphs = graphs;
        this.watchers = watchers;
        this.metrics = metrics;
        this.threads = threads;
        this.read = read;
        this.unknown = Caffeine.newBuilder()
                .maximumSize(config.unknownTenants())
                .expireAfterWrite(config.unknownTenantTtl())
                .ticker(clock.steady())
                .executor(Runnable::run)
                .build();
    }

    /** Questions whose policy was not held. */
    LongAdder misses() {
        return misses;
    }

    /** The load of a tenant that is under way; null for none. */
    @Nullable
    CompletableFuture<?> underWay(TenantId tenant) {
        return loads.get(tenant);
    }

    /** What was known not to exist is asked for anew. */
    void forgetUnknown(TenantId tenant) {
        unknown.invalidate(tenant);
    }

    /**
     * Waits for a tenant's load, if there is one: it may be older than this call, and is then brought up to date like
     * whatever is held. To strike it off would be to begin again, at every change anew.
     */
    void settle(TenantId tenant) {
        CompletableFuture<?> load = loads.get(tenant);
        if (load != null) {
            waitFor(load);
        }
        unknown.invalidate(tenant);
    }

    /** The same for all that is being loaded: it is then among what is held. */
    void settleAll() {
        loads.keySet().forEach(this::settle);
    }

    /** Whether the tenant is held, once what is being loaded of it is; what was known not to exist is asked for anew. */
    boolean isHeldOnceLoaded(TenantId tenant, Duration timeout) {
        Prompt.requireTime();
        CompletableFuture<Optional<HeldGraph>> load = loads.get(tenant);
        if (load != null) {
            await(load, tenant, timeout);
        }
        unknown.invalidate(tenant);
        return graphs.getQuietly(tenant) != null;
    }

    private static void waitFor(CompletableFuture<?> load) {
        try {
            load.join();
        } catch (CompletionException broken) {
            // Whoever asked for it is told.
        }
    }

    /** The tenant's graph, read now or by whoever began to; null where there is no such tenant. */
    // Whether this very load was registered, not one like it.
    @SuppressWarnings("ReferenceEquality")
    @Nullable
    HeldGraph load(TenantId tenant, Duration timeout) {
        if (unknown.getIfPresent(tenant) == null) {
            Prompt.requireTime();
        } else if (Prompt.isRequired()) {
            // Remembered as unknown, which needs no look at loads: what is kept there is kept under their lock.
            misses.increment();
            return null;
        }
        misses.increment();
        while (true) {
            CompletableFuture<Optional<HeldGraph>> own = new CompletableFuture<>();
            CompletableFuture<Optional<HeldGraph>> load =
                    loads.computeIfAbsent(tenant, any -> isSettled(tenant) ? null : own);
            if (load == own) {
                start(tenant, own);
            }
            if (load != null) {
                return await(load, tenant, timeout).orElse(null);
            }
            HeldGraph held = graphs.getQuietly(tenant);
            if (held != null || unknown.getIfPresent(tenant) != null) {
                return held;
            }
        }
    }

    private boolean isSettled(TenantId tenant) {
        return graphs.getQuietly(tenant) != null || unknown.getIfPresent(tenant) != null;
    }

    /** Reads for a load that is registered already, so that no change can miss what is being read. */
    private void start(TenantId tenant, CompletableFuture<Optional<HeldGraph>> load) {
        try {
            threads.execute(() -> load(tenant, load));
        } catch (RuntimeException | Error failure) {
            // Without memory for a thread, say: the next who asks begins another one.
            fail(tenant, load, failure);
        }
    }

    private void load(TenantId tenant, CompletableFuture<Optional<HeldGraph>> load) {
        try {
            Optional<HeldGraph> found = read.apply(tenant);
            keep(tenant, found);
            load.complete(found);
        } catch (Throwable broken) {
            fail(tenant, load, broken);
        }
    }

    private void fail(TenantId tenant, CompletableFuture<Optional<HeldGraph>> load, Throwable broken) {
        metrics.loadFailed();
        loads.remove(tenant, load);
        load.completeExceptionally(broken);
    }

    /** Before anyone who waits for it goes on. */
    private void keep(TenantId tenant, Optional<HeldGraph> found) {
        loads.computeIfPresent(tenant, (any, load) -> {
            found.ifPresentOrElse(held -> graphs.put(tenant, held), () -> unknown.put(tenant, true));
            return null;
        });
        watchers.tell(tenant);
    }

    private static Optional<HeldGraph> await(
            CompletableFuture<Optional<HeldGraph>> load, TenantId tenant, Duration timeout) {
        Prompt.requireTime();
        try {
            return load.get(timeout.toNanos(), TimeUnit.NANOSECONDS);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof EvaluationFailedException) {
                throw new EvaluationFailedException(e.getCause());
            }
            if (e.getCause() instanceof PolicyStaleException stale) {
                throw stale;
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
