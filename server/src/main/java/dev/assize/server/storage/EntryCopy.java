package dev.assize.server.storage;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.assize.server.audit.AuditColumns;
import dev.assize.server.ledger.ErasableValue;
import dev.assize.server.ledger.StoredEntry;
import dev.assize.server.ledger.StrayRowException;
import dev.assize.server.ledger.UnreadableRowException;
import dev.assize.server.model.Digest;
import dev.assize.server.model.MalformedException;
import dev.assize.server.model.TenantId;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.postgresql.PGConnection;
import org.postgresql.copy.CopyOut;

/**
 * Reads entries through COPY in its binary form, a slice of positions at a time: rows come as they are stored, without
 * being made into texts and back and without a round trip for each fetch, and no statement takes long. Memory is that of
 * one row.
 *
 * <p>What entries list as read and written stands in a table of its own. A slice has its rows beside its entries, and then
 * they are counted: one that belongs to no entry is found by that.
 */
final class EntryCopy {

    /** Positions of a slice: as many as are checked, packs of decisions beside them too, well within a statement's time. */
    private static final int SLICE = 1_000;

    /** Bytes before the first row: a signature, flags, and the length of an extension that there is none of. */
    private static final int HEADER_BYTES = 19;

    /** PostgreSQL counts microseconds from the year 2000. */
    private static final long EPOCH_MICROS = 946_684_800_000_000L;

    private static final List<String> TEXTS = List.of(
            AuditColumns.RECORDED_BY,
            AuditColumns.RECORDED_BY_TENANT,
            AuditColumns.TYPE,
            AuditColumns.CATEGORY,
            AuditColumns.ACTOR,
            AuditColumns.ROLE,
            AuditColumns.ACTION,
            AuditColumns.RESOURCE,
            AuditColumns.ENV,
            AuditColumns.RUN_ID,
            AuditColumns.DECISION_ID,
            AuditColumns.LINEAGE);

    /** As the codec says it; a row that repeats its entry's columns wrongly says so. */
    private static final String LINEAGE = "(SELECT string_agg(CASE WHEN l.recorded_at = e.recorded_at"
            + " AND l.env IS NOT DISTINCT FROM e.env AND l.outcome IS NOT DISTINCT FROM e.outcome"
            + " AND l.run_id IS NOT DISTINCT FROM e.run_id THEN '' ELSE 'not as the entry: ' END"
            + " || CASE l.kind WHEN 1 THEN '" + AuditColumns.READS + "' ELSE '" + AuditColumns.WRITES + "' END"
            + " || l.position || '] ' || replace(replace(l.uri, E'\\\\', E'\\\\\\\\'), E'\\n', E'\\\\n'), E'\\n' ORDER BY l.kind, l.position) FROM assize.ledger_lineage l"
            + " WHERE l.tenant_id = '%1$s' AND l.seq = e.seq)";

    /** Each value behind its field, its salt and its length, in the order of fields. */
    private static final String VALUES = "(SELECT string_agg(int2send(p.field) || p.salt"
            + " || int4send(octet_length(p.value)) || p.value, ''::bytea ORDER BY p.field)"
            + " FROM assize.ledger_payload p WHERE p.tenant_id = e.tenant_id AND p.seq = e.seq)";

    private static final String NO_VALUES = "NULL::bytea";

    /** A tenant's name needs no quoting: it has neither quotes nor backslashes. */
    private static final String COPY = "COPY (SELECT e.seq, e.frame, e.entry_hash, e.recorded_at, e.outcome,"
            + " e.occurred_at, "
            + "e." + String.join(", e.", TEXTS.subList(0, TEXTS.size() - 1)) + ", " + LINEAGE + ", %4$s"
            + " FROM assize.ledger_entry e WHERE e.tenant_id = '%1$s' AND e.seq BETWEEN %2$d AND %3$d ORDER BY e.seq)"
            + " TO STDOUT (FORMAT binary)";

    private static final String NEXT =
            "SELECT seq FROM assize.ledger_entry WHERE tenant_id = ?" + " AND seq BETWEEN ? AND ? ORDER BY seq LIMIT 1";

    private static final String COUNT_VALUES =
            "SELECT count(*) FROM assize.ledger_payload WHERE tenant_id = ? AND seq BETWEEN ? AND ?";

    private static final String STRAY_VALUE = "SELECT p.seq FROM assize.ledger_payload p WHERE p.tenant_id = ?"
            + " AND p.seq BETWEEN ? AND ? AND NOT EXISTS (SELECT FROM assize.ledger_entry e"
            + " WHERE e.tenant_id = p.tenant_id AND e.seq = p.seq) ORDER BY p.seq LIMIT 1";

    private static final String COUNT_LINEAGE =
            "SELECT count(*) FROM assize.ledger_lineage WHERE tenant_id = ? AND seq BETWEEN ? AND ?";

    private static final String STRAY = "SELECT l.seq FROM assize.ledger_lineage l WHERE l.tenant_id = ?"
            + " AND l.seq BETWEEN ? AND ? AND NOT EXISTS (SELECT FROM assize.ledger_entry e"
            + " WHERE e.tenant_id = l.tenant_id AND e.seq = l.seq) ORDER BY l.seq LIMIT 1";

    private final Connection connection;
    private final TenantId tenant;
    private final Predicate<StoredEntry> reader;
    private boolean wanted = true;
    private long rows;
    private long lineageRows;
    private long values;

    EntryCopy(Connection connection, TenantId tenant, Predicate<StoredEntry> reader) {
        this.connection = connection;
        this.tenant = tenant;
        this.reader = reader;
    }

    /** Hands out the entries between two positions, in their order, until the reader answers false. */
    void read(long fromSeq, long toSeq) throws SQLException {
        long from = fromSeq;
        // What is said of positions before the first is as wrong as what is said of those behind the last.
        long lineageFrom = fromSeq == 0 ? Long.MIN_VALUE : fromSeq;
        while (wanted && from <= toSeq) {
            long to = toSeq - from < SLICE ? toSeq : from + SLICE - 1;
            readSlice(from, to);
            if (rows < SLICE && wanted) {
                Long next = to == toSeq ? null : number(NEXT, to + 1, toSeq);
                to = next == null ? toSeq : next - 1;
            }
            if (wanted) {
                requireNoStray(lineageFrom, to);
            }
            if (to == toSeq) {
                return;
            }
            from = to + 1;
            lineageFrom = from;
        }
    }

    private void readSlice(long from, long to) throws SQLException {
        rows = 0;
        lineageRows = 0;
        values = 0;
        // Few tenants have any, and to look for those of each entry costs as much as the entry.
        Long expected = number(COUNT_VALUES, from, to);
        String beside = expected == null || expected == 0 ? NO_VALUES : VALUES;
        CopyOut copy = connection
                .unwrap(PGConnection.class)
                .getCopyAPI()
                .copyOut(COPY.formatted(tenant.value(), from, to, beside));
        try {
            boolean first = true;
            for (byte[] message = copy.readFromCopy(); message != null; message = copy.readFromCopy()) {
                ByteBuffer in = ByteBuffer.wrap(message);
                if (first) {
                    in.position(HEADER_BYTES);
                    first = false;
                }
                // A row that is not wanted any more is passed over; so few are left that breaking off would cost more.
                if (wanted && in.getShort() >= 0) {
                    rows++;
                    wanted = reader.test(entry(in));
                }
            }
        } finally {
            if (copy.isActive()) {
                copy.cancelCopy();
            }
        }
    }

    /** The fields of a row, in the order of the query, each behind its length. */
    private StoredEntry entry(ByteBuffer in) {
        long seq = required(number(in));
        try {
            byte[] frame = required(bytes(in));
            Digest hash = Digest.of(required(bytes(in)));
            SortedMap<String, String> columns = new TreeMap<>();
            long recordedAt = Math.addExact(required(number(in)), EPOCH_MICROS);
            columns.put(AuditColumns.RECORDED_AT, Long.toString(recordedAt));
            put(columns, AuditColumns.OUTCOME, number(in));
            put(columns, AuditColumns.OCCURRED_AT, number(in));
            for (String column : TEXTS) {
                byte[] text = bytes(in);
                if (text != null) {
                    columns.put(column, new String(text, UTF_8));
                }
            }
            String lineage = columns.get(AuditColumns.LINEAGE);
            if (lineage != null) {
                lineageRows += 1 + lineage.chars().filter(c -> c == '\n').count();
            }
            return new StoredEntry(seq, frame, hash, columns, values(bytes(in)));
        } catch (MalformedException | ArithmeticException | BufferUnderflowException e) {
            throw new UnreadableRowException(seq, String.valueOf(e.getMessage()));
        }
    }

    private List<ErasableValue> values(byte @Nullable [] packed) {
        if (packed == null) {
            return List.of();
        }
        List<ErasableValue> unpacked = new ArrayList<>();
        for (ByteBuffer in = ByteBuffer.wrap(packed); in.hasRemaining(); values++) {
            int field = in.getShort();
            byte[] salt = new byte[ErasableValue.SALT_BYTES];
            in.get(salt);
            byte[] value = new byte[in.getInt()];
            in.get(value);
            unpacked.add(new ErasableValue(field, salt, value));
        }
        return unpacked;
    }

    private static void put(SortedMap<String, String> columns, String name, @Nullable Long value) {
        if (value != null) {
            columns.put(name, value.toString());
        }
    }

    private static byte @Nullable [] bytes(ByteBuffer in) {
        int length = in.getInt();
        if (length < 0) {
            return null;
        }
        byte[] bytes = new byte[length];
        in.get(bytes);
        return bytes;
    }

    /** An integer of any width, or a time. */
    private static @Nullable Long number(ByteBuffer in) {
        return switch (in.getInt()) {
            case Short.BYTES -> Long.valueOf(in.getShort());
            case Integer.BYTES -> Long.valueOf(in.getInt());
            case Long.BYTES -> in.getLong();
            default -> null;
        };
    }

    private static <T> T required(@Nullable T value) {
        if (value == null) {
            throw new MalformedException("nothing", "a value");
        }
        return value;
    }

    private void requireNoStray(long from, long to) throws SQLException {
        Long kept = number(COUNT_VALUES, from, to);
        if (kept == null || kept != values) {
            Long stray = number(STRAY_VALUE, from, to);
            long seq = stray == null ? Math.max(0, from) : stray;
            throw new StrayRowException(seq, "entry " + seq + " is not there, and a value stands beside it");
        }
        Long count = number(COUNT_LINEAGE, from, to);
        if (count != null && count == lineageRows) {
            return;
        }
        Long stray = number(STRAY, from, to);
        long seq = stray == null ? Math.max(0, from) : stray;
        throw new StrayRowException(seq, "entry " + seq + " is not there, and the lineage has a row of it");
    }

    private @Nullable Long number(String query, long from, long to) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(query)) {
            statement.setString(1, tenant.value());
            statement.setLong(2, from);
            statement.setLong(3, to);
            try (ResultSet row = statement.executeQuery()) {
                return row.next() ? Long.valueOf(row.getLong(1)) : null;
            }
        }
    }
}
