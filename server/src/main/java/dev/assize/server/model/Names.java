package dev.assize.server.model;

import java.nio.charset.StandardCharsets;
import java.util.regex.Pattern;

/** The forms that names share: which characters may stand in them, and how long they are in UTF-8. */
public final class Names {

    private static final Pattern TYPE = Pattern.compile("[a-z][a-z0-9_-]{0,31}");

    private Names() {}

    /** Whether the text is the name of a subject or resource type. */
    public static boolean isType(String text) {
        return TYPE.matcher(text).matches();
    }

    /** Whether no character of the text is forbidden in names. */
    public static boolean isClean(String text) {
        return text.codePoints().noneMatch(Names::isForbidden);
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
