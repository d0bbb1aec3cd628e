package dev.assize.server.decision;

import com.google.inject.Inject;
import dev.assize.server.decision.NodeClock.Reading;
import dev.assize.server.decision.PolicySource.Heads;
import dev.assize.server.decision.PolicySource.PolicySnapshot;
import dev.assize.server.decision.PolicySource.PolicyUpdate;
import dev.assize.server.decision.PolicyStates.Step;
import dev.assize.server.decision.compile.GraphCompiler;
import dev.assize.server.decision.evaluate.DecisionGraph;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Revision;
import dev.assize.server.model.TenantId;
import dev.assize.server.prompt.Prompt;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * The compiled policies this node holds, within a bound of heap, and how they are kept up to date; what is not held is
 * loaded by {@link GraphLoads}.
 *
 * <p>A graph that is held is brought up to date beside the one that is being answered from, at the cost of what has
 * changed, and swapped only if that one is still held; {@link Renewals} says when. Readers never wait for it.
 */
final class GraphCache {

    /** Documents of a policy of which the first change would be seen to take longer than others. */
    private static final int LARGE_POLICY = 10_000;

    private final PolicySource source;
    private final DecisionConfig config;
    private final NodeClock clock;
    private final DecisionMetrics metrics;
    private final Apart apart = new Apart();
    private final Semaphore loadPermits;

    /** Apart from loads and from each other, so that neither a question nor an own change waits for a poll's many. */
    private final Semaphore renewalPermits;

    private final Semaphore pollPermits;
    private final Watchers watchers = new Watchers();
    private final HeldGraphs graphs;
    private final GraphLoads loads;

    /** Counted here, for a question that must wait is asked twice. */
    private final LongAdder hits = new LongAdder();

    /** Of the graphs that were made: of two at the same revisions one may be of a database that was put back since. */
    private final AtomicLong numbers = new AtomicLong();

    private final Renewals renewals;
    private final SharedPlatform platform = new SharedPlatform();

    @Inject
    GraphCache(PolicySource source, DecisionConfig config, NodeClock clock, DecisionMetrics metrics) {
        this(source, config, clock, metrics, Thread::startVirtualThread);
    }

    GraphCache(PolicySource source, DecisionConfig config, NodeClock clock, DecisionMetrics metrics, Executor threads) {
        this.source = source;
        this.clock = clock;
        this.metrics = metrics;
        this.renewals = new Renewals(threads, this::renewHeld);
        this.config = config;
        this.loadPermits = new Semaphore(config.concurrentLoads());
        this.renewalPermits = new Semaphore(config.concurrentLoads());
        this.pollPermits = new Semaphore(config.concurrentLoads());
        this.graphs = new HeldGraphs(config.cacheBytes(), metrics);
        this.loads = new GraphLoads(graphs, watchers, config, clock, metrics, threads, this::read);
        graphs.observe(hits, loads.misses());
    }

    /** The tenant's graph, loaded where it is not held; null where there is no such tenant. */
    @Nullable
    HeldGraph get(TenantId tenant, Duration timeout) {
        HeldGraph held = getIfPresent(tenant);
        return held == null ? loads.load(tenant, timeout) : held;
    }

    /** The tenant's graph if it is held, for a question. */
    @Nullable
    HeldGraph getIfPresent(TenantId tenant) {
        return counted(graphs.get(TenantKey.of(tenant)));
    }

    /** The same, by a probe of a desk's, which counts by itself. */
    @Nullable
    HeldGraph probe(TenantKey tenant) {
        return graphs.get(tenant);
    }

    private @Nullable HeldGraph counted(@Nullable HeldGraph held) {
        if (held != null) {
            hit();
        }
        return held;
    }

    /** A question whose policy was held. */
    void hit() {
        hits.increment();
    }

    /** A place of one thread's, where questions are answered from what is held. */
    Desk desk() {
        return new HeldDesk(this, clock, config, metrics);
    }

    /** The tenant's graph if it is held; that this was asked for keeps it no longer. */
    @Nullable
    HeldGraph getIfHeld(TenantId tenant) {
        return graphs.getQuietly(tenant);
    }

    /** Those who are told when a tenant is answered from another graph, or from none any more. */
    Watchers watchers() {
        return watchers;
    }

    /** The latest revision of the platform that this node has seen. */
    Revision platformRevision() {
        return platform.revision();
    }

    /** All that is held. */
    Collection<HeldGraph> held() {
        return graphs.all();
    }

    /**
     * Brings what is held of a scope up to date and waits for it: what is asked after this has returned is answered from
     * what is read after this was called. What cannot be brought up to date is dropped, for it is known to be outdated.
     */
    void refresh(PolicyScope scope) {
        Prompt.requireTime();
        if (scope.isPlatform()) {
            refreshAll();
        } else {
            TenantId tenant = scope.ledgerTenant();
            loads.settle(tenant);
            if (!succeeds(renew(tenant))) {
                graphs.remove(tenant);
                watchers.tell(tenant);
            }
        }
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
                graph.confirm(polled.confirmedAt(graph.tenant()));
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
        return renewals.ask(tenant, null);
    }

    /**
     * Sees to it that nothing older than a revision that was committed is answered from, once what this answers is done;
     * whether it is so then. What is not held is read when it is asked for, and then read anew.
     */
    CompletableFuture<Boolean> catchUp(TenantId tenant, Revision revision) {
        // What is under way may well see it: to read once more behind each own change would be to read twice.
        CompletableFuture<?> underWay =
                CompletableFuture.allOf(ended(loads.underWay(tenant)), ended(renewals.underWay(tenant)));
        return underWay.thenCompose(any -> {
            loads.forgetUnknown(tenant);
            return isBehind(tenant, revision)
                    ? ended(renew(tenant)).thenApply(renewed -> !isBehind(tenant, revision))
                    : CompletableFuture.completedFuture(true);
        });
    }

    private boolean isBehind(TenantId tenant, Revision revision) {
        HeldGraph held = getIfHeld(tenant);
        return held != null && held.graph().revision().compareTo(revision) < 0;
    }

    /** Done when that has ended, well or not. */
    private static CompletableFuture<?> ended(@Nullable CompletableFuture<?> work) {
        return work == null ? CompletableFuture.completedFuture(null) : work.handle((done, failure) -> null);
    }

    /** Whether the tenant is held, once what is being loaded of it is; what was known not to exist is asked for anew. */
    boolean isHeldOnceLoaded(TenantId tenant, Duration timeout) {
        return loads.isHeldOnceLoaded(tenant, timeout);
    }

    private void refreshAll() {
        loads.settleAll();
        Collection<HeldGraph> held = held();
        Reading askedAt = clock.read();
        try {
            Heads heads = source.heads(scopes(held));
            Polled polled = new Polled(heads.revisions(), askedAt, heads.ages());
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
        var _ = graphs.swap(held, null);
        watchers.tell(held.tenant());
    }

    private CompletableFuture<?> renewAll(List<TenantId> outdated, Polled polled) {
        return CompletableFuture.allOf(
                outdated.stream().map(tenant -> renewals.ask(tenant, polled)).toArray(CompletableFuture<?>[]::new));
    }

    private void renewHeld(TenantId tenant, @Nullable Polled polled) {
        try {
            swapHeld(tenant, polled);
        } catch (Throwable broken) {
            metrics.loadFailed();
            throw broken;
        }
    }

    private void swapHeld(TenantId tenant, @Nullable Polled polled) {
        boolean swapped = false;
        // Between reading and swapping it may have been dropped and loaded anew.
        for (HeldGraph held = getIfHeld(tenant); held != null && !swapped; held = getIfHeld(tenant)) {
            if (polled != null && held.isAt(polled.revisions())) {
                held.confirm(polled.confirmedAt(tenant));
                return;
            }
            swapped = graphs.swap(held, renewed(held, polled).orElse(null));
        }
        watchers.tell(tenant);
    }

    /** The graph as of now, or as of the poll where that knows enough; the same one where nothing has changed. */
    private Optional<HeldGraph> renewed(HeldGraph held, @Nullable Polled polled) {
        Semaphore permits = polled == null ? renewalPermits : pollPermits;
        permits.acquireUninterruptibly();
        try {
            Reading readAt = reading(held.tenant());
            return apart.get(() -> polled != null && differsInPlatformOnly(held, polled)
                    ? Optional.of(updated(held, platform.update(held.snapshot()), polled.confirmedAt(held.tenant())))
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

    private HeldGraph updated(HeldGraph held, PolicyUpdate update, Reading readAt) {
        PolicySnapshot snapshot = platform.seen(update.snapshot());
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
        return new HeldGraph(
                graph,
                numbers.incrementAndGet(),
                clock,
                readAt,
                new Step(held.graph().revision(), held.graph().platformRevision(), update.changed()));
    }

    private static boolean succeeds(CompletableFuture<?> renewal) {
        try {
            renewal.join();
            return true;
        } catch (CompletionException broken) {
            return false;
        }
    }

    private Optional<HeldGraph> read(TenantId tenant) {
        loadPermits.acquireUninterruptibly();
        try {
            long start = metrics.start();
            Reading readAt = reading(tenant);
            Optional<HeldGraph> found = apart.get(() -> source.load(tenant)
                    .map(platform::seen)
                    .map(this::prepared)
                    .map(snapshot -> new HeldGraph(compile(snapshot), numbers.incrementAndGet(), clock, readAt)));
            metrics.loaded(start);
            return found;
        } finally {
            loadPermits.release();
        }
    }

    /** As of when what is read of a tenant next is confirmed at least. */
    private Reading reading(TenantId tenant) {
        return clock.read().minus(source.age(tenant));
    }

    /** What judging a change takes is made of a large policy ahead of the first, beside the graph. */
    private PolicySnapshot prepared(PolicySnapshot snapshot) {
        if (snapshot.tenant().size() >= LARGE_POLICY) {
            apart.start(snapshot.tenant()::prepareForChange);
        }
        return snapshot;
    }

    /** A snapshot of the past with the platform's documents that are held, where they are of the same revision. */
    PolicySnapshot sharedIfHeld(PolicySnapshot snapshot) {
        return platform.ifHeld(snapshot);
    }

    static DecisionGraph compile(PolicySnapshot snapshot) {
        try {
            return GraphCompiler.compile(snapshot.tenant(), snapshot.platform());
        } catch (RuntimeException bug) {
            throw new EvaluationFailedException(bug);
        }
    }
}
