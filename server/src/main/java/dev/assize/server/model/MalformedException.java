package dev.assize.server.model;

import org.jspecify.annotations.Nullable;

/**
 * A name or value that is not of its form. Carries what was given and what was expected; whoever knows the
 * field it came from adds that.
 */
public final class MalformedException extends RuntimeException {

    private static final int SHOWN_LENGTH = 80;

    private final @Nullable String field;
    private final String value;
    private final String expected;

    public MalformedException(String value, String expected) {
        this(null, value, expected);
    }

    /**
     * Of a part of a request that only a later look finds malformed.
     *
     * @param field as the request names it, for example `subject_attributes[level]`; null where it is not known
     */
    public MalformedException(@Nullable String field, String value, String expected) {
        super((field == null ? "" : field + ": ") + "`" + shown(value) + "` is malformed: expected " + expected);
        this.field = field;
        this.value = shown(value);
        this.expected = expected;
    }

    /** Where it stands, if that is known. */
    public @Nullable String field() {
        return field;
    }

    /** The offending value, shortened and with control characters escaped: safe to print. */
    public String value() {
        return value;
    }

    /** What was expected, as a noun phrase. */
    public String expected() {
        return expected;
    }

    /** A value as messages may show it: at most 80 characters, nothing that a terminal or a log would obey. */
    public static String shown(String value) {
        StringBuilder text = new StringBuilder();
        value.codePoints().limit(SHOWN_LENGTH).forEach(codePoint -> {
            if (Names.isForbidden(codePoint)) {
                text.append(String.format("\\u%04X", codePoint));
            } else {
                text.appendCodePoint(codePoint);
            }
        });
        if (value.codePointCount(0, value.length()) > SHOWN_LENGTH) {
            text.append('…');
        }
        return text.toString();
    }

    /** A value for people to read is no control flow worth a stack trace. */
    @Override
    public synchronized Throwable fillInStackTrace() {
        return this;
    }
}
