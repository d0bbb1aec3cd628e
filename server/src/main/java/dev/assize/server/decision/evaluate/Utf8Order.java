package dev.assize.server.decision.evaluate;

import dev.assize.server.model.Subject;
import java.util.Comparator;

/**
 * Text in the order of its UTF-8 bytes, which differs from that of {@link String} beyond the basic plane only: there
 * surrogates, which are UTF-16's way to larger code points, are lifted above the code units that follow them.
 */
public enum Utf8Order implements Comparator<String> {
    INSTANCE;

    /** Subjects in the order of their written form. */
    public static final Comparator<Subject> OF_SUBJECTS =
            (left, right) -> left.type().equals(right.type())
                    ? INSTANCE.compare(left.id(), right.id())
                    : INSTANCE.compare(left.toString(), right.toString());

    @Override
    public int compare(String left, String right) {
        int common = Math.min(left.length(), right.length());
        for (int i = 0; i < common; i++) {
            char ofLeft = left.charAt(i);
            char ofRight = right.charAt(i);
            if (ofLeft != ofRight) {
                return Integer.compare(weight(ofLeft), weight(ofRight));
            }
        }
        return Integer.compare(left.length(), right.length());
    }

    private static int weight(char unit) {
        return Character.isSurrogate(unit) ? unit + 0x10000 : unit;
    }
}
