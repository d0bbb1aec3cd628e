package dev.assize.server.endpoint.grpc;

import dev.assize.server.decision.DecisionService;
import dev.assize.server.decision.check.Answer;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.decision.check.Explanation;
import dev.assize.server.decision.check.PointInTime;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Reason;
import dev.assize.server.model.Revision;
import dev.assize.server.model.TenantId;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Function;

/**
 * An engine that answers what a test says. In tenant `assize` it grants what {@link #grant} said, and everything to
 * `user:admin`.
 */
final class FakeDecisions implements DecisionService {

    private static final Revision HELD = new Revision(7);

    private final Set<String> grants = new HashSet<>();
    private final Set<TenantId> tenants = new HashSet<>();
    private Function<CheckQuery, Reason> engine = query -> Reason.ALLOWED;

    synchronized void grant(String subject, String action, String resource) {
        grants.add(subject + " " + action + " " + resource);
    }

    synchronized void addTenant(String tenant) {
        tenants.add(new TenantId(tenant));
    }

    synchronized void answer(Function<CheckQuery, Reason> newEngine) {
        engine = newEngine;
    }

    @Override
    public synchronized Answer evaluate(CheckQuery query, PointInTime at) {
        return new Answer(reason(query), null, HELD, Revision.NONE, Instant.parse("2026-03-01T12:00:00Z"), List.of());
    }

    @Override
    public Answer evaluateOwn(CheckQuery query) {
        return evaluate(query);
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
        return queries.stream().map(this::evaluate).toList();
    }

    @Override
    public Explanation explain(CheckQuery query, PointInTime at) {
        return new Explanation(evaluate(query), List.of("a-group"), List.of());
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
