package dev.assize.server.storage;

import com.google.inject.Inject;
import dev.assize.server.audit.AuditCodec;
import dev.assize.server.audit.AuditFilter;
import dev.assize.server.audit.AuditIndex;
import dev.assize.server.audit.RecordedEvent;
import dev.assize.server.ledger.ErasableValue;
import dev.assize.server.model.Digest;
import dev.assize.server.model.TenantId;
import java.util.List;
import java.util.Map;
import org.jooq.Record3;
import org.jooq.Result;

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
    public List<RecordedEvent> find(TenantId tenant, AuditFilter filter) {
        return database.inSnapshot(tenant.value(), transaction -> {
            Result<Record3<Long, byte[], byte[]>> rows = EntrySearch.select(
                            transaction.sql(), tenant, filter, Long.MAX_VALUE)
                    .limit(filter.limit())
                    .fetch();
            List<Long> committed = rows.stream()
                    .filter(row -> !codec.commitments(row.value2()).isEmpty())
                    .map(Record3::value1)
                    .toList();
            Map<Long, List<ErasableValue>> beside = ErasableRows.find(transaction, tenant, committed);
            return rows.map(row ->
                    codec.decode(row.value2(), Digest.of(row.value3()), beside.getOrDefault(row.value1(), List.of())));
        });
    }
}
