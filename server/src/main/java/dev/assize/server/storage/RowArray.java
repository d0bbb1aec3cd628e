package dev.assize.server.storage;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.assize.server.ledger.Frame;
import java.nio.ByteBuffer;
import java.sql.Array;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;
import org.postgresql.core.BaseConnection;
import org.postgresql.core.Oid;
import org.postgresql.core.TypeInfo;
import org.postgresql.jdbc.PgArray;

/**
 * Writes rows of a composite type as one array in PostgreSQL's binary form. The server takes each row as a whole, where one
 * array a column is unpacked value by value; and nothing is made into a text on the way.
 */
final class RowArray {

    /** PostgreSQL counts microseconds from the year 2000. */
    static final long EPOCH_MICROS = 946_684_800_000_000L;

    private static final int ROW_BYTES = 640;

    /** At most, of many rows like the first one: what is not used would have to be cleared, too. */
    private static final int EXPECTED_BYTES = 1 << 20;

    private static final int HEADER_BYTES = 5 * Integer.BYTES;

    private byte[] bytes;
    private int end;

    private RowArray(int capacity) {
        bytes = new byte[capacity];
    }

    /**
     * The rows as an array of a type.
     *
     * @param type with its schema
     * @param columns how many the type has
     * @param writer writes the columns of a row, all of them, in the type's order
     */
    static <R> Array of(Connection connection, String type, int columns, List<R> rows, BiConsumer<R, RowArray> writer)
            throws SQLException {
        BaseConnection server = connection.unwrap(BaseConnection.class);
        TypeInfo types = server.getTypeInfo();
        RowArray out = new RowArray(HEADER_BYTES + ROW_BYTES);
        out.putInt(1);
        out.putInt(0);
        out.putInt(types.getPGType(type));
        out.putInt(rows.size());
        out.putInt(1);
        for (R row : rows) {
            int start = out.end;
            out.putInt(0);
            out.putInt(columns);
            writer.accept(row, out);
            int length = out.end - start;
            out.setInt(start, length - Integer.BYTES);
            if (start == HEADER_BYTES) {
                out.room(Math.clamp((rows.size() - 1L) * (length + length / 8), 0, EXPECTED_BYTES));
            }
        }
        return new PgArray(server, types.getPGArrayType(type), Arrays.copyOf(out.bytes, out.end));
    }

    RowArray int2(@Nullable Short value) {
        putInt(Oid.INT2);
        if (value == null) {
            return none();
        }
        putInt(Short.BYTES);
        room(Short.BYTES);
        bytes[end++] = (byte) (value >> 8);
        bytes[end++] = (byte) (short) value;
        return this;
    }

    RowArray int4(int value) {
        putInt(Oid.INT4);
        putInt(Integer.BYTES);
        putInt(value);
        return this;
    }

    RowArray int8(@Nullable Long value) {
        putInt(Oid.INT8);
        return value == null ? none() : eightBytes(value);
    }

    RowArray time(Instant value) {
        putInt(Oid.TIMESTAMPTZ);
        return eightBytes(Frame.micros(value) - EPOCH_MICROS);
    }

    RowArray text(@Nullable String value) {
        putInt(Oid.TEXT);
        return value == null ? none() : raw(value.getBytes(UTF_8));
    }

    /** A text as its bytes in UTF-8. */
    RowArray text(@Nullable ByteBuffer value) {
        putInt(Oid.TEXT);
        if (value == null) {
            return none();
        }
        int length = value.remaining();
        putInt(length);
        room(length);
        value.get(bytes, end, length);
        end += length;
        return this;
    }

    RowArray bytea(byte[] value) {
        putInt(Oid.BYTEA);
        return raw(value);
    }

    private RowArray none() {
        putInt(-1);
        return this;
    }

    private RowArray raw(byte[] value) {
        putInt(value.length);
        room(value.length);
        System.arraycopy(value, 0, bytes, end, value.length);
        end += value.length;
        return this;
    }

    private RowArray eightBytes(long value) {
        putInt(Long.BYTES);
        putInt((int) (value >> Integer.SIZE));
        putInt((int) value);
        return this;
    }

    private void putInt(int value) {
        room(Integer.BYTES);
        setInt(end, value);
        end += Integer.BYTES;
    }

    private void setInt(int at, int value) {
        bytes[at] = (byte) (value >> 24);
        bytes[at + 1] = (byte) (value >> 16);
        bytes[at + 2] = (byte) (value >> 8);
        bytes[at + 3] = (byte) value;
    }

    private void room(int wanted) {
        if (bytes.length - end < wanted) {
            bytes = Arrays.copyOf(bytes, Math.max(2 * bytes.length, end + wanted));
        }
    }
}
