package dev.assize.server.model;

import java.util.Collection;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A line of comma-separated values (RFC 4180). Elements of a list stand one below the other in their cell.
 *
 * <p>Others wrote what is in the cells, and a spreadsheet runs what looks like a formula: a value that begins as one
 * does gets an apostrophe before it, which a spreadsheet takes for "this is text".
 */
public final class CsvLine {

    private static final String FORMULA_BEGINS = "=+-@\t\r";
    private static final String END_OF_LINE = "\r\n";

    private CsvLine() {}

    /** The line of these values, its end included; null is an empty cell. */
    public static String of(Collection<? extends @Nullable Object> values) {
        return values.stream().map(CsvLine::cell).collect(Collectors.joining(",")) + END_OF_LINE;
    }

    private static String cell(@Nullable Object value) {
        if (value == null) {
            return "";
        }
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
