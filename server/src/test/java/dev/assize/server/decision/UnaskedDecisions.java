package dev.assize.server.decision;

import dev.assize.server.decision.check.Answer;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.decision.check.Explanation;
import dev.assize.server.decision.check.PointInTime;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Revision;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.DecisionLog;
import dev.assize.server.policy.TenantAudit;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** An engine that nobody is to ask anything: tests say what may be asked after all by what they override. */
public abstract class UnaskedDecisions implements DecisionService {

    private static AssertionError unasked() {
        return new AssertionError("Nobody is to ask the engine this here");
    }

    @Override
    public Answer evaluate(CheckQuery query, PointInTime at) {
        throw unasked();
    }

    @Override
    public Answer evaluateOwn(CheckQuery query) {
        throw unasked();
    }

    @Override
    public DecisionLog decisionLog(TenantId tenant) {
        throw unasked();
    }

    @Override
    public boolean isTenant(TenantId tenant) {
        throw unasked();
    }

    @Override
    public TenantAudit audit(TenantId tenant) {
        throw unasked();
    }

    @Override
    public Optional<Set<String>> historyActions(TenantId tenant) {
        throw unasked();
    }

    @Override
    public List<Answer> evaluateAll(TenantId tenant, List<CheckQuery> queries) {
        throw unasked();
    }

    @Override
    public ReadyAnswer evaluateIfReady(CheckQuery query) {
        throw unasked();
    }

    @Override
    public ReadyAnswers evaluateAllIfReady(TenantId tenant, List<CheckQuery> queries) {
        throw unasked();
    }

    @Override
    public Desk desk() {
        throw unasked();
    }

    @Override
    public Explanation explain(CheckQuery query, PointInTime at) {
        throw unasked();
    }

    @Override
    public RevisionWait awaitRevision(TenantId tenant, Revision revision, Duration timeout) {
        throw unasked();
    }

    @Override
    public void refresh(PolicyScope scope) {
        throw unasked();
    }
}
