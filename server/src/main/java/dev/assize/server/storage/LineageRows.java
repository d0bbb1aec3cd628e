package dev.assize.server.storage;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.assize.server.audit.AuditColumns;
import dev.assize.server.model.TenantId;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * What the entries of a slice list as read and written, as the rows beside them say it, in the form in which the codec says it.
 *
 * <p>The rows come by a statement of their own, in the order of entries, and are put together here: to have PostgreSQL look for
 * those of each entry, and make a text of them, costs it more than the entry. There is a bound to how much is gathered; where it is
 * reached the slice ends.
 */
final class LineageRows {

    private static final int MOST_ROWS = 20_000;

    /** Of a slice, usually. */
    static final int MOST_BYTES = 4 << 20;

    /** Where a column stands in a row whose columns before it have fixed widths, each behind its length and all behind their count. */
    private static final int SEQ = Short.BYTES + Integer.BYTES;

    private static final int KIND = SEQ + Long.BYTES + Integer.BYTES;
    private static final int POSITION = KIND + Short.BYTES + Integer.BYTES;
    private static final int URI = POSITION + Short.BYTES;

    private static final short READS = 1;
    private static final byte[] OTHERWISE = "not as the entry: ".getBytes(UTF_8);

    private final long from;
    private final int mostBytes;
    private final List<ByteBuffer> rows = new ArrayList<>();
    private long to;
    private int bytes;

    /** Those before it are of entries before the one that is next. */
    private int next;

    private LineageRows(long from, long to, int mostBytes) {
        this.from = from;
        this.to = to;
        this.mostBytes = mostBytes;
    }

    /** Of entries that list nothing. */
    static LineageRows none(long from, long to) {
        return new LineageRows(from, to, 0);
    }

    /** What asks for the rows of a slice. */
    static String copy(TenantId tenant, long from, long to) {
        return ("COPY (SELECT l.seq, l.kind, l.position, l.uri, l.recorded_at, l.outcome, l.env,"
                        + " l.run_id FROM assize.ledger_lineage l WHERE l.tenant_id = '%s' AND l.seq BETWEEN %d AND %d"
                        + " ORDER BY l.seq, l.kind, l.position LIMIT %d) TO STDOUT (FORMAT binary)")
                .formatted(tenant.value(), from, to, MOST_ROWS);
    }

    /** Of entries that may list something. */
    static LineageRows gather(long from, long to, int mostBytes) {
        return new LineageRows(from, to, mostBytes);
    }

    /** Adds the next row, with its columns behind their count. */
    void add(ByteBuffer row) {
        long seq = row.getLong(row.position() + SEQ - Short.BYTES);
        if (seq > to || (seq == from && bytes >= MOST_BYTES)) {
            // More than one entry can list: it is seen by what is here.
            return;
        }
        rows.add(row.slice(row.position() - Short.BYTES, row.remaining() + Short.BYTES));
        bytes += row.remaining();
        if ((bytes >= mostBytes || rows.size() == MOST_ROWS) && seq > from) {
            to = seq - 1;
            while (seq(rows.getLast()) == seq) {
                rows.removeLast();
            }
        } else if (rows.size() == MOST_ROWS) {
            to = from;
        }
    }

    /** The last position, included, of which all is here. */
    long to() {
        return to;
    }

    /** An entry's row with what it lists in the place of its last column, which is null. Entries are asked for in their order. */
    ByteBuffer beside(ByteBuffer entry) {
        long seq = entry.getLong(entry.position() + Integer.BYTES);
        while (next < rows.size() && seq(rows.get(next)) < seq) {
            next++;
        }
        if (next == rows.size() || seq(rows.get(next)) > seq) {
            return entry;
        }
        int[] columns = {
            column(entry, EntrySlices.RECORDED_AT),
            column(entry, EntrySlices.OUTCOME),
            column(entry, EntrySlices.ENV),
            column(entry, EntrySlices.RUN_ID)
        };
        ByteArrayOutputStream lines = new ByteArrayOutputStream();
        for (; next < rows.size() && seq(rows.get(next)) == seq; next++) {
            if (lines.size() > 0) {
                lines.write('\n');
            }
            addLine(lines, rows.get(next), entry, columns);
        }
        int end = entry.limit();
        byte[] joined = new byte[end + lines.size()];
        entry.get(0, joined, 0, end);
        ByteBuffer row = ByteBuffer.wrap(joined);
        row.putInt(end - Integer.BYTES, lines.size());
        row.put(end, lines.toByteArray());
        return row.position(entry.position());
    }

    private static void addLine(ByteArrayOutputStream lines, ByteBuffer row, ByteBuffer entry, int[] columns) {
        int at = URI + Integer.BYTES + row.getInt(URI);
        int end = at;
        boolean fits = true;
        for (int column : columns) {
            int width = width(row, end);
            fits &= width == width(entry, column) && row.slice(end, width).equals(entry.slice(column, width));
            end += width;
        }
        if (!fits) {
            lines.writeBytes(OTHERWISE);
        }
        lines.writeBytes((row.getShort(KIND) == READS ? AuditColumns.READS : AuditColumns.WRITES).getBytes(UTF_8));
        lines.writeBytes(Short.toString(row.getShort(POSITION)).getBytes(UTF_8));
        lines.write(']');
        lines.write(' ');
        for (int i = URI + Integer.BYTES; i < at; i++) {
            byte next = row.get(i);
            if (next == '\n') {
                lines.write('\\');
                lines.write('n');
            } else {
                lines.write(next);
                if (next == '\\') {
                    lines.write('\\');
                }
            }
        }
    }

    private static long seq(ByteBuffer row) {
        return row.getLong(SEQ);
    }

    /** Where a column of an entry begins, with its length. */
    private static int column(ByteBuffer entry, int number) {
        int at = entry.position();
        for (int column = 0; column < number; column++) {
            at += width(entry, at);
        }
        return at;
    }

    /** Bytes of a column with its length, which is negative for none. */
    private static int width(ByteBuffer row, int at) {
        return Integer.BYTES + Math.max(0, row.getInt(at));
    }
}
