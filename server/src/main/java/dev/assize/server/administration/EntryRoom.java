package dev.assize.server.administration;

/** How much text an entry still takes, counted as JSON writes it. */
final class EntryRoom {

    /** Bytes of text in one entry; the rest of a frame is small. */
    static final int BYTES = 48 * 1_024;

    /** Bytes a line number takes, with its comma. */
    private static final int LINE_BYTES = 12;

    private int bytesLeft = BYTES;

    /** Takes as much of a text as there is room for; where that ends. */
    int fit(String text, int start) {
        int i = start;
        while (i < text.length()) {
            int codePoint = text.codePointAt(i);
            if (!take(jsonBytes(codePoint))) {
                return i;
            }
            i += Character.charCount(codePoint);
        }
        return i;
    }

    boolean takeLine() {
        return take(LINE_BYTES);
    }

    /** False, and nothing taken, where there is no room for as many. */
    boolean take(int bytes) {
        if (bytes > bytesLeft) {
            return false;
        }
        bytesLeft -= bytes;
        return true;
    }

    /** Bytes that JSON takes for a text, at most. */
    static int jsonBytes(String text) {
        return text.codePoints().map(EntryRoom::jsonBytes).sum();
    }

    private static int jsonBytes(int codePoint) {
        if (codePoint < ' ') {
            return 6;
        }
        if (codePoint < 0x80) {
            return codePoint == '"' || codePoint == '\\' ? 2 : 1;
        }
        return codePoint < 0x800 ? 2 : codePoint < 0x10000 ? 3 : 4;
    }
}
