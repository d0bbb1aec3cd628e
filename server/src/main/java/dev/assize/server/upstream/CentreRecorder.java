package dev.assize.server.upstream;

import dev.assize.server.decision.DecisionMade;
import dev.assize.server.decision.DecisionRecorder;
import dev.assize.server.decision.FactsElsewhereException;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.DecisionLog.Acknowledge;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** Takes no decision on record: one that is to go there the centre gives, which records it. */
final class CentreRecorder implements DecisionRecorder {

    @Override
    public CompletableFuture<Void> record(TenantId tenant, Acknowledge acknowledge, List<DecisionMade> decisions) {
        if (decisions.isEmpty()) {
            return CompletableFuture.completedFuture(null);
        }
        throw new FactsElsewhereException();
    }

    @Override
    public void requireRoom(TenantId tenant) {
        throw new FactsElsewhereException();
    }

    @Override
    public Pen pen() {
        return _ -> {
            throw new FactsElsewhereException();
        };
    }
}
