package dev.assize.server.storage;

import static dev.assize.server.storage.generated.Tables.LEDGER_ENTRY;

import com.google.inject.Inject;
import dev.assize.server.audit.AuditExport;
import dev.assize.server.audit.AuditFilter;
import dev.assize.server.model.Digest;
import dev.assize.server.model.TenantId;
import dev.assize.server.storage.TenantTransaction.Mode;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import org.jooq.DSLContext;

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

    @Inject
    PostgresAuditExport(Database database) {
        this.database = database;
    }

    @Override
    public void read(TenantId tenant, AuditFilter filter, long toSeq, Reader reader) {
        database.inTransaction(Mode.SNAPSHOT, tenant.value(), READER_LIMIT, transaction -> {
            Long size = LedgerWriter.headRow(transaction, tenant).fetchOne(row -> row.value3());
            reader.begin(size == null ? 0 : size);
            open(transaction.sql(), tenant, filter, toSeq);
            try (Statement statement = transaction.connection().createStatement()) {
                int read;
                do {
                    read = fetch(transaction, statement, reader);
                } while (read == ROWS);
            }
            return true;
        });
    }

    private static void open(DSLContext sql, TenantId tenant, AuditFilter filter, long toSeq) {
        int _ = sql.execute(
                "DECLARE " + CURSOR + " NO SCROLL CURSOR FOR {0}",
                sql.select(LEDGER_ENTRY.SEQ, LEDGER_ENTRY.FRAME, LEDGER_ENTRY.ENTRY_HASH)
                        .from(LEDGER_ENTRY)
                        .where(PostgresAuditIndex.conditions(tenant, filter))
                        .and(LEDGER_ENTRY.SEQ.le(toSeq))
                        .orderBy(LEDGER_ENTRY.SEQ));
    }

    private int fetch(TenantTransaction transaction, Statement statement, Reader reader) throws SQLException {
        int read = 0;
        try (ResultSet row = statement.executeQuery(FETCH)) {
            for (; row.next(); read++) {
                long seq = row.getLong(1);
                byte[] frame = row.getBytes(2);
                Digest hash = Digest.of(row.getBytes(3));
                // What the reader asks for meanwhile it reads within the same snapshot.
                database.within(transaction, () -> reader.accept(seq, frame, hash));
            }
        }
        return read;
    }
}
