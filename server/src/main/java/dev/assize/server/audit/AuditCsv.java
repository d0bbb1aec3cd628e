package dev.assize.server.audit;

import dev.assize.server.model.CsvLine;
import java.util.Arrays;
import java.util.stream.Collectors;

/** Entries as comma-separated values, one column for each thing an entry says. */
public final class AuditCsv {

    private AuditCsv() {}

    /** The first line. */
    public static String header() {
        return CsvLine.of(
                Arrays.stream(AuditColumn.values()).map(AuditColumn::title).toList());
    }

    /** The line of an entry. */
    public static String line(RecordedEvent entry) {
        return CsvLine.of(Arrays.stream(AuditColumn.values())
                .map(column -> column.of(entry).orElse(null))
                .collect(Collectors.toList()));
    }
}
