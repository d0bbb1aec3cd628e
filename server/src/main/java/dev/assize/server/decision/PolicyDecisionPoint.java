package dev.assize.server.decision;

import com.google.inject.Inject;
import dev.assize.server.decision.check.Answer;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.decision.check.Explanation;
import dev.assize.server.decision.check.PointInTime;
import dev.assize.server.decision.evaluate.DecisionGraph;
import dev.assize.server.decision.evaluate.Evaluator;
import dev.assize.server.decision.evaluate.Explainer;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Reason;
import dev.assize.server.model.Revision;
import dev.assize.server.model.TenantId;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Decides from the graphs it holds. Whatever goes wrong on the way is an exception and counted, never an answer. */
final class PolicyDecisionPoint implements DecisionService {

    /** Between attempts to see a revision. */
    private static final Duration RETRY_PAUSE = Duration.ofMillis(20);

    /** The engine, as far as this class knows it. */
    interface Engine {
        Answer evaluate(DecisionGraph graph, CheckQuery query, Instant now);
    }

    private final GraphCache graphs;
    private final PolicySource source;
    private final DecisionConfig config;
    private final InstantSource clock;
    private final DecisionMetrics metrics;
    private final Engine engine;

    @Inject
    PolicyDecisionPoint(
            GraphCache graphs,
            PolicySource source,
            DecisionConfig config,
            InstantSource clock,
            DecisionMetrics metrics) {
        this(
                graphs,
                source,
                config,
                clock,
                metrics,
                (graph, query, now) -> Evaluator.evaluate(graph, query, now).answer());
    }

    PolicyDecisionPoint(
            GraphCache graphs,
            PolicySource source,
            DecisionConfig config,
            InstantSource clock,
            DecisionMetrics metrics,
            Engine engine) {
        this.graphs = graphs;
        this.source = source;
        this.config = config;
        this.clock = clock;
        this.metrics = metrics;
        this.engine = engine;
    }

    @Override
    public Answer evaluate(CheckQuery query, PointInTime at) {
        requireNow(at);
        long start = metrics.start();
        Answer answer = evaluateOwn(query);
        metrics.decided(answer, start);
        return answer;
    }

    @Override
    public Answer evaluateOwn(CheckQuery query) {
        Moment moment = moment(query.tenant());
        return moment.graph == null
                ? tenantUnknown(moment.now)
                : guarded(() -> engine.evaluate(moment.graph, query, moment.now));
    }

    @Override
    public boolean isTenant(TenantId tenant) {
        return moment(tenant).graph != null;
    }

    @Override
    public List<Answer> evaluateAll(TenantId tenant, List<CheckQuery> queries) {
        long start = metrics.start();
        Moment moment = moment(tenant);
        List<Answer> answers = guarded(() -> {
            List<Answer> decided = new ArrayList<>(queries.size());
            for (CheckQuery query : queries) {
                decided.add(
                        moment.graph == null
                                ? tenantUnknown(moment.now)
                                : engine.evaluate(moment.graph, query, moment.now));
            }
            return decided;
        });
        metrics.decided(answers, start);
        return answers;
    }

    @Override
    public Explanation explain(CheckQuery query, PointInTime at) {
        requireNow(at);
        long start = metrics.start();
        Moment moment = moment(query.tenant());
        Explanation explanation = moment.graph == null
                ? new Explanation(tenantUnknown(moment.now), List.of(), List.of())
                : guarded(() -> Explainer.explain(moment.graph, query, moment.now));
        metrics.decided(explanation.answer(), start);
        return explanation;
    }

    @Override
    public RevisionWait awaitRevision(TenantId tenant, Revision revision, Duration timeout) {
        Instant deadline = clock.instant().plus(timeout);
        if (isHeldAt(tenant, revision)) {
            return RevisionWait.REACHED;
        }
        if (committed(tenant).compareTo(revision) < 0) {
            return RevisionWait.NEVER_COMMITTED;
        }
        Duration left = timeout;
        while (left.isPositive() && !Thread.currentThread().isInterrupted()) {
            if (hasSeen(tenant, revision, left)) {
                return RevisionWait.REACHED;
            }
            // Whatever failed is not asked again at once: a loop without rest would take a thread of the server's few.
            LockSupport.parkNanos(RETRY_PAUSE.toNanos());
            left = Duration.between(clock.instant(), deadline);
        }
        return RevisionWait.TIMED_OUT;
    }

    @Override
    public void refresh(PolicyScope scope) {
        graphs.invalidate(scope);
    }

    private static void requireNow(PointInTime at) {
        if (!(at instanceof PointInTime.Now)) {
            throw new IllegalArgumentException("Only the present is answered: " + at);
        }
    }

    /** When a question is judged, and from what: null where there is no such tenant. */
    private record Moment(@Nullable DecisionGraph graph, Instant now) {}

    /** The clock is read after the graph was got: waiting for it must not turn the answer into one about the past. */
    private Moment moment(TenantId tenant) {
        try {
            HeldGraph held = graphs.get(tenant, config.loadTimeout());
            Instant now = clock.instant();
            return new Moment(held == null ? null : held.fresh(now, config.freshnessBound()), now);
        } catch (PolicyStaleException e) {
            metrics.stale();
            throw e;
        } catch (PolicyUnavailableException e) {
            metrics.unavailable();
            throw e;
        } catch (EvaluationFailedException e) {
            metrics.engineFailed();
            throw e;
        }
    }

    /** Fails closed: a bug in the engine becomes an exception that whoever asked answers with a deny. */
    private <T> T guarded(Supplier<T> decision) {
        try {
            return decision.get();
        } catch (RuntimeException bug) {
            metrics.engineFailed();
            throw new EvaluationFailedException(bug);
        }
    }

    private Answer tenantUnknown(Instant now) {
        return new Answer(
                Reason.TENANT_UNKNOWN,
                null,
                Revision.NONE,
                graphs.platformRevision(),
                now.plus(Evaluator.HORIZON),
                List.of());
    }

    private boolean isHeldAt(TenantId tenant, Revision revision) {
        HeldGraph held = graphs.getIfHeld(tenant);
        return held != null && held.graph().revision().compareTo(revision) >= 0;
    }

    private Revision committed(TenantId tenant) {
        PolicyScope scope = PolicyScope.of(tenant);
        Map<PolicyScope, Revision> revisions = source.revisions(Set.of(scope));
        return revisions.getOrDefault(scope, Revision.NONE);
    }

    /** Whether what is read now is at the revision, which was committed before this is called, or at a later one. */
    private boolean hasSeen(TenantId tenant, Revision revision, Duration timeout) {
        HeldGraph held = graphs.getIfHeld(tenant);
        try {
            if (held == null) {
                // A load that has begun, or a tenant remembered as unknown, may be older than the revision.
                graphs.invalidate(PolicyScope.of(tenant));
                // A tenant that has gone since is seen as gone.
                return graphs.get(tenant, timeout) == null || isHeldAt(tenant, revision);
            }
            CompletableFuture<Optional<HeldGraph>> renewal = graphs.renew(held);
            return renewal.get(timeout.toNanos(), TimeUnit.NANOSECONDS).isPresent() && isHeldAt(tenant, revision);
        } catch (ExecutionException | TimeoutException | PolicyUnavailableException e) {
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }
}
