package dev.assize.server.storage;

import com.google.inject.Inject;
import dev.assize.server.audit.AuditCodec;
import dev.assize.server.audit.AuditFilter;
import dev.assize.server.audit.AuditIndex;
import dev.assize.server.audit.AuditPage;
import dev.assize.server.ledger.ErasableValue;
import dev.assize.server.model.Digest;
import dev.assize.server.model.TenantId;
import java.util.List;
import java.util.Map;

/** Finds entries by their columns, and shows what their frames say. */
final class PostgresAuditIndex implements AuditIndex {

    private final Database database;
    private final AuditCodec codec;

    @Inject
    PostgresAuditIndex(Database database, AuditCodec codec) {
        this.database = database;
        this.codec = codec;
    }

    @Override
    public AuditPage find(TenantId tenant, AuditFilter filter) {
        return database.inSnapshot(tenant.value(), transaction -> {
            EntrySearch search = EntrySearch.begin(transaction, tenant, filter, Long.MAX_VALUE)
                    .orElse(null);
            if (search == null) {
                return new AuditPage(List.of(), null);
            }
            List<EntryRow> rows = search.next(filter.limit());
            List<Long> committed = rows.stream()
                    .filter(row -> !codec.commitments(row.frame()).isEmpty())
                    .map(EntryRow::seq)
                    .toList();
            Map<Long, List<ErasableValue>> beside = ErasableRows.find(transaction, tenant, committed);
            return new AuditPage(
                    rows.stream()
                            .map(row -> codec.decode(
                                    row.frame(), Digest.of(row.entryHash()), beside.getOrDefault(row.seq(), List.of())))
                            .toList(),
                    search.isAtEnd() ? null : search.passed());
        });
    }
}
