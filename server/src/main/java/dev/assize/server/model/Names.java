package dev.assize.server.model;

import java.nio.charset.StandardCharsets;

/** The forms that names share: which characters may stand in them, and how long they are in UTF-8. */
public final class Names {

    private static final int TYPE_CHARS = 32;

    private Names() {}

    /** Whether the text is the name of a subject or resource type: `[a-z][a-z0-9_-]{0,31}`. */
    public static boolean isType(String text) {
        if (text.isEmpty() || text.length() > TYPE_CHARS || !isLower(text.charAt(0))) {
            return false;
        }
        for (int i = 1; i < text.length(); i++) {
            char c = text.charAt(i);
            if (!isLower(c) && (c < '0' || c > '9') && c != '_' && c != '-') {
                return false;
            }
        }
        return true;
    }

    private static boolean isLower(char c) {
        return c >= 'a' && c <= 'z';
    }

    /** Whether no character of the text is forbidden in names. */
    public static boolean isClean(String text) {
        for (int i = 0; i < text.length(); ) {
            int codePoint = text.codePointAt(i);
            if (!isPrintableAscii(codePoint) && isForbidden(codePoint)) {
                return false;
            }
            i += Character.charCount(codePoint);
        }
        return true;
    }

    private static boolean isPrintableAscii(int codePoint) {
        return codePoint >= ' ' && codePoint < 0x7F;
    }

    /** The length in UTF-8 bytes of a text without lone surrogates. */
    public static int utf8Length(String text) {
        return text.getBytes(StandardCharsets.UTF_8).length;
    }

    /** Unicode Cc, Cf, Zl, Zp, lone surrogates and noncharacters. */
    public static boolean isForbidden(int codePoint) {
        boolean nonCharacter = (codePoint & 0xFFFE) == 0xFFFE || (codePoint >= 0xFDD0 && codePoint <= 0xFDEF);
        return nonCharacter
                || switch (Character.getType(codePoint)) {
                    case Character.CONTROL,
                            Character.FORMAT,
                            Character.LINE_SEPARATOR,
                            Character.PARAGRAPH_SEPARATOR,
                            Character.SURROGATE -> true;
                    default -> false;
                };
    }
}
