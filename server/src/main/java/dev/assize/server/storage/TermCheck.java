package dev.assize.server.storage;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.assize.server.audit.Outcome;
import dev.assize.server.audit.RawColumns;
import dev.assize.server.storage.EntryTerms.Kind;
import java.nio.ByteBuffer;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.postgresql.PGConnection;

/**
 * Holds the rows by which entries are found to the entries, many of them at a time and in their order.
 *
 * <p>Of each value that the entries have PostgreSQL reads its rows from the first block to the last in one go, and compares
 * them as two arrays: a look for each row by itself costs several times as much, and so does to hand the rows out. Which entry is
 * wrong is looked for only where something is.
 */
final class TermCheck {

    private static final int BITS = EntryTerms.BLOCK_BITS;

    /** Of what a value has, and only of the entries of the first and the last block that were added. */
    private static final String ROWS = "SELECT n.block, n.bits FROM (SELECT i.block,"
            + " i.bits & CASE i.block WHEN ? THEN ? WHEN ? THEN ? ELSE -1::bigint END AS bits"
            + " FROM assize.ledger_term i WHERE i.tenant_id = ? AND i.kind = w.kind AND i.value = w.value"
            + " AND i.block BETWEEN ? AND ? ORDER BY i.block) n WHERE n.bits <> 0";

    /** Of a row, `block` and `bits` say where in the two arrays its blocks begin and end. */
    private static final String DIFFERENT = "SELECT w.block FROM unnest(?) AS w, LATERAL"
            + " (SELECT array_agg(r.block) AS blocks, array_agg(r.bits) AS bits FROM (" + ROWS + ") r) t,"
            + " (SELECT ?::bigint[] AS blocks, ?::bigint[] AS bits) a"
            + " WHERE t.blocks IS DISTINCT FROM a.blocks[w.block:w.bits] OR t.bits IS DISTINCT FROM a.bits[w.block:w.bits]";

    private static final String OF_DIFFERENT =
            "SELECT w.block, r.block, r.bits FROM unnest(?) AS w, LATERAL (" + ROWS + ") r";

    private static final Kind[] KINDS = Kind.values();

    private final List<Value> values = new ArrayList<>();
    private final List<Map<ByteBuffer, Value>> byBytes = new ArrayList<>();

    /** What the entry before had, by kind. */
    private final @Nullable Value[] last = new Value[KINDS.length];

    /** The entries that were added. */
    private final Blocks positions = new Blocks();

    /** Rows of all values. */
    private int rows;

    TermCheck() {
        for (Kind _ : KINDS) {
            byBytes.add(new HashMap<>());
        }
    }

    /** Adds the next entry. */
    void add(long seq, RawColumns columns) {
        positions.add(seq);
        for (int kind = 0; kind < KINDS.length; kind++) {
            ByteBuffer bytes = KINDS[kind] == Kind.OUTCOME ? outcome(columns) : columns.bytes(KINDS[kind].place());
            if (bytes != null) {
                Value before = last[kind];
                Value value = before != null && before.bytes.equals(bytes) ? before : value(kind, bytes);
                last[kind] = value;
                rows += value.blocks.add(seq) ? 1 : 0;
            }
        }
    }

    private static @Nullable ByteBuffer outcome(RawColumns columns) {
        Long outcome = columns.outcome();
        return outcome == null || outcome == Outcome.SUCCESS.number()
                ? null
                : ByteBuffer.wrap(outcome.toString().getBytes(UTF_8));
    }

    private Value value(int kind, ByteBuffer bytes) {
        Map<ByteBuffer, Value> known = byBytes.get(kind);
        Value value = known.get(bytes);
        if (value == null) {
            // The bytes stand within a row, which is not to be kept for them.
            byte[] copy = new byte[bytes.remaining()];
            bytes.get(bytes.position(), copy);
            value = new Value(KINDS[kind], ByteBuffer.wrap(copy), new Blocks());
            known.put(value.bytes, value);
            values.add(value);
        }
        return value;
    }

    /**
     * The first of the entries that is not found by what it has, or has a bit at a value of a neighbour's; null where there is none.
     * A row of a value that no neighbour has finds nothing, for what is found is held to what was asked.
     */
    @Nullable
    Long wrong(Connection connection, String tenant) throws SQLException {
        if (values.isEmpty()) {
            return null;
        }
        List<Value> different = different(connection, tenant);
        return different.isEmpty() ? null : first(connection, tenant, different);
    }

    private List<Value> different(Connection connection, String tenant) throws SQLException {
        long[] blocks = new long[rows];
        long[] bits = new long[rows];
        Map<Long, Value> byPlace = new HashMap<>();
        List<Place> places = new ArrayList<>(values.size());
        int next = 0;
        for (Value value : values) {
            Blocks of = value.blocks;
            System.arraycopy(of.blocks, 0, blocks, next, of.count);
            System.arraycopy(of.bits, 0, bits, next, of.count);
            // Arrays of PostgreSQL begin with 1.
            places.add(new Place(value, next + 1L, (long) next + of.count));
            byPlace.put(next + 1L, value);
            next += of.count;
        }
        PGConnection arrays = connection.unwrap(PGConnection.class);
        List<Value> different = new ArrayList<>();
        try (PreparedStatement statement = connection.prepareStatement(DIFFERENT)) {
            StatementArrays parameters = new StatementArrays(statement);
            parameters.rows(EntryTerms.ROW_TYPE, EntryTerms.ROW_COLUMNS, places, TermCheck::write);
            range(parameters, tenant);
            parameters.array(arrays.createArrayOf("int8", blocks));
            parameters.array(arrays.createArrayOf("int8", bits));
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    different.add(Objects.requireNonNull(byPlace.get(row.getLong(1))));
                }
            }
        }
        return different;
    }

    private @Nullable Long first(Connection connection, String tenant, List<Value> different) throws SQLException {
        List<Place> places = new ArrayList<>();
        List<Map<Long, Long>> wrong = new ArrayList<>();
        for (Value value : different) {
            Map<Long, Long> bits = new HashMap<>();
            for (int i = 0; i < value.blocks.count; i++) {
                bits.put(value.blocks.blocks[i], value.blocks.bits[i]);
            }
            places.add(new Place(value, wrong.size(), 0));
            wrong.add(bits);
        }
        try (PreparedStatement statement = connection.prepareStatement(OF_DIFFERENT)) {
            StatementArrays parameters = new StatementArrays(statement);
            parameters.rows(EntryTerms.ROW_TYPE, EntryTerms.ROW_COLUMNS, places, TermCheck::write);
            range(parameters, tenant);
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    wrong.get(row.getInt(1)).merge(row.getLong(2), row.getLong(3), (one, other) -> one ^ other);
                }
            }
        }
        return wrong.stream()
                .flatMap(bits -> bits.entrySet().stream())
                .map(row -> first(row.getKey(), row.getValue()))
                .filter(seq -> seq >= 0)
                .min(Long::compare)
                .orElse(null);
    }

    /** Of the entries of a block; negative where what is different is of none of them. */
    private long first(long block, long different) {
        long bits = different & positions.at(block);
        return bits == 0 ? -1 : (block << BITS) + Long.numberOfTrailingZeros(bits);
    }

    private void range(StatementArrays parameters, String tenant) throws SQLException {
        long low = positions.blocks[0];
        long high = positions.blocks[positions.count - 1];
        parameters.longNumber(low);
        parameters.longNumber(positions.bits[0]);
        parameters.longNumber(high);
        parameters.longNumber(positions.bits[positions.count - 1]);
        parameters.text(tenant);
        parameters.longNumber(low);
        parameters.longNumber(high);
    }

    private static void write(Place place, RowArray out) {
        out.int2(place.value.kind.number())
                .text(place.value.bytes.duplicate())
                .int8(place.from)
                .int8(place.to);
    }

    void clear() {
        values.clear();
        byBytes.forEach(Map::clear);
        Arrays.fill(last, null);
        positions.count = 0;
        rows = 0;
    }

    /** A value, and where entries have it. */
    private record Value(Kind kind, ByteBuffer bytes, Blocks blocks) {}

    /** Where among all rows those of a value are. */
    private record Place(Value value, long from, long to) {}

    /** Which of the entries of each block; bit n is of the block's entry n. Blocks ascend. */
    private static final class Blocks {

        private long[] blocks = new long[2];
        private long[] bits = new long[2];
        private int count;

        /** Whether it is the first of its block. */
        boolean add(long seq) {
            long block = seq >> BITS;
            boolean begins = count == 0 || blocks[count - 1] != block;
            if (begins) {
                if (count == blocks.length) {
                    blocks = Arrays.copyOf(blocks, 2 * count);
                    bits = Arrays.copyOf(bits, 2 * count);
                }
                blocks[count] = block;
                bits[count] = 0;
                count++;
            }
            bits[count - 1] |= 1L << seq;
            return begins;
        }

        long at(long block) {
            int place = Arrays.binarySearch(blocks, 0, count, block);
            return place < 0 ? 0 : bits[place];
        }
    }
}
