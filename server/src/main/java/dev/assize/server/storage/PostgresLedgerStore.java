package dev.assize.server.storage;

import static dev.assize.server.storage.generated.Tables.LEDGER_HEAD;

import com.google.inject.Inject;
import dev.assize.server.audit.AuditColumns;
import dev.assize.server.ledger.AppendCommand;
import dev.assize.server.ledger.AppendResult;
import dev.assize.server.ledger.LedgerHead;
import dev.assize.server.ledger.LedgerStore;
import dev.assize.server.ledger.StoredEntry;
import dev.assize.server.ledger.UnreadableRowException;
import dev.assize.server.model.Digest;
import dev.assize.server.model.MalformedException;
import dev.assize.server.model.TenantId;
import dev.assize.server.storage.TenantTransaction.Mode;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Predicate;

/** The ledger's entries in PostgreSQL. */
final class PostgresLedgerStore implements LedgerStore {

    /** Rows held in memory at a time while scanning. */
    private static final int FETCH_SIZE = 500;

    /** How long a reader may take over one batch of rows. */
    private static final Duration READER_LIMIT = Duration.ofMinutes(2);

    private static final List<String> COLUMNS = List.of(
            AuditColumns.RECORDED_BY,
            AuditColumns.RECORDED_BY_TENANT,
            AuditColumns.TYPE,
            AuditColumns.CATEGORY,
            AuditColumns.ACTOR,
            AuditColumns.ROLE,
            AuditColumns.ACTION,
            AuditColumns.RESOURCE,
            AuditColumns.ENV,
            AuditColumns.OUTCOME,
            AuditColumns.OCCURRED_AT,
            AuditColumns.RUN_ID,
            AuditColumns.DECISION_ID);

    private static final String SCAN = "SELECT seq, frame, entry_hash, recorded_at, " + String.join(", ", COLUMNS)
            + " FROM assize.ledger_entry WHERE tenant_id = ? AND seq BETWEEN ? AND ? ORDER BY seq";

    private final Database database;
    private final LedgerWriter writer;

    @Inject
    PostgresLedgerStore(Database database, LedgerWriter writer) {
        this.database = database;
        this.writer = writer;
    }

    @Override
    public List<AppendResult> append(TenantId tenant, List<AppendCommand> commands) {
        return commands.isEmpty()
                ? List.of()
                : database.inTransaction(tenant.value(), transaction -> writer.append(transaction, tenant, commands));
    }

    @Override
    public Optional<LedgerHead> head(TenantId tenant) {
        return database.inSnapshot(tenant.value(), transaction -> head(transaction, tenant));
    }

    @Override
    public Optional<LedgerHead> scan(TenantId tenant, long fromSeq, long toSeq, Predicate<StoredEntry> reader) {
        return database.inTransaction(Mode.SNAPSHOT, tenant.value(), READER_LIMIT, transaction -> {
            Optional<LedgerHead> head = head(transaction, tenant);
            scan(transaction, tenant, fromSeq, toSeq, reader);
            return head;
        });
    }

    /** A cursor of the server's: the driver reads so many rows at a time because the connection does not commit. */
    private static void scan(
            TenantTransaction transaction, TenantId tenant, long fromSeq, long toSeq, Predicate<StoredEntry> reader)
            throws SQLException {
        try (PreparedStatement statement = transaction.connection().prepareStatement(SCAN)) {
            statement.setFetchSize(FETCH_SIZE);
            statement.setString(1, tenant.value());
            statement.setLong(2, fromSeq);
            statement.setLong(3, toSeq);
            try (ResultSet row = statement.executeQuery()) {
                boolean wanted = true;
                while (wanted && row.next()) {
                    wanted = reader.test(entry(row));
                }
            }
        }
    }

    private static StoredEntry entry(ResultSet row) throws SQLException {
        long seq = row.getLong(1);
        try {
            SortedMap<String, String> columns = new TreeMap<>();
            columns.put(AuditColumns.RECORDED_AT, Long.toString(micros(Times.read(row, 4))));
            for (String column : COLUMNS) {
                String value = row.getString(column);
                if (value != null) {
                    columns.put(column, value);
                }
            }
            return new StoredEntry(seq, required(row, 2), Digest.of(required(row, 3)), columns);
        } catch (MalformedException | DateTimeException | ArithmeticException e) {
            throw new UnreadableRowException(seq, String.valueOf(e.getMessage()));
        }
    }

    private static byte[] required(ResultSet row, int column) throws SQLException {
        byte[] bytes = row.getBytes(column);
        if (bytes == null) {
            throw new MalformedException("nothing", "bytes");
        }
        return bytes;
    }

    private static long micros(Instant time) {
        return ChronoUnit.MICROS.between(Instant.EPOCH, time);
    }

    private static Optional<LedgerHead> head(TenantTransaction transaction, TenantId tenant) {
        return LedgerWriter.headRow(transaction, tenant)
                .and(LEDGER_HEAD.SIZE.gt(0L))
                .fetchOptional(LedgerWriter::head);
    }
}
