package dev.assize.server.storage;

import dev.assize.server.audit.AuditColumns;
import dev.assize.server.audit.RawColumns;
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
import java.util.function.BooleanSupplier;
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

    private static final List<String> TEXTS = RawColumns.TEXTS;

    /** As the codec says it; a row that repeats its entry's columns wrongly says so. */
    private static final String LINEAGE = "(SELECT string_agg(CASE WHEN l.recorded_at = e.recorded_at"
            + " AND l.env IS NOT DISTINCT FROM e.env AND l.outcome IS NOT DISTINCT FROM e.outcome"
            + " AND l.run_id IS NOT DISTINCT FROM e.run_id THEN '' ELSE 'not as the entry: ' END"
            + " || CASE l.kind WHEN 1 THEN '" + AuditColumns.READS + "' ELSE '" + AuditColumns.WRITES + "' END ||"
            + " l.position"
            + " || '] ' ||"
            + " replace(replace(l.uri,"
            + " E'\\\\',"
            + " E'\\\\\\\\'),"
            + " E'\\n"
            + "', E'\\\\n"
            + "'), E'\\n"
            + "' ORDER BY"
            + " l.kind,"
            + " l.position)"
            + " FROM"
            + " assize.ledger_lineage"
            + " l WHERE"
            + " l.tenant_id"
            + " = '%1$s' AND"
            + " l.seq ="
            + " e.seq)";

    /** Each value behind its field, its salt and its length, in the order of fields. */
    private static final String VALUES = "(SELECT string_agg(int2send(p.field) || p.salt"
            + " || int4send(octet_length(p.value)) || p.value, ''::bytea ORDER BY p.field)"
            + " FROM assize.ledger_payload p WHERE p.tenant_id = e.tenant_id AND p.seq = e.seq)";

    private static final String NO_VALUES = "NULL::bytea";
    private static final String NO_LINEAGE = "NULL::text";

    /** A tenant's name needs no quoting: it has neither quotes nor backslashes. */
    private static final String COPY = "COPY (SELECT e.seq, e.frame, e.entry_hash, e.recorded_at, e.outcome,"
            + " e.occurred_at, "
            + "e." + String.join(", e.", TEXTS.subList(0, TEXTS.size() - 1)) + ", %5$s, %4$s"
            + " FROM assize.ledger_entry e WHERE e.tenant_id = '%1$s' AND e.seq BETWEEN %2$d AND %3$d ORDER BY e.seq)"
            + " TO STDOUT (FORMAT binary)";

    private static final String NEXT =
            "SELECT seq FROM assize.ledger_entry WHERE tenant_id = ?" + " AND seq BETWEEN ? AND ? ORDER BY seq LIMIT 1";

    /** What stands beside the entries of a slice. All is read at one moment, so that it stays what it is. */
    private static final String COUNT = "SELECT"
            + " (SELECT count(*) FROM assize.ledger_payload WHERE tenant_id = ? AND seq BETWEEN ? AND ?),"
            + " (SELECT count(*) FROM assize.ledger_lineage WHERE tenant_id = ? AND seq BETWEEN ? AND ?)";

    private static final String STRAY_VALUE = "SELECT p.seq FROM assize.ledger_payload p WHERE p.tenant_id = ?"
            + " AND p.seq BETWEEN ? AND ? AND NOT EXISTS (SELECT FROM assize.ledger_entry e"
            + " WHERE e.tenant_id = p.tenant_id AND e.seq = p.seq) ORDER BY p.seq LIMIT 1";

    private static final String STRAY = "SELECT l.seq FROM assize.ledger_lineage l WHERE l.tenant_id = ?"
            + " AND l.seq BETWEEN ? AND ? AND NOT EXISTS (SELECT FROM assize.ledger_entry e"
            + " WHERE e.tenant_id = l.tenant_id AND e.seq = l.seq) ORDER BY l.seq LIMIT 1";

    private final Connection connection;
    private final TenantId tenant;
    private final Predicate<StoredEntry> reader;
    private final BooleanSupplier between;
    private boolean wanted = true;
    private long rows;
    private long lineageRows;
    private long values;

    /**
     * Reads for a reader.
     *
     * @param between asked behind each slice, while nothing is being read; false where no more is wanted
     */
    EntryCopy(Connection connection, TenantId tenant, Predicate<StoredEntry> reader, BooleanSupplier between) {
        this.between = between;
        this.connection = connection;
        this.tenant = tenant;
        this.reader = reader;
    }

    /** Hands out the entries between two positions, in their order, until the reader answers false. */
    void read(long fromSeq, long toSeq) throws SQLException {
        long from = fromSeq;
        // What is said of positions before the first is as wrong as what is said of those behind the last.
        long besideFrom = fromSeq == 0 ? Long.MIN_VALUE : fromSeq;
        while (wanted && from <= toSeq) {
            long to = toSeq - from < SLICE ? toSeq : from + SLICE - 1;
            Beside kept = count(besideFrom, to);
            readSlice(from, to, kept);
            if (rows < SLICE && wanted && to < toSeq) {
                Long next = number(NEXT, to + 1, toSeq);
                to = next == null ? toSeq : next - 1;
                kept = count(besideFrom, to);
            }
            wanted = between.getAsBoolean() && wanted;
            if (wanted) {
                requireNoStray(besideFrom, to, kept);
            }
            if (to == toSeq) {
                return;
            }
            from = to + 1;
            besideFrom = from;
        }
    }

    private void readSlice(long from, long to, Beside kept) throws SQLException {
        rows = 0;
        lineageRows = 0;
        values = 0;
        // To look for those of each entry costs as much as the entry, and often there are none.
        CopyOut copy = connection
                .unwrap(PGConnection.class)
                .getCopyAPI()
                .copyOut(COPY.formatted(
                        tenant.value(),
                        from,
                        to,
                        kept.values == 0 ? NO_VALUES : VALUES,
                        kept.lineage == 0 ? NO_LINEAGE : LINEAGE.formatted(tenant.value())));
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
                    wanted = reader.test(entry(message, in));
                }
            }
        } finally {
            if (copy.isActive()) {
                copy.cancelCopy();
            }
        }
    }

    /** The fields of a row, in the order of the query, each behind its length. */
    private StoredEntry entry(byte[] row, ByteBuffer in) {
        long seq = required(number(in));
        try {
            byte[] frame = required(bytes(in));
            Digest hash = Digest.of(required(bytes(in)));
            long recordedAt = Math.addExact(required(number(in)), RowArray.EPOCH_MICROS);
            Long outcome = number(in);
            Long occurredAt = number(in);
            int[] offsets = new int[TEXTS.size()];
            int[] lengths = new int[TEXTS.size()];
            for (int i = 0; i < offsets.length; i++) {
                lengths[i] = in.getInt();
                offsets[i] = in.position();
                in.position(offsets[i] + Math.max(0, lengths[i]));
            }
            lineageRows += lines(row, offsets[offsets.length - 1], lengths[lengths.length - 1]);
            RawColumns columns = new RawColumns(row, recordedAt, outcome, occurredAt, offsets, lengths);
            return new StoredEntry(seq, frame, hash, columns, values(bytes(in)));
        } catch (MalformedException | ArithmeticException | BufferUnderflowException | IllegalArgumentException e) {
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

    private static int lines(byte[] text, int offset, int length) {
        int lines = length < 0 ? 0 : 1;
        for (int i = offset; i < offset + length; i++) {
            lines += text[i] == '\n' ? 1 : 0;
        }
        return lines;
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

    private void requireNoStray(long from, long to, Beside kept) throws SQLException {
        if (kept.values != values) {
            Long stray = number(STRAY_VALUE, from, to);
            long seq = stray == null ? Math.max(0, from) : stray;
            throw new StrayRowException(seq, "entry " + seq + " is not there, and a value stands beside it");
        }
        if (kept.lineage != lineageRows) {
            Long stray = number(STRAY, from, to);
            long seq = stray == null ? Math.max(0, from) : stray;
            throw new StrayRowException(seq, "entry " + seq + " is not there, and the lineage has a row of it");
        }
    }

    private Beside count(long from, long to) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(COUNT)) {
            for (int parameter = 1; parameter <= 6; parameter += 3) {
                statement.setString(parameter, tenant.value());
                statement.setLong(parameter + 1, from);
                statement.setLong(parameter + 2, to);
            }
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                return new Beside(row.getLong(1), row.getLong(2));
            }
        }
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

    /** How many values and rows of the lineage stand beside entries. */
    private record Beside(long values, long lineage) {}
}
