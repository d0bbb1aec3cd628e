package dev.assize.server.administration;

import dev.assize.server.decision.UnaskedDecisions;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.DecisionLog;
import java.util.ArrayList;
import java.util.List;

/** Remembers only what it was told to forget: changing policy asks no questions, and waits for nothing. */
final class ForgetfulDecisions extends UnaskedDecisions {

    final List<PolicyScope> forgotten = new ArrayList<>();

    @Override
    public DecisionLog decisionLog(TenantId tenant) {
        return DecisionLog.NONE;
    }

    @Override
    public void refresh(PolicyScope scope) {
        forgotten.add(scope);
    }
}
