package dev.assize.server.decision;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.google.inject.Inject;
import dev.assize.server.decision.PolicySource.PastPolicy;
import dev.assize.server.decision.PolicySource.PolicySnapshot;
import dev.assize.server.decision.check.PointInTime;
import dev.assize.server.decision.evaluate.DecisionGraph;
import dev.assize.server.model.MalformedException;
import dev.assize.server.model.Revision;
import dev.assize.server.model.TenantId;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * Compiled policies of the past, apart from those that the present is answered from: bounded in number, in heap, and in
 * how many are read at a time; who comes when the queue is full is refused at once.
 *
 * <p>What was current at a moment never changes once every change that bears an earlier time is committed. A change
 * bears the time at which it began, so that this is so only some time later; until then a question is put to the source
 * each time, and shares but the graph.
 */
final class PastGraphs {

    /** No change takes so long from its time to its commit. */
    private static final Duration SETTLING = Duration.ofMinutes(5);

    /** Questions whose revisions are remembered. */
    private static final int REMEMBERED_QUESTIONS = 10_000;

    /** Questions that wait, for each that is being read. */
    private static final int WAITING_PER_LOAD = 8;

    /**
     * A policy of the past.
     *
     * @param committedBy up to which history and approvals count
     */
    record PastGraph(DecisionGraph graph, Instant committedBy) {}

    /** What names a policy that never changes. */
    private record Key(TenantId tenant, Revision revision, Revision platformRevision) {}

    private record Question(TenantId tenant, PointInTime.Past past) {}

    /**
     * What a question is about.
     *
     * @param key null where there was no such tenant then
     */
    private record Resolved(@Nullable Key key, Instant committedBy) {}

    private final PolicySource source;
    private final GraphCache present;
    private final InstantSource clock;
    private final DecisionMetrics metrics;
    private final Executor threads;
    private final Apart apart = new Apart();
    private final Cache<Key, DecisionGraph> graphs;
    private final Cache<Question, Resolved> resolved;
    private final ConcurrentMap<Question, CompletableFuture<Optional<PastGraph>>> loads = new ConcurrentHashMap<>();
    private final Semaphore reading;
    private final Semaphore places;
    private final int placesInAll;

    @Inject
    PastGraphs(
            PolicySource source,
            GraphCache present,
            DecisionConfig config,
            InstantSource clock,
            DecisionMetrics metrics) {
        this(source, present, config, clock, metrics, Thread::startVirtualThread);
    }

    PastGraphs(
            PolicySource source,
            GraphCache present,
            DecisionConfig config,
            InstantSource clock,
            DecisionMetrics metrics,
            Executor threads) {
        this.source = source;
        this.present = present;
        this.clock = clock;
        this.metrics = metrics;
        this.threads = threads;
        this.reading = new Semaphore(config.concurrentPastLoads());
        this.placesInAll = (int) Math.min(Integer.MAX_VALUE, (long) config.concurrentPastLoads() * WAITING_PER_LOAD);
        this.places = new Semaphore(placesInAll);
        // Each weighs its share at least, which bounds the number, and all there is at most, so that one is always
        // held.
        long least = Math.max(1, config.pastBytes() / config.pastGraphs());
        this.graphs = Caffeine.newBuilder()
                .maximumWeight(config.pastBytes())
                .weigher((Key key, DecisionGraph graph) -> (int)
                        Math.min(Integer.MAX_VALUE, Math.min(config.pastBytes(), Math.max(least, graph.weightBytes()))))
                .executor(Runnable::run)
                .build();
        this.resolved = Caffeine.newBuilder()
                .maximumSize(REMEMBERED_QUESTIONS)
                .executor(Runnable::run)
                .build();
        metrics.observePast(graphs);
    }

    /** The policy of then; empty where there was no such tenant. */
    Optional<PastGraph> get(TenantId tenant, PointInTime.Past past, Duration timeout) {
        Question question = new Question(tenant, past);
        Resolved known = resolved.getIfPresent(question);
        if (known != null && known.key == null) {
            return Optional.empty();
        }
        DecisionGraph graph = known == null || known.key == null ? null : graphs.getIfPresent(known.key);
        return known != null && graph != null
                ? Optional.of(new PastGraph(graph, known.committedBy))
                : await(loads.computeIfAbsent(question, this::started), tenant, timeout);
    }

    private CompletableFuture<Optional<PastGraph>> started(Question question) {
        if (!places.tryAcquire()) {
            metrics.pastRefused();
            throw new PastBusyException(placesInAll);
        }
        CompletableFuture<Optional<PastGraph>> load = new CompletableFuture<>();
        threads.execute(() -> {
            try {
                Optional<PastGraph> found = read(question);
                ended(question, load);
                load.complete(found);
            } catch (Throwable broken) {
                ended(question, load);
                load.completeExceptionally(broken);
            }
        });
        return load;
    }

    /** Before anyone who waits goes on: the next question must not be given what was read before it was asked. */
    private void ended(Question question, CompletableFuture<Optional<PastGraph>> load) {
        loads.remove(question, load);
        places.release();
    }

    private Optional<PastGraph> read(Question question) {
        reading.acquireUninterruptibly();
        try {
            long start = metrics.start();
            Instant askedAt = clock.instant();
            Optional<PastPolicy> found = apart.get(() -> source.loadPast(question.tenant, question.past));
            Optional<PastGraph> graph = apart.get(() -> found.map(this::graph));
            remember(question, found, askedAt);
            metrics.pastLoaded(start);
            return graph;
        } finally {
            reading.release();
        }
    }

    private PastGraph graph(PastPolicy policy) {
        PolicySnapshot snapshot = policy.snapshot();
        HeldGraph held = present.getIfHeld(key(snapshot).tenant);
        boolean isPresent = held != null
                && held.graph().revision().equals(snapshot.tenant().revision())
                && held.graph().platformRevision().equals(snapshot.platform().revision());
        DecisionGraph graph = held != null && isPresent
                ? held.graph()
                : graphs.get(key(snapshot), any -> GraphCache.compile(present.sharedIfHeld(snapshot)));
        return new PastGraph(graph, policy.committedBy());
    }

    private static Key key(PolicySnapshot snapshot) {
        return new Key(
                snapshot.tenant().scope().tenant().orElseThrow(),
                snapshot.tenant().revision(),
                snapshot.platform().revision());
    }

    private void remember(Question question, Optional<PastPolicy> found, Instant askedAt) {
        Instant asOf = question.past.asOf();
        Instant committedBy = found.map(PastPolicy::committedBy).orElse(asOf == null ? Instant.MAX : asOf);
        if (committedBy.isBefore(askedAt.minus(SETTLING))) {
            resolved.put(
                    question,
                    new Resolved(found.map(policy -> key(policy.snapshot())).orElse(null), committedBy));
        }
    }

    private static Optional<PastGraph> await(
            CompletableFuture<Optional<PastGraph>> load, TenantId tenant, Duration timeout) {
        try {
            return load.get(timeout.toNanos(), TimeUnit.NANOSECONDS);
        } catch (ExecutionException e) {
            Throwable cause = e.getCause() == null ? e : e.getCause();
            throw switch (cause) {
                case RevisionNeverCommittedException callers -> callers;
                case MalformedException callers -> callers;
                case EvaluationFailedException bug -> bug;
                default -> new PolicyUnavailableException(tenant, cause);
            };
        } catch (TimeoutException e) {
            throw new PolicyUnavailableException(tenant, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new PolicyUnavailableException(tenant, e);
        }
    }
}
