package dev.assize.server.policy;

/**
 * One thing that is wrong with a document, for the person who wrote it.
 *
 * @param place where it stands
 * @param field the document and the field, for example `RoleBinding/noc: spec.role`
 * @param value the offending value, safe to print; empty where something is missing
 * @param expected what was expected, as a noun phrase
 */
public record Problem(SourcePlace place, String field, String value, String expected) {

    /** The whole as one line: place, field, value, expectation. */
    public String message() {
        String what = value.isEmpty() ? "missing" : "`" + value + "`";
        return where() + field + ": " + what + ": expected " + expected;
    }

    @Override
    public String toString() {
        return message();
    }

    private String where() {
        if (place.line() == 0) {
            return place.file().isEmpty() ? "" : place.file() + ": ";
        }
        String column = place.column() == 0 ? "" : ":" + place.column();
        return place.file() + ":" + place.line() + column + ": ";
    }
}
