package dev.assize.server.recording;

import dev.assize.server.ledger.AppendCommand;
import dev.assize.server.ledger.AppendResult;
import dev.assize.server.model.TenantId;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/** A store before another, to be made to misbehave. */
class ForwardingDecisionStore implements DecisionStore {

    private final DecisionStore store;

    ForwardingDecisionStore(DecisionStore store) {
        this.store = store;
    }

    @Override
    public AppendResult append(TenantId tenant, AppendCommand command, DecisionPack pack) {
        return store.append(tenant, command, pack);
    }

    @Override
    public List<RecordedDecision> find(TenantId tenant, DecisionFilter filter) {
        return store.find(tenant, filter);
    }

    @Override
    public boolean contains(TenantId tenant, String decisionId) {
        return store.contains(tenant, decisionId);
    }

    @Override
    public boolean contains(TenantId tenant, String decisionId, byte[] record) {
        return store.contains(tenant, decisionId, record);
    }

    @Override
    public List<DecisionPage> pages(TenantId tenant, long seq) {
        return store.pages(tenant, seq);
    }

    @Override
    public List<Long> pagePlaces(TenantId tenant, long fromSeq, long toSeq, int most) {
        return store.pagePlaces(tenant, fromSeq, toSeq, most);
    }

    @Override
    public List<TermBucket> buckets(TenantId tenant, long seq, Collection<Integer> numbers) {
        return store.buckets(tenant, seq, numbers);
    }

    @Override
    public Optional<byte[]> frame(TenantId tenant, long seq) {
        return store.frame(tenant, seq);
    }

    @Override
    public OptionalLong orphan(TenantId tenant, long fromSeq, long toSeq) {
        return store.orphan(tenant, fromSeq, toSeq);
    }
}
