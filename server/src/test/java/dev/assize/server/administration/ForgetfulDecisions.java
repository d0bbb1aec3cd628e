package dev.assize.server.administration;

import dev.assize.server.decision.DecisionService;
import dev.assize.server.decision.Desk;
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
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Remembers only what it was told to forget. */
final class ForgetfulDecisions implements DecisionService {

    final List<PolicyScope> forgotten = new ArrayList<>();

    @Override
    public Answer evaluate(CheckQuery query, PointInTime at) {
        throw new AssertionError("Changing policy asks no questions");
    }

    @Override
    public Answer evaluateOwn(CheckQuery query) {
        throw new AssertionError("Changing policy asks no questions");
    }

    @Override
    public DecisionLog decisionLog(TenantId tenant) {
        return DecisionLog.NONE;
    }

    @Override
    public TenantAudit audit(TenantId tenant) {
        throw new AssertionError("Changing policy asks no questions");
    }

    @Override
    public Optional<Set<String>> historyActions(TenantId tenant) {
        throw new AssertionError("Changing policy asks no questions");
    }

    @Override
    public boolean isTenant(TenantId tenant) {
        throw new AssertionError("Changing policy asks no questions");
    }

    @Override
    public List<Answer> evaluateAll(TenantId tenant, List<CheckQuery> queries) {
        throw new AssertionError("Changing policy asks no questions");
    }

    @Override
    public ReadyAnswer evaluateIfReady(CheckQuery query) {
        throw new AssertionError("Changing policy asks no questions");
    }

    @Override
    public Desk desk() {
        throw new AssertionError("Nobody asks by bytes here");
    }

    @Override
    public ReadyAnswers evaluateAllIfReady(TenantId tenant, List<CheckQuery> queries) {
        throw new AssertionError("Changing policy asks no questions");
    }

    @Override
    public Explanation explain(CheckQuery query, PointInTime at) {
        throw new AssertionError("Changing policy asks no questions");
    }

    @Override
    public RevisionWait awaitRevision(TenantId tenant, Revision revision, Duration timeout) {
        throw new AssertionError("Changing policy waits for nothing");
    }

    @Override
    public void refresh(PolicyScope scope) {
        forgotten.add(scope);
    }
}
