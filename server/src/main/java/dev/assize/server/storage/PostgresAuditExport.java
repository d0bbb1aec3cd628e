package dev.assize.server.storage;

import static dev.assize.server.storage.generated.Tables.LEDGER_PRUNED;

import com.google.inject.Inject;
import dev.assize.server.anchor.PrunedException;
import dev.assize.server.audit.AuditCodec;
import dev.assize.server.audit.AuditExport;
import dev.assize.server.audit.AuditFilter;
import dev.assize.server.ledger.ErasableValue;
import dev.assize.server.model.Digest;
import dev.assize.server.model.TenantId;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jooq.DSLContext;
import org.jspecify.annotations.Nullable;

/**
 * Reads entries through a cursor of PostgreSQL's, within one snapshot: so many rows are in memory at a time, whatever
 * the export is of, and the planner knows that the first of them are wanted soon.
 */
final class PostgresAuditExport implements AuditExport {

    /** How long a reader may take over the rows of one fetch; then the database ends the transaction. */
    static final Duration READER_LIMIT = Duration.ofMinutes(2);

    /** Rows of a fetch. */
    private static final int ROWS = 500;

    private static final String CURSOR = "assize_export";
    private static final String FETCH = "FETCH FORWARD " + ROWS + " FROM " + CURSOR;

    private final Database database;
    private final AuditCodec codec;

    @Inject
    PostgresAuditExport(Database database, AuditCodec codec) {
        this.database = database;
        this.codec = codec;
    }

    @Override
    public void read(TenantId tenant, AuditFilter filter, long toSeq, Reader reader) {
        database.inReplica(tenant, READER_LIMIT, transaction -> {
            requireHere(transaction, tenant, filter.afterSeq());
            reader.begin(LedgerWriter.head(transaction, tenant)
                    .map(row -> row.head().size())
                    .orElse(0L));
            open(transaction.sql(), tenant, filter, toSeq);
            try (Statement statement = transaction.connection().createStatement()) {
                int read;
                do {
                    read = fetch(transaction, tenant, statement, reader);
                } while (read == ROWS);
            }
            return true;
        });
    }

    /** What was there when it was asked for may have been pruned since, and the rest of it is not what was asked for. */
    private static void requireHere(TenantTransaction transaction, TenantId tenant, @Nullable Long afterSeq) {
        long first = afterSeq == null ? 0 : afterSeq + 1;
        transaction
                .sql()
                .select(LEDGER_PRUNED.OBJECT)
                .from(LEDGER_PRUNED)
                .where(LEDGER_PRUNED.TENANT_ID.eq(tenant.value()))
                .and(LEDGER_PRUNED.TO_SEQ.gt(first))
                .orderBy(LEDGER_PRUNED.TO_SEQ)
                .limit(1)
                .fetchOptional(LEDGER_PRUNED.OBJECT)
                .ifPresent(object -> {
                    throw new PrunedException(tenant, first, object);
                });
    }

    private static void open(DSLContext sql, TenantId tenant, AuditFilter filter, long toSeq) {
        int _ = sql.execute(
                "DECLARE " + CURSOR + " NO SCROLL CURSOR FOR {0}", EntrySearch.select(sql, tenant, filter, toSeq));
    }

    private int fetch(TenantTransaction transaction, TenantId tenant, Statement statement, Reader reader)
            throws SQLException {
        List<Row> rows = new ArrayList<>(ROWS);
        List<Long> committed = new ArrayList<>();
        try (ResultSet row = statement.executeQuery(FETCH)) {
            while (row.next()) {
                Row read = new Row(row.getLong(1), row.getBytes(2), Digest.of(row.getBytes(3)));
                rows.add(read);
                if (!codec.commitments(read.frame).isEmpty()) {
                    committed.add(read.seq);
                }
            }
        }
        Map<Long, List<ErasableValue>> beside = ErasableRows.find(transaction, tenant, committed);
        // What the reader asks for meanwhile it reads within the same snapshot.
        database.within(
                transaction,
                () -> rows.forEach(row ->
                        reader.accept(row.seq, row.frame, row.entryHash, beside.getOrDefault(row.seq, List.of()))));
        return rows.size();
    }

    private record Row(long seq, byte[] frame, Digest entryHash) {}
}
