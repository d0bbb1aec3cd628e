package dev.assize.server.storage;

import dev.assize.server.audit.AuditColumns;
import dev.assize.server.ledger.Sequencer.SequencedEntry;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;

/**
 * One record that an entry lists as read or written.
 *
 * @param position within the list
 * @param columns of the entry
 */
record LineageRow(long seq, int kind, int position, String uri, Instant recordedAt, SortedMap<String, String> columns) {

    static final int READ = 1;
    static final int WRITTEN = 2;

    /** The rows of entries, from their columns. */
    static List<LineageRow> of(List<SequencedEntry> entries, List<SortedMap<String, String>> columns) {
        List<LineageRow> rows = new ArrayList<>();
        for (int i = 0; i < entries.size(); i++) {
            String lines = columns.get(i).get(AuditColumns.LINEAGE);
            if (lines != null) {
                for (String line : lines.split("\n", -1)) {
                    rows.add(of(line, entries.get(i), columns.get(i)));
                }
            }
        }
        return rows;
    }

    private static LineageRow of(String line, SequencedEntry entry, SortedMap<String, String> columns) {
        int close = line.indexOf(']');
        boolean read = line.startsWith(AuditColumns.READS);
        int open = (read ? AuditColumns.READS : AuditColumns.WRITES).length();
        return new LineageRow(
                entry.seq(),
                read ? READ : WRITTEN,
                Integer.parseInt(line.substring(open, close)),
                line.substring(close + 2).translateEscapes(),
                entry.recordedAt(),
                columns);
    }
}
