package dev.assize.server.decision;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.google.inject.Inject;
import dev.assize.server.decision.PolicySource.PolicySnapshot;
import dev.assize.server.decision.PolicySource.PolicyUpdate;
import dev.assize.server.decision.compile.GraphCompiler;
import dev.assize.server.decision.evaluate.DecisionGraph;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Revision;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.DocumentKey;
import dev.assize.server.policy.PolicySet;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The compiled policies this node holds, within a bound of heap; tenants that do not exist are remembered for a moment.
 *
 * <p>A tenant that is not held is loaded once, however many ask. What a load finds is kept before it is no longer
 * registered as the tenant's load, and both are atomic with registering the next, because each is a compute of the map of
 * loads: so that of two loads the later one is kept last. A load that began before a change is waited for and then
 * brought up to date, so that it cannot put back what the change replaced.
 *
 * <p>A graph that is held is brought up to date beside the one that is being answered from, at the cost of what has
 * changed, and swapped only if that one is still held. Of each tenant one renewal runs at a time; whoever asks for one
 * meanwhile shares the next, which begins when that one has ended: so it sees whatever was committed before it was asked
 * for, and a hundred changes a second cost as many renewals as there is time for. Readers never wait for one.
 */
final class GraphCache {

    /** Of the bound, what a single graph is counted as at most. */
    private static final int LARGEST_SHARE = 4;

    /** Documents of a policy of which the first change would be seen to take longer than others. */
    private static final int LARGE_POLICY = 10_000;

    private static final Logger LOG = LoggerFactory.getLogger(GraphCache.class);

    private final AtomicBoolean warnedOfSize = new AtomicBoolean();
    private final PolicySource source;
    private final long cacheBytes;
    private final InstantSource clock;
    private final DecisionMetrics metrics;
    private final Executor threads;
    private final Apart apart = new Apart();
    private final Semaphore loadPermits;

    /** Apart from loads and from each other, so that neither a question nor an own change waits for a poll's many. */
    private final Semaphore renewalPermits;

    private final Semaphore pollPermits;
    private final Cache<TenantId, HeldGraph> graphs;
    private final Cache<TenantId, Boolean> unknown;
    private final ConcurrentMap<TenantId, CompletableFuture<Optional<HeldGraph>>> loads = new ConcurrentHashMap<>();
    private final ConcurrentMap<TenantId, Turns> renewals = new ConcurrentHashMap<>();

    /** The platform's documents are the same in every snapshot at a revision; one object serves all graphs. */
    private final AtomicReference<PolicySet> platform = new AtomicReference<>(PolicySet.empty(PolicyScope.PLATFORM));

    private final AtomicReference<@Nullable PlatformChange> platformChange = new AtomicReference<>();

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
        this.cacheBytes = config.cacheBytes();
        this.loadPermits = new Semaphore(config.concurrentLoads());
        this.renewalPermits = new Semaphore(config.concurrentLoads());
        this.pollPermits = new Semaphore(config.concurrentLoads());
        this.graphs = Caffeine.newBuilder()
                .maximumWeight(config.cacheBytes())
                .weigher((TenantId tenant, HeldGraph held) -> weight(held.graph()))
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

    /** All that is held. */
    Collection<HeldGraph> held() {
        return List.copyOf(graphs.asMap().values());
    }

    /** What the revisions were at the moment they were asked for. */
    record Polled(Map<PolicyScope, Revision> revisions, Instant askedAt) {

        Revision platform() {
            return revisions.getOrDefault(PolicyScope.PLATFORM, Revision.NONE);
        }
    }

    /**
     * Brings what is held of a scope up to date and waits for it: what is asked after this has returned is answered from
     * what is read after this was called. What cannot be brought up to date is dropped, for it is known to be outdated.
     */
    void refresh(PolicyScope scope) {
        if (scope.isPlatform()) {
            refreshAll();
        } else {
            TenantId tenant = scope.ledgerTenant();
            settle(tenant);
            if (!succeeds(renew(tenant))) {
                graphs.invalidate(tenant);
            }
        }
    }

    /**
     * Waits for a tenant's load, if there is one: it may be older than this call, and is then brought up to date like
     * whatever is held. To strike it off would be to begin again, at every change anew.
     */
    private void settle(TenantId tenant) {
        CompletableFuture<?> load = loads.get(tenant);
        if (load != null) {
            succeeds(load);
        }
        unknown.invalidate(tenant);
    }

    /**
     * Compares what is held with the current revisions: confirms what is at them, drops what has gone and renews the
     * others. Where the platform has changed, the first of them reads it and the others take it from there.
     */
    CompletableFuture<?> compare(Collection<HeldGraph> held, Polled polled) {
        List<TenantId> outdated = new ArrayList<>();
        for (HeldGraph graph : held) {
            if (!polled.revisions().containsKey(graph.scope())) {
                drop(graph);
            } else if (graph.isAt(polled.revisions())) {
                graph.confirm(polled.askedAt());
            } else {
                outdated.add(graph.tenant());
            }
        }
        if (outdated.isEmpty()) {
            return CompletableFuture.completedFuture(null);
        }
        if (platformRevision().equals(polled.platform())) {
            return renewAll(outdated, polled);
        }
        TenantId first = outdated.removeFirst();
        CompletableFuture<?> leading = renew(first);
        CompletableFuture<?> following =
                leading.handle((renewed, broken) -> outdated).thenCompose(tenants -> renewAll(tenants, polled));
        return CompletableFuture.allOf(leading, following);
    }

    /** Brings the tenant's graph, if it is held, to what is read after this call; until then the old one is answered from. */
    CompletableFuture<?> renew(TenantId tenant) {
        return renew(tenant, null);
    }

    /** Whether the tenant is held, once what is being loaded of it is; what was known not to exist is asked for anew. */
    boolean isHeldOnceLoaded(TenantId tenant, Duration timeout) {
        CompletableFuture<Optional<HeldGraph>> load = loads.get(tenant);
        if (load != null) {
            await(load, tenant, timeout);
        }
        unknown.invalidate(tenant);
        return getIfHeld(tenant) != null;
    }

    private void refreshAll() {
        // First what is being loaded: it is then among what is held.
        loads.keySet().forEach(this::settle);
        Collection<HeldGraph> held = held();
        Instant askedAt = clock.instant();
        try {
            Polled polled = new Polled(source.revisions(scopes(held)), askedAt);
            if (!succeeds(compare(held, polled))) {
                held.stream().filter(graph -> !graph.isAt(polled.revisions())).forEach(this::drop);
            }
        } catch (RuntimeException broken) {
            metrics.loadFailed();
            held.forEach(this::drop);
        }
    }

    static Set<PolicyScope> scopes(Collection<HeldGraph> held) {
        Set<PolicyScope> scopes = new HashSet<>(Set.of(PolicyScope.PLATFORM));
        held.forEach(graph -> scopes.add(graph.scope()));
        return scopes;
    }

    /** Drops a graph whose tenant has gone. */
    private void drop(HeldGraph held) {
        graphs.asMap().remove(held.tenant(), held);
    }

    private CompletableFuture<?> renewAll(List<TenantId> outdated, Polled polled) {
        return CompletableFuture.allOf(
                outdated.stream().map(tenant -> renew(tenant, polled)).toArray(CompletableFuture<?>[]::new));
    }

    /** A renewal under way may have read too early: what is asked for meanwhile is done in one that follows it. */
    private CompletableFuture<?> renew(TenantId tenant, @Nullable Polled polled) {
        Turns turns = renewals.compute(
                tenant,
                (any, present) -> present == null ? new Turns(new Turn(polled), null) : present.followedBy(polled));
        if (turns.next != null) {
            return turns.next.done;
        }
        threads.execute(() -> take(tenant, turns.running));
        return turns.running.done;
    }

    private void take(TenantId tenant, Turn first) {
        for (Turn turn = first; turn != null; turn = following(tenant)) {
            try {
                renewHeld(tenant, turn.polled);
                turn.done.complete(null);
            } catch (Throwable broken) {
                metrics.loadFailed();
                turn.done.completeExceptionally(broken);
            }
        }
    }

    private @Nullable Turn following(TenantId tenant) {
        Turns turns = renewals.computeIfPresent(
                tenant, (any, present) -> present.next == null ? null : new Turns(present.next, null));
        return turns == null ? null : turns.running;
    }

    private void renewHeld(TenantId tenant, @Nullable Polled polled) {
        boolean swapped = false;
        // Between reading and swapping it may have been dropped and loaded anew.
        for (HeldGraph held = getIfHeld(tenant); held != null && !swapped; held = getIfHeld(tenant)) {
            if (polled != null && held.isAt(polled.revisions())) {
                held.confirm(polled.askedAt());
                return;
            }
            Optional<HeldGraph> renewed = renewed(held, polled);
            swapped = renewed.isPresent()
                    ? graphs.asMap().replace(tenant, held, renewed.get())
                    : graphs.asMap().remove(tenant, held);
        }
    }

    /** The graph as of now, or as of the poll where that knows enough; the same one where nothing has changed. */
    private Optional<HeldGraph> renewed(HeldGraph held, @Nullable Polled polled) {
        Semaphore permits = polled == null ? renewalPermits : pollPermits;
        permits.acquireUninterruptibly();
        try {
            Instant readAt = clock.instant();
            return apart.get(() -> polled != null && differsInPlatformOnly(held, polled)
                    ? Optional.of(updated(held, ofPlatform(held), polled.askedAt()))
                    : source.update(held.snapshot()).map(update -> updated(held, update, readAt)));
        } finally {
            permits.release();
        }
    }

    /** Then what is held of the tenant and of the platform is what a read at that moment would have shown. */
    private boolean differsInPlatformOnly(HeldGraph held, Polled polled) {
        return held.graph().revision().equals(polled.revisions().get(held.scope()))
                && platformRevision().equals(polled.platform());
    }

    private PolicyUpdate ofPlatform(HeldGraph held) {
        PolicySet latest = platform.get();
        return new PolicyUpdate(
                new PolicySnapshot(held.snapshot().tenant(), latest),
                differences(held.snapshot().platform(), latest));
    }

    /** The same for all tenants that were at the same platform; the last pair is remembered. */
    private Set<DocumentKey> differences(PolicySet before, PolicySet after) {
        PlatformChange known = platformChange.get();
        if (known == null || known.before != before || known.after != after) {
            known = new PlatformChange(before, after, differing(before, after));
            platformChange.set(known);
        }
        return known.changed;
    }

    private static Set<DocumentKey> differing(PolicySet before, PolicySet after) {
        Set<DocumentKey> differing = new HashSet<>();
        before.documents().stream()
                .filter(document -> !after.find(document.key()).equals(Optional.of(document)))
                .forEach(document -> differing.add(document.key()));
        after.documents().stream()
                .filter(document -> before.find(document.key()).isEmpty())
                .forEach(document -> differing.add(document.key()));
        return differing;
    }

    private HeldGraph updated(HeldGraph held, PolicyUpdate update, Instant readAt) {
        PolicySnapshot snapshot = shared(update.snapshot());
        if (snapshot.tenant().revision().equals(held.graph().revision())
                && snapshot.platform().revision().equals(held.graph().platformRevision())) {
            held.confirm(readAt);
            return held;
        }
        long start = metrics.start();
        DecisionGraph graph;
        try {
            graph = GraphCompiler.update(held.graph(), snapshot.tenant(), snapshot.platform(), update.changed());
            metrics.updated(start);
        } catch (RuntimeException bug) {
            // A graph from scratch is the same graph, only later.
            metrics.updateFailed();
            graph = compile(snapshot);
        }
        return new HeldGraph(graph, readAt);
    }

    private static boolean succeeds(CompletableFuture<?> renewal) {
        try {
            renewal.join();
            return true;
        } catch (CompletionException broken) {
            return false;
        }
    }

    // Whether this very load was registered, not one like it.
    @SuppressWarnings("ReferenceEquality")
    private @Nullable HeldGraph load(TenantId tenant, Duration timeout) {
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
            HeldGraph held = getIfHeld(tenant);
            if (held != null || unknown.getIfPresent(tenant) != null) {
                return held;
            }
        }
    }

    private boolean isSettled(TenantId tenant) {
        return getIfHeld(tenant) != null || unknown.getIfPresent(tenant) != null;
    }

    /** Reads for a load that is registered already, so that no change can miss what is being read. */
    private void start(TenantId tenant, CompletableFuture<Optional<HeldGraph>> load) {
        threads.execute(() -> {
            try {
                Optional<HeldGraph> found = read(tenant);
                keep(tenant, found);
                load.complete(found);
            } catch (Throwable broken) {
                metrics.loadFailed();
                loads.remove(tenant, load);
                load.completeExceptionally(broken);
            }
        });
    }

    /** Before anyone who waits for it goes on. */
    private void keep(TenantId tenant, Optional<HeldGraph> found) {
        loads.computeIfPresent(tenant, (any, load) -> {
            found.ifPresentOrElse(held -> graphs.put(tenant, held), () -> unknown.put(tenant, true));
            return null;
        });
    }

    private Optional<HeldGraph> read(TenantId tenant) {
        loadPermits.acquireUninterruptibly();
        try {
            long start = metrics.start();
            Instant readAt = clock.instant();
            Optional<HeldGraph> found = apart.get(() -> source.load(tenant)
                    .map(this::shared)
                    .map(this::prepared)
                    .map(snapshot -> new HeldGraph(compile(snapshot), readAt)));
            metrics.loaded(start);
            return found;
        } finally {
            loadPermits.release();
        }
    }

    /** What judging a change takes is made of a large policy ahead of the first, beside the graph. */
    private PolicySnapshot prepared(PolicySnapshot snapshot) {
        if (snapshot.tenant().size() >= LARGE_POLICY) {
            apart.start(snapshot.tenant()::prepareForChange);
        }
        return snapshot;
    }

    /** The snapshot with the platform's documents that other graphs hold already, where they are of the same revision. */
    private PolicySnapshot shared(PolicySnapshot snapshot) {
        PolicySet read = snapshot.platform();
        PolicySet latest =
                platform.updateAndGet(known -> known.revision().compareTo(read.revision()) >= 0 ? known : read);
        return latest.revision().equals(read.revision()) ? new PolicySnapshot(snapshot.tenant(), latest) : snapshot;
    }

    /** The same for a snapshot of the past, which says nothing about what is the latest. */
    PolicySnapshot sharedIfHeld(PolicySnapshot snapshot) {
        PolicySet latest = platform.get();
        return latest.revision().equals(snapshot.platform().revision())
                ? new PolicySnapshot(snapshot.tenant(), latest)
                : snapshot;
    }

    static DecisionGraph compile(PolicySnapshot snapshot) {
        try {
            return GraphCompiler.compile(snapshot.tenant(), snapshot.platform());
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

    /** A renewal; with what a poll knows, or null where everything is to be read after it begins. */
    private static final class Turn {

        private final @Nullable Polled polled;
        private final CompletableFuture<@Nullable Void> done;

        Turn(@Nullable Polled polled) {
            this(polled, new CompletableFuture<>());
        }

        private Turn(@Nullable Polled polled, CompletableFuture<@Nullable Void> done) {
            this.polled = polled;
            this.done = done;
        }

        /** One that is enough for both. */
        Turn merged(@Nullable Polled other) {
            return polled == null || other == null
                    ? new Turn(null, done)
                    : new Turn(polled.askedAt().isAfter(other.askedAt()) ? polled : other, done);
        }
    }

    /** The renewal of a tenant that runs, and the one that follows it. */
    private record Turns(Turn running, @Nullable Turn next) {

        Turns followedBy(@Nullable Polled polled) {
            return new Turns(running, next == null ? new Turn(polled) : next.merged(polled));
        }
    }

    /** What a change of the platform changed. */
    private record PlatformChange(PolicySet before, PolicySet after, Set<DocumentKey> changed) {}
}
