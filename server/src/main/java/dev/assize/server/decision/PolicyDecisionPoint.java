package dev.assize.server.decision;

import com.google.inject.Inject;
import dev.assize.server.decision.check.Answer;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.decision.check.Explanation;
import dev.assize.server.decision.check.PointInTime;
import dev.assize.server.model.MalformedException;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Revision;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.DecisionLog;
import dev.assize.server.policy.Document.TenantDocument;
import dev.assize.server.policy.TenantAudit;
import dev.assize.server.prompt.Prompt;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Decides from the graphs it holds. Whatever goes wrong on the way is an exception and counted, never an answer. */
final class PolicyDecisionPoint implements DecisionService {

    /** Between attempts to see a revision. */
    private static final Duration RETRY_PAUSE = Duration.ofMillis(20);

    private final GraphCache graphs;
    private final PolicySource source;
    private final Moments moments;
    private final Decisions decisions;
    private final InstantSource clock;
    private final DecisionMetrics metrics;

    @Inject
    PolicyDecisionPoint(
            GraphCache graphs,
            PolicySource source,
            Moments moments,
            Decisions decisions,
            InstantSource clock,
            DecisionMetrics metrics) {
        this.graphs = graphs;
        this.source = source;
        this.moments = moments;
        this.decisions = decisions;
        this.clock = clock;
        this.metrics = metrics;
    }

    @Override
    public Answer evaluate(CheckQuery query, PointInTime at) {
        long start = metrics.start();
        Answer answer = decide(query, at);
        metrics.decided(answer, start);
        return answer;
    }

    @Override
    public Answer evaluateOwn(CheckQuery query) {
        return decide(query, PointInTime.NOW);
    }

    private Answer decide(CheckQuery query, PointInTime at) {
        Moment moment = moments.find(query.tenant(), at);
        return moment == null ? moments.tenantUnknown(at) : decisions.decide(moment, query);
    }

    @Override
    public DecisionLog decisionLog(TenantId tenant) {
        HeldGraph held = graphs.getIfHeld(tenant);
        if (held != null) {
            return held.graph().decisionLog();
        }
        Moment moment = moments.find(tenant, PointInTime.NOW);
        return moment == null ? DecisionLog.NONE : moment.graph().decisionLog();
    }

    @Override
    public boolean isTenant(TenantId tenant) {
        return moments.find(tenant, PointInTime.NOW) != null;
    }

    @Override
    public TenantAudit audit(TenantId tenant) {
        Moment moment = moments.find(tenant, PointInTime.NOW);
        return moment == null
                ? TenantAudit.NONE
                : moment.graph().origin().tenant().ofKind(TenantDocument.class).stream()
                        .map(TenantDocument::audit)
                        .findFirst()
                        .orElse(TenantAudit.NONE);
    }

    @Override
    public Optional<Set<String>> historyActions(TenantId tenant) {
        HeldGraph held = graphs.getIfHeld(tenant);
        return Optional.ofNullable(held == null ? moments.loaded(tenant) : held)
                .map(found -> found.graph().historyActions());
    }

    @Override
    public List<Answer> evaluateAll(TenantId tenant, List<CheckQuery> queries) {
        long start = metrics.start();
        Moment moment = moments.find(tenant, PointInTime.NOW);
        List<Answer> answers = moment == null
                ? Collections.nCopies(queries.size(), moments.tenantUnknown(PointInTime.NOW))
                : decideAll(moment, queries);
        metrics.decided(answers, start);
        return answers;
    }

    private List<Answer> decideAll(Moment moment, List<CheckQuery> queries) {
        Decisions remembering = decisions.remembering();
        return each(queries, query -> remembering.decide(moment, query));
    }

    /** The answers, up to the first request that has none; where each has one or is malformed, the latter are refused. */
    private static List<Answer> each(List<CheckQuery> queries, Function<CheckQuery, @Nullable Answer> decide) {
        List<Answer> answers = new ArrayList<>(queries.size());
        SortedMap<Integer, MalformedException> malformed = new TreeMap<>();
        for (int i = 0; i < queries.size(); i++) {
            try {
                Answer answer = decide.apply(queries.get(i));
                if (answer == null) {
                    return answers;
                }
                answers.add(answer);
            } catch (MalformedException e) {
                malformed.put(i, e);
            }
        }
        if (!malformed.isEmpty()) {
            throw new MalformedItemsException(malformed);
        }
        return answers;
    }

    @Override
    public @Nullable ReadyAnswer evaluateIfReady(CheckQuery query) {
        long start = metrics.start();
        Moment moment = moments.presentIfReady(query.tenant());
        Answer answer = moment == null ? null : decisions.decideIfReady(moment, query);
        if (moment == null || answer == null) {
            return null;
        }
        metrics.decided(answer, start);
        return new ReadyAnswer(answer, moment.graph().decisionLog());
    }

    @Override
    public Desk desk() {
        return moments.desk();
    }

    @Override
    public @Nullable ReadyAnswers evaluateAllIfReady(TenantId tenant, List<CheckQuery> queries) {
        long start = metrics.start();
        Moment moment = moments.presentIfReady(tenant);
        if (moment == null) {
            return null;
        }
        List<Answer> answers = each(queries, query -> decisions.decideIfReady(moment, query));
        if (answers.size() < queries.size()) {
            return null;
        }
        metrics.decided(answers, start);
        return new ReadyAnswers(answers, moment.graph().decisionLog());
    }

    @Override
    public Explanation explain(CheckQuery query, PointInTime at) {
        Prompt.requireTime();
        long start = metrics.start();
        Moment moment = moments.find(query.tenant(), at);
        Explanation explanation = moment == null
                ? new Explanation(moments.tenantUnknown(at), List.of(), List.of())
                : decisions.explain(moment, query);
        metrics.decided(explanation.answer(), start);
        return explanation;
    }

    @Override
    public RevisionWait awaitRevision(TenantId tenant, Revision revision, Duration timeout) {
        Instant deadline = clock.instant().plus(timeout);
        if (isHeldAt(tenant, revision)) {
            return RevisionWait.REACHED;
        }
        Prompt.requireTime();
        if (source.knowsWhatIsCommitted() && committed(tenant).compareTo(revision) < 0) {
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
        graphs.refresh(scope);
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
        try {
            if (!graphs.isHeldOnceLoaded(tenant, timeout)) {
                // A tenant that has gone since is seen as gone.
                return graphs.get(tenant, timeout) == null || isHeldAt(tenant, revision);
            }
            graphs.renew(tenant).get(timeout.toNanos(), TimeUnit.NANOSECONDS);
            return graphs.getIfHeld(tenant) == null || isHeldAt(tenant, revision);
        } catch (ExecutionException | TimeoutException | PolicyUnavailableException e) {
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }
}
