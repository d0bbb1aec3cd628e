package dev.assize.server.storage;

import dev.assize.server.audit.AuditColumns;
import dev.assize.server.audit.Outcome;
import dev.assize.server.audit.RawColumns;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import org.jspecify.annotations.Nullable;

/**
 * By which values entries are found: for each value and each block of 64 positions, which of them have it. What an entry costs
 * to be found is a part of the rows that it shares with its neighbours: an index would take in each by itself.
 *
 * <p>Rows are gathered, and written, many entries at a time. Neighbours often have the same values, so a value is first held
 * against the one before it.
 */
final class EntryTerms {

    static final int BLOCK_BITS = 6;

    static final String ROW_TYPE = "assize.ledger_term_row";
    static final int ROW_COLUMNS = 4;

    /** The head must be locked, by which nobody else adds to the rows of its ledger. */
    private static final String INSERT = "INSERT INTO assize.ledger_term AS t (tenant_id, kind, value, block, bits)"
            + " SELECT ?, r.* FROM unnest(?) AS r";

    private static final String ADD =
            INSERT + " ON CONFLICT (tenant_id, kind, value, block) DO UPDATE SET bits = t.bits | excluded.bits";

    private static final Kind[] KINDS = Kind.values();

    private static final String SUCCESS = Integer.toString(Outcome.SUCCESS.number());

    private final Map<Row, Bits> rows = new HashMap<>();

    /** Of the entries that were added, by block. */
    private final Map<Long, Bits> positions = new HashMap<>();

    private final Map<Kind, Last> last = new EnumMap<>(Kind.class);

    /** What entries are found by; an outcome only where it is not what most have. */
    enum Kind {
        ACTOR(1, AuditColumns.ACTOR),
        ACTION(2, AuditColumns.ACTION),
        TYPE(3, AuditColumns.TYPE),
        RUN(4, AuditColumns.RUN_ID),
        OUTCOME(5, AuditColumns.OUTCOME);

        /** As rows have it. */
        private final short number;

        private final String column;
        private final int place;

        Kind(int number, String column) {
            this.number = (short) number;
            this.column = column;
            this.place = RawColumns.TEXTS.indexOf(column);
        }

        /** As rows have it. */
        short number() {
            return number;
        }

        /** Among {@link RawColumns#TEXTS}; negative where it is no text. */
        int place() {
            return place;
        }

        private @Nullable ByteBuffer bytes(SortedMap<String, String> columns) {
            return place >= 0 && columns instanceof RawColumns raw ? raw.bytes(place) : null;
        }

        private @Nullable String value(SortedMap<String, String> columns) {
            if (this != OUTCOME) {
                return columns.get(column);
            }
            String number = columns instanceof RawColumns raw ? text(raw.outcome()) : columns.get(column);
            return number == null || number.equals(SUCCESS) ? null : number;
        }

        private static @Nullable String text(@Nullable Long number) {
            return number == null ? null : number.toString();
        }
    }

    /** A row's key beside the tenant. */
    record Row(short kind, String value, long block) {}

    /** Adds an entry by its query columns. */
    void add(long seq, SortedMap<String, String> columns) {
        positions.computeIfAbsent(seq >> BLOCK_BITS, _ -> new Bits()).add(seq);
        for (Kind kind : KINDS) {
            add(kind, seq, columns);
        }
    }

    private void add(Kind kind, long seq, SortedMap<String, String> columns) {
        long block = seq >> BLOCK_BITS;
        ByteBuffer bytes = kind.bytes(columns);
        Last before = last.get(kind);
        if (bytes != null && before != null && before.block == block && bytes.equals(before.bytes)) {
            before.bits.add(seq);
            return;
        }
        String value = kind.value(columns);
        if (value != null) {
            Bits bits = rows.computeIfAbsent(new Row(kind.number(), value, block), _ -> new Bits());
            bits.add(seq);
            last.put(kind, new Last(bytes, block, bits));
        }
    }

    /**
     * Adds what is gathered to what stands there. Of blocks that begin with these entries nothing stands there: a look for it
     * would be half of what a row costs.
     *
     * @param trusts whether that is taken for granted; the statement fails where it is not so
     */
    void insert(Trip writes, String tenant, boolean trusts) {
        List<Map.Entry<Row, Bits>> begun = new ArrayList<>();
        List<Map.Entry<Row, Bits>> added = new ArrayList<>();
        for (Map.Entry<Row, Bits> row : rows.entrySet()) {
            Bits entries = positions.get(row.getKey().block());
            boolean begins = trusts && entries != null && (entries.bits & 1) != 0;
            (begins ? begun : added).add(row);
        }
        insert(writes, INSERT, tenant, begun);
        insert(writes, ADD, tenant, added);
    }

    private static void insert(Trip writes, String statement, String tenant, List<Map.Entry<Row, Bits>> rows) {
        if (!rows.isEmpty()) {
            writes.then(statement, parameters -> {
                parameters.text(tenant);
                parameters.rows(ROW_TYPE, ROW_COLUMNS, rows, EntryTerms::write);
            });
        }
    }

    private static void write(Map.Entry<Row, Bits> row, RowArray out) {
        out.int2(row.getKey().kind())
                .text(row.getKey().value())
                .int8(row.getKey().block())
                .int8(row.getValue().bits);
    }

    /** Of one row; bit n is of the block's entry n. */
    private static final class Bits {
        private long bits;

        void add(long seq) {
            bits |= 1L << seq;
        }
    }

    /** What the entry before had. */
    private record Last(@Nullable ByteBuffer bytes, long block, Bits bits) {}
}
