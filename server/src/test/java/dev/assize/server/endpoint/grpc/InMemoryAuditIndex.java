package dev.assize.server.endpoint.grpc;

import dev.assize.server.audit.AuditCodec;
import dev.assize.server.audit.AuditExport;
import dev.assize.server.audit.AuditFilter;
import dev.assize.server.audit.AuditIndex;
import dev.assize.server.audit.AuditPage;
import dev.assize.server.audit.RecordedEvent;
import dev.assize.server.ledger.InMemoryLedgerStore;
import dev.assize.server.ledger.MalformedFrameException;
import dev.assize.server.ledger.StoredEntry;
import dev.assize.server.model.TenantId;
import java.util.Comparator;
import java.util.List;

/** Finds entries of the store in memory by reading all of them. */
final class InMemoryAuditIndex implements AuditIndex, AuditExport {

    private final InMemoryLedgerStore store;
    private final AuditCodec codec = new AuditCodec();

    InMemoryAuditIndex(InMemoryLedgerStore store) {
        this.store = store;
    }

    @Override
    public AuditPage find(TenantId tenant, AuditFilter filter) {
        Comparator<RecordedEvent> bySeq = Comparator.comparingLong(RecordedEvent::seq);
        List<RecordedEvent> found = store.rows(tenant).values().stream()
                .map(entry -> codec.decode(entry.frame(), entry.entryHash(), entry.beside()))
                .sorted(filter.ascending() ? bySeq : bySeq.reversed())
                .filter(entry -> isBehind(entry, filter) && fits(entry, filter))
                .limit(filter.limit())
                .toList();
        return new AuditPage(
                found,
                found.size() == filter.limit() ? Long.valueOf(found.getLast().seq()) : null);
    }

    @Override
    public void read(TenantId tenant, AuditFilter filter, long toSeq, Reader reader) {
        reader.begin(store.rows(tenant).size());
        for (StoredEntry row : store.rows(tenant).values()) {
            if (row.seq() <= toSeq && isWanted(row, filter)) {
                reader.accept(row.seq(), row.frame(), row.entryHash(), row.beside());
            }
        }
    }

    /** A row that cannot be read fits, as its columns would. */
    private boolean isWanted(StoredEntry row, AuditFilter filter) {
        try {
            RecordedEvent entry = codec.decode(row.frame(), row.entryHash());
            return isBehind(entry, filter) && fits(entry, filter);
        } catch (MalformedFrameException unreadable) {
            return true;
        }
    }

    private static boolean isBehind(RecordedEvent entry, AuditFilter filter) {
        return filter.afterSeq() == null
                || (filter.ascending() ? entry.seq() > filter.afterSeq() : entry.seq() < filter.afterSeq());
    }

    private static boolean fits(RecordedEvent entry, AuditFilter filter) {
        return (filter.actor() == null
                        || filter.actor().equals(entry.event().actor().toString()))
                && (filter.envs().isEmpty()
                        || filter.envs().contains(entry.event().env()))
                && (filter.type() == null || filter.type().equals(entry.event().type()))
                && (filter.outcome() == null
                        || filter.outcome() == entry.event().outcome())
                && (filter.resource() == null || entry.event().resource().isUnder(filter.resource()));
    }
}
