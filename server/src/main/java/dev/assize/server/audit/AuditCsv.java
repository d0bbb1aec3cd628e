package dev.assize.server.audit;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Entries as comma-separated values (RFC 4180), one column for each thing an entry says. Elements of a list stand one
 * below the other in their cell.
 *
 * <p>Others wrote what is in the cells, and a spreadsheet runs what looks like a formula: a value that begins as one
 * does gets an apostrophe before it, which a spreadsheet takes for "this is text".
 */
public final class AuditCsv {

    private static final String FORMULA_BEGINS = "=+-@\t\r";
    private static final String END_OF_LINE = "\r\n";

    private AuditCsv() {}

    /** The first line. */
    public static String header() {
        return Arrays.stream(AuditColumn.values()).map(AuditColumn::title).collect(Collectors.joining(","))
                + END_OF_LINE;
    }

    /** The line of an entry. */
    public static String line(RecordedEvent entry) {
        return Arrays.stream(AuditColumn.values())
                        .map(column -> column.of(entry).map(AuditCsv::cell).orElse(""))
                        .collect(Collectors.joining(","))
                + END_OF_LINE;
    }

    private static String cell(Object value) {
        String text = value instanceof List<?> list
                ? list.stream().map(String::valueOf).collect(Collectors.joining("\n"))
                : value.toString();
        return quoted(neutral(text));
    }

    private static String neutral(String text) {
        return text.isEmpty() || FORMULA_BEGINS.indexOf(text.charAt(0)) < 0 ? text : "'" + text;
    }

    private static String quoted(String text) {
        boolean plain = text.chars().noneMatch(c -> c == ',' || c == '"' || c == '\n' || c == '\r');
        return plain ? text : '"' + text.replace("\"", "\"\"") + '"';
    }
}
