package dev.assize.server.policy;

/**
 * Where something stands in what the user wrote.
 *
 * @param file empty where unknown
 * @param line from 1, 0 where unknown
 * @param column from 1, 0 where unknown
 */
public record SourcePlace(String file, int line, int column) {

    public static final SourcePlace UNKNOWN = new SourcePlace("", 0, 0);

    /** `file:line`, empty where unknown. */
    @Override
    public String toString() {
        return file.isEmpty() ? "" : file + ":" + line;
    }
}
