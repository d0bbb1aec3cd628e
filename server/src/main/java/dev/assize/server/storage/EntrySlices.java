package dev.assize.server.storage;

import dev.assize.server.audit.AuditColumns;
import dev.assize.server.audit.RawColumns;
import dev.assize.server.model.TenantId;
import java.nio.ByteBuffer;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.postgresql.PGConnection;
import org.postgresql.copy.CopyOut;

/**
 * Reads entries through COPY in its binary form, a slice of positions at a time: rows come as they are stored, without
 * being made into texts and back and without a round trip for each fetch, and no statement takes long. Memory is that of
 * one row, and of what the entries of a slice list as read and written.
 */
final class EntrySlices {

    /** Bytes before the first row: a signature, flags, and the length of an extension that there is none of. */
    private static final int HEADER_BYTES = 19;

    private static final List<String> TEXTS = RawColumns.TEXTS;

    /** Each value behind its field, its salt and its length, in the order of fields. */
    private static final String VALUES = "(SELECT string_agg(int2send(p.field) || p.salt"
            + " || int4send(octet_length(p.value)) || p.value, ''::bytea ORDER BY p.field)"
            + " FROM assize.ledger_payload p WHERE p.tenant_id = e.tenant_id AND p.seq = e.seq)";

    private static final String NO_VALUES = "NULL::bytea";

    /** The places of columns in a row. */
    static final int RECORDED_AT = 3;

    static final int OUTCOME = 4;
    static final int ENV = 6 + TEXTS.indexOf(AuditColumns.ENV);
    static final int RUN_ID = 6 + TEXTS.indexOf(AuditColumns.RUN_ID);

    /** A tenant's name needs no quoting: it has neither quotes nor backslashes. */
    private static final String COPY = "COPY (SELECT e.seq, e.frame, e.entry_hash, e.recorded_at, e.outcome,"
            + " e.occurred_at, "
            + "e." + String.join(", e.", TEXTS.subList(0, TEXTS.size() - 1)) + ", %4$s, NULL::text"
            + " FROM assize.ledger_entry e WHERE e.tenant_id = '%1$s' AND e.seq BETWEEN %2$d AND %3$d ORDER BY e.seq)"
            + " TO STDOUT (FORMAT binary)";

    private static final String NEXT =
            "SELECT seq FROM assize.ledger_entry WHERE tenant_id = ?" + " AND seq BETWEEN ? AND ? ORDER BY seq LIMIT 1";

    private static final String BESIDE = "SELECT"
            + " EXISTS (SELECT FROM assize.ledger_payload WHERE tenant_id = ? AND seq BETWEEN ? AND ?),"
            + " EXISTS (SELECT FROM assize.ledger_lineage WHERE tenant_id = ? AND seq BETWEEN ? AND ?)";

    private final Connection connection;
    private final TenantId tenant;
    private final int slice;
    private final int lineageBytes;
    private boolean wanted = true;
    private long rows;

    /**
     * Reads a ledger by a connection that nobody else uses meanwhile.
     *
     * @param slice positions of one statement
     */
    EntrySlices(Connection connection, TenantId tenant, int slice) {
        this(connection, tenant, slice, LineageRows.MOST_BYTES);
    }

    /**
     * The same with a bound.
     *
     * @param lineageBytes of what is listed by the entries of one statement
     */
    EntrySlices(Connection connection, TenantId tenant, int slice, int lineageBytes) {
        this.connection = connection;
        this.tenant = tenant;
        this.slice = slice;
        this.lineageBytes = lineageBytes;
    }

    /** What asks for the entries of a slice. */
    static String copy(TenantId tenant, long from, long to, boolean withValues) {
        return COPY.formatted(tenant.value(), from, to, withValues ? VALUES : NO_VALUES);
    }

    /** Hands out the rows between two positions, in their order, until the sink wants no more. */
    void read(long fromSeq, long toSeq, Sink sink) throws SQLException {
        TenantTransaction.keepIndexOrder(connection);
        long from = fromSeq;
        // What is said of positions before the first is as wrong as what is said of those behind the last.
        long besideFrom = fromSeq == 0 ? Long.MIN_VALUE : fromSeq;
        while (wanted && from <= toSeq) {
            long to = readSlice(from, toSeq - from < slice ? toSeq : from + slice - 1, sink);
            if (rows < slice && wanted && to < toSeq) {
                Long next = next(to + 1, toSeq);
                to = next == null ? toSeq : next - 1;
            }
            wanted = sink.end(besideFrom, to) && wanted;
            if (to == toSeq) {
                return;
            }
            from = to + 1;
            besideFrom = from;
        }
    }

    /** The last position of which all was handed out. */
    private long readSlice(long from, long wantedTo, Sink sink) throws SQLException {
        Beside beside = beside(from, wantedTo);
        LineageRows lineage =
                beside.lineage ? LineageRows.gather(from, wantedTo, lineageBytes) : LineageRows.none(from, wantedTo);
        if (beside.lineage) {
            copy(LineageRows.copy(tenant, from, wantedTo), lineage::add);
        }
        rows = 0;
        copy(
                copy(tenant, from, lineage.to(), beside.values),
                // A row that is not wanted any more is passed over; so few are left that breaking off would cost more.
                row -> {
                    if (wanted) {
                        rows++;
                        wanted = sink.row(lineage.beside(row));
                    }
                });
        return lineage.to();
    }

    private void copy(String query, Rows reader) throws SQLException {
        CopyOut copy = connection.unwrap(PGConnection.class).getCopyAPI().copyOut(query);
        try {
            boolean first = true;
            for (byte[] message = copy.readFromCopy(); message != null; message = copy.readFromCopy()) {
                ByteBuffer row = ByteBuffer.wrap(message);
                if (first) {
                    row.position(HEADER_BYTES);
                    first = false;
                }
                if (row.getShort() >= 0) {
                    reader.row(row);
                }
            }
        } finally {
            // Where something was thrown. To cancel would be to leave: the driver does not read on then, and what is
            // left is
            // taken for its own answer by the next statement, and so on, in the pool too: one could be told that it
            // committed.
            while (copy.isActive()) {
                byte[] _ = copy.readFromCopy();
            }
        }
    }

    /** To look for what stands beside each entry costs as much as the entry, and often there is nothing. */
    private Beside beside(long from, long to) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(BESIDE)) {
            for (int parameter = 1; parameter <= 6; parameter += 3) {
                statement.setString(parameter, tenant.value());
                statement.setLong(parameter + 1, from);
                statement.setLong(parameter + 2, to);
            }
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                return new Beside(row.getBoolean(1), row.getBoolean(2));
            }
        }
    }

    private @Nullable Long next(long from, long to) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(NEXT)) {
            statement.setString(1, tenant.value());
            statement.setLong(2, from);
            statement.setLong(3, to);
            try (ResultSet row = statement.executeQuery()) {
                return row.next() ? Long.valueOf(row.getLong(1)) : null;
            }
        }
    }

    /** Takes what is read. */
    interface Sink {

        /** A row, at its first column, each of them behind its length; false where no more is wanted. */
        boolean row(ByteBuffer row) throws SQLException;

        /**
         * All rows there are between two positions were handed out, unless no more were wanted; false where no more is.
         *
         * @param from the least number there is where the slice is the first of a ledger
         */
        boolean end(long from, long to) throws SQLException;
    }

    /** Takes a row behind the number of its columns. */
    @FunctionalInterface
    private interface Rows {
        void row(ByteBuffer row) throws SQLException;
    }

    /** Whether there is any of either beside a slice. */
    private record Beside(boolean values, boolean lineage) {}
}
