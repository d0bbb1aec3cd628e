package dev.assize.server.storage;

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

/**
 * Makes entries of the rows that are read, slice by slice, and hands them out.
 *
 * <p>What entries list as read and written stands in a table of its own, and so do values that may be erased. A slice has
 * its rows beside its entries, and then they are counted: one that belongs to no entry is found by that.
 */
final class EntryCopy implements EntrySlices.Sink {

    /** Positions of a slice: as many as are checked, packs of decisions beside them too, well within a statement's time. */
    private static final int SLICE = 1_000;

    private static final int TEXTS = RawColumns.TEXTS.size();

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

    /** Whether the rows come on the connection by which the reader asks what stands beside them. */
    private boolean isConnectionBusy;

    private boolean wanted = true;
    private int unasked;
    private long lineageRows;
    private long values;

    /** Of the entries of a slice. */
    private final TermCheck terms = new TermCheck();

    /**
     * Reads for a reader.
     *
     * @param between asked behind each slice, while nothing is being read by the connection; false where no more is wanted
     */
    EntryCopy(Connection connection, TenantId tenant, Predicate<StoredEntry> reader, BooleanSupplier between) {
        this.between = between;
        this.connection = connection;
        this.tenant = tenant;
        this.reader = reader;
    }

    /** Hands out the entries between two positions, in their order, until the reader answers false. */
    void read(long fromSeq, long toSeq) throws SQLException {
        isConnectionBusy = true;
        new EntrySlices(connection, tenant, SLICE).read(fromSeq, toSeq, this);
    }

    /** The same with entries that another connection reads ahead. */
    void read(ReadAhead ahead) throws SQLException {
        isConnectionBusy = false;
        ahead.drainTo(this);
        if (unasked > 0) {
            pause();
        }
    }

    // Each row is wrapped around an array of its own.
    @SuppressWarnings("ByteBufferBackingArray")
    @Override
    public boolean row(ByteBuffer row) {
        wanted = reader.test(entry(row.array(), row));
        unasked++;
        if (unasked >= SLICE && !isConnectionBusy) {
            pause();
        }
        return wanted;
    }

    @Override
    public boolean end(long from, long to) throws SQLException {
        pause();
        if (wanted) {
            requireNoStray(from, to);
            requireFound();
        }
        terms.clear();
        lineageRows = 0;
        values = 0;
        return wanted;
    }

    private void pause() {
        unasked = 0;
        wanted = between.getAsBoolean() && wanted;
    }

    /** The fields of a row, in the order of the query, each behind its length; what it lists as read and written last. */
    private StoredEntry entry(byte[] row, ByteBuffer in) {
        long seq = required(number(in));
        try {
            byte[] frame = required(bytes(in));
            Digest hash = Digest.of(required(bytes(in)));
            long recordedAt = Math.addExact(required(number(in)), RowArray.EPOCH_MICROS);
            Long outcome = number(in);
            Long occurredAt = number(in);
            int[] offsets = new int[TEXTS];
            int[] lengths = new int[TEXTS];
            for (int i = 0; i < TEXTS - 1; i++) {
                place(i, in, offsets, lengths);
            }
            List<ErasableValue> beside = values(bytes(in));
            place(TEXTS - 1, in, offsets, lengths);
            lineageRows += lines(row, offsets[TEXTS - 1], lengths[TEXTS - 1]);
            RawColumns columns = new RawColumns(row, recordedAt, outcome, occurredAt, offsets, lengths);
            terms.add(seq, columns);
            return new StoredEntry(seq, frame, hash, columns, beside);
        } catch (MalformedException | ArithmeticException | BufferUnderflowException | IllegalArgumentException e) {
            throw new UnreadableRowException(seq, String.valueOf(e.getMessage()));
        }
    }

    private static void place(int text, ByteBuffer in, int[] offsets, int[] lengths) {
        lengths[text] = in.getInt();
        offsets[text] = in.position();
        in.position(offsets[text] + Math.max(0, lengths[text]));
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

    private void requireNoStray(long from, long to) throws SQLException {
        Beside kept = count(from, to);
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

    /** Searches find each entry by what it has. */
    private void requireFound() throws SQLException {
        Long wrong = terms.wrong(connection, tenant.value());
        if (wrong != null) {
            throw new StrayRowException(wrong, "entry " + wrong + " is not found by what it has, or by something else");
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
