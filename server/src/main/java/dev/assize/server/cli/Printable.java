package dev.assize.server.cli;

/**
 * Text that a terminal may be shown. What comes from a ledger or a policy was written by others and may hold escape
 * sequences; control and format characters are shown as `\\u001b`.
 */
final class Printable {

    private Printable() {}

    /** As one line. */
    static String text(String text) {
        return clean(text, false);
    }

    /** With its line breaks. */
    static String lines(String text) {
        return clean(text, true);
    }

    private static String clean(String text, boolean keepBreaks) {
        StringBuilder out = new StringBuilder(text.length());
        text.codePoints().forEach(c -> {
            if (isSafe(c) || (keepBreaks && c == '\n')) {
                out.appendCodePoint(c);
            } else {
                out.append(String.format("\\u%04x", c));
            }
        });
        return out.toString();
    }

    private static boolean isSafe(int c) {
        return switch (Character.getType(c)) {
            case Character.CONTROL,
                    Character.FORMAT,
                    Character.LINE_SEPARATOR,
                    Character.PARAGRAPH_SEPARATOR,
                    Character.SURROGATE -> false;
            default -> true;
        };
    }
}
