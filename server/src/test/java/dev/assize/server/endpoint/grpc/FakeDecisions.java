package dev.assize.server.endpoint.grpc;

import dev.assize.server.decision.DecisionService;
import dev.assize.server.decision.Desk;
import dev.assize.server.decision.MalformedItemsException;
import dev.assize.server.decision.RevisionNeverCommittedException;
import dev.assize.server.decision.check.Answer;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.decision.check.Explanation;
import dev.assize.server.decision.check.PointInTime;
import dev.assize.server.model.MalformedException;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Reason;
import dev.assize.server.model.Revision;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.DecisionLog;
import dev.assize.server.policy.TenantAudit;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * An engine that answers what a test says. In tenant `assize` it grants what {@link #grant} said, and everything to
 * `user:admin`.
 */
public final class FakeDecisions implements DecisionService {

    private static final Revision HELD = new Revision(7);

    private final Set<String> grants = new HashSet<>();
    private final Set<TenantId> tenants = new HashSet<>();
    private Function<CheckQuery, Reason> engine = query -> Reason.ALLOWED;
    private Function<Answer, Answer> finish = answer -> answer;
    private @Nullable Predicate<CheckQuery> atOnce;
    private @Nullable Explanation trace;
    private @Nullable CheckQuery lastQuery;
    private DecisionLog log = DecisionLog.NONE;
    private PointInTime lastMoment = PointInTime.NOW;
    private TenantAudit audit = TenantAudit.NONE;
    private @Nullable Set<String> historyActions = Set.of();

    public synchronized void grant(String subject, String action, String resource) {
        grants.add(subject + " " + action + " " + resource);
    }

    public synchronized void revokeAll() {
        grants.clear();
    }

    public synchronized void audit(TenantAudit newAudit) {
        audit = newAudit;
    }

    public synchronized void addTenant(String tenant) {
        tenants.add(new TenantId(tenant));
    }

    public synchronized void answer(Function<CheckQuery, Reason> newEngine) {
        engine = newEngine;
    }

    /** Gives every answer in tenants other than `assize` its last touch. */
    public synchronized void finish(Function<Answer, Answer> newFinish) {
        finish = newFinish;
    }

    public synchronized void trace(Explanation newTrace) {
        trace = newTrace;
    }

    /** The last question about another tenant than `assize`. */
    public synchronized CheckQuery lastQuery() {
        return Objects.requireNonNull(lastQuery);
    }

    public synchronized PointInTime lastMoment() {
        return lastMoment;
    }

    @Override
    public synchronized Answer evaluate(CheckQuery query, PointInTime at) {
        if (at instanceof PointInTime.Past(Revision revision, var _)
                && revision != null
                && revision.compareTo(HELD) > 0) {
            throw new RevisionNeverCommittedException(query.tenant(), revision);
        }
        if (!query.tenant().equals(TenantId.ASSIZE)) {
            lastQuery = query;
            lastMoment = at;
        }
        Instant validUntil = at instanceof PointInTime.Now ? Instant.parse("2026-03-01T12:00:00Z") : null;
        Answer answer = new Answer(reason(query), null, HELD, Revision.NONE, validUntil, List.of());
        return query.tenant().equals(TenantId.ASSIZE) ? answer : finish.apply(answer);
    }

    @Override
    public Answer evaluateOwn(CheckQuery query) {
        return evaluate(query);
    }

    /** Which decisions of every tenant but `assize` go on record. */
    public synchronized void decisionLog(DecisionLog newLog) {
        log = newLog;
    }

    @Override
    public synchronized DecisionLog decisionLog(TenantId tenant) {
        return tenants.contains(tenant) ? log : DecisionLog.NONE;
    }

    @Override
    public synchronized TenantAudit audit(TenantId tenant) {
        return audit;
    }

    /** Has the ledger of every tenant be asked about these actions; null for a policy that is not held. */
    public synchronized void askHistoryOf(@Nullable Set<String> actions) {
        historyActions = actions;
    }

    @Override
    public synchronized Optional<Set<String>> historyActions(TenantId tenant) {
        return Optional.ofNullable(historyActions);
    }

    @Override
    public synchronized boolean isTenant(TenantId tenant) {
        return tenant.equals(TenantId.ASSIZE) || tenants.contains(tenant);
    }

    private Reason reason(CheckQuery query) {
        if (query.tenant().equals(TenantId.ASSIZE)) {
            boolean granted = query.subject().toString().equals("user:admin")
                    || grants.contains(query.subject() + " " + query.action() + " " + query.resource());
            return granted ? Reason.ALLOWED : Reason.NO_GRANT;
        }
        return tenants.contains(query.tenant()) ? engine.apply(query) : Reason.TENANT_UNKNOWN;
    }

    @Override
    public List<Answer> evaluateAll(TenantId tenant, List<CheckQuery> queries) {
        List<Answer> answers = new ArrayList<>();
        SortedMap<Integer, MalformedException> malformed = new TreeMap<>();
        for (int i = 0; i < queries.size(); i++) {
            try {
                answers.add(evaluate(queries.get(i)));
            } catch (MalformedException one) {
                malformed.put(i, one);
            }
        }
        if (!malformed.isEmpty()) {
            throw new MalformedItemsException(malformed);
        }
        return answers;
    }

    @Override
    public ReadyAnswer evaluateIfReady(CheckQuery query) {
        return new ReadyAnswer(evaluate(query), decisionLog(query.tenant()));
    }

    /** Closed for good unless it is opened: whoever asks there asks otherwise. */
    @Override
    public Desk desk() {
        return new FakeDesk(this);
    }

    /** Opens the desk for tenants that there are, and for what it is to decide at once. */
    public synchronized void openDesk(@Nullable Predicate<CheckQuery> newAtOnce) {
        atOnce = newAtOnce;
    }

    public synchronized boolean isOpenFor(TenantId tenant) {
        return atOnce != null && tenants.contains(tenant);
    }

    public synchronized boolean decidesAtOnce(CheckQuery query) {
        return atOnce != null && atOnce.test(query);
    }

    @Override
    public ReadyAnswers evaluateAllIfReady(TenantId tenant, List<CheckQuery> queries) {
        return new ReadyAnswers(evaluateAll(tenant, queries), decisionLog(tenant));
    }

    @Override
    public synchronized Explanation explain(CheckQuery query, PointInTime at) {
        Answer answer = evaluate(query, at);
        return trace == null ? new Explanation(answer, List.of("a-group"), List.of()) : trace;
    }

    @Override
    public RevisionWait awaitRevision(TenantId tenant, Revision revision, Duration timeout) {
        if (revision.value() > 100) {
            return RevisionWait.NEVER_COMMITTED;
        }
        return revision.compareTo(HELD) <= 0 ? RevisionWait.REACHED : RevisionWait.TIMED_OUT;
    }

    @Override
    public void refresh(PolicyScope scope) {}
}
