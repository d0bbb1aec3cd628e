package dev.assize.server.recording;

import dev.assize.server.ledger.AppendCommand;
import dev.assize.server.ledger.AppendResult;
import dev.assize.server.model.TenantId;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/** Where decisions stand on record. Blocks; a broken surrounding is an exception. */
public interface DecisionStore {

    /**
     * Appends the one entry of the command and keeps the pack's records beside it, all in one transaction. Returns when
     * that is durable.
     */
    AppendResult append(TenantId tenant, AppendCommand command, DecisionPack pack);

    /** The decisions that fit, in the order asked for, at most as many as the filter's limit. */
    List<RecordedDecision> find(TenantId tenant, DecisionFilter filter);

    /** Whether a decision of that id is on record. */
    boolean contains(TenantId tenant, String decisionId);

    /** Whether these very bytes are on record: another node may have recorded a decision of the same id. */
    boolean contains(TenantId tenant, String decisionId, byte[] record);

    /** What stands beside an entry, in its order; nobody has verified it. */
    List<DecisionPage> pages(TenantId tenant, long seq);

    /** The positions of the entries beside which pages stand, each as often as it has pages, from the first on; nobody has verified them. */
    List<Long> pagePlaces(TenantId tenant, long fromSeq, long toSeq, int most);

    /** The records that stand beside an entry, in their order; nobody has verified them. */
    default List<byte[]> records(TenantId tenant, long seq) {
        return pages(tenant, seq).stream()
                .flatMap(page -> page.records().stream())
                .toList();
    }

    /** Of the buckets of an entry's decisions those of these numbers that there are, in their order; nobody has verified them. */
    List<TermBucket> buckets(TenantId tenant, long seq, Collection<Integer> numbers);

    /** The frame of an entry as it is stored; empty where there is none. */
    Optional<byte[]> frame(TenantId tenant, long seq);

    /** The first position of a range, its end included, at which decisions stand though no entry vouches for any. */
    OptionalLong orphan(TenantId tenant, long fromSeq, long toSeq);
}
