package dev.assize.server.model;

import com.google.re2j.Matcher;
import com.google.re2j.Pattern;
import com.google.re2j.PatternSyntaxException;

/**
 * What personal data looks like: a regular expression (RE2), matched in time linear in the text. One that matches nothing
 * at all, as `a*` does, would mask between any two letters and is refused.
 */
public final class PiiPattern {

    /** Patterns of a tenant. */
    public static final int MAX_PATTERNS = 32;

    /** Characters of a pattern. */
    public static final int MAX_LENGTH = 256;

    /** Steps of all patterns of a tenant as compiled: what a text of a given length costs at the most. */
    public static final int MAX_STEPS = 2_000;

    /** What stands where something was masked. */
    public static final String MASK = "[masked]";

    private static final String EXPECTED = "a regular expression (RE2) of 1 to " + MAX_LENGTH
            + " characters and a bounded size, that matches no empty text";

    private final String text;
    private final Pattern pattern;

    public PiiPattern(String text) {
        this.text = text;
        this.pattern = compile(text);
    }

    private static Pattern compile(String text) {
        if (text.isEmpty() || text.length() > MAX_LENGTH) {
            throw new MalformedException(text, EXPECTED);
        }
        try {
            Pattern pattern = Pattern.compile(text);
            if (pattern.programSize() > MAX_STEPS || pattern.matches("")) {
                throw new MalformedException(text, EXPECTED);
            }
            return pattern;
        } catch (PatternSyntaxException e) {
            throw new MalformedException(text, EXPECTED + " (" + e.getDescription() + ")");
        }
    }

    /** As compiled: what each character of a text may cost. */
    public int steps() {
        return pattern.programSize();
    }

    /**
     * The text with a mask in place of what matches, one for matches that touch. The text itself where nothing does; the
     * mask alone where masks would make it longer.
     */
    public String mask(String in) {
        Matcher matcher = pattern.matcher(in);
        StringBuilder masked = new StringBuilder();
        int copied = 0;
        int maskedTo = -1;
        while (matcher.find()) {
            if (matcher.end() == matcher.start()) {
                continue;
            }
            if (matcher.start() != maskedTo) {
                masked.append(in, copied, matcher.start()).append(MASK);
            }
            copied = matcher.end();
            maskedTo = copied;
        }
        if (maskedTo < 0) {
            return in;
        }
        masked.append(in, copied, in.length());
        return masked.length() > in.length() ? MASK : masked.toString();
    }

    /**
     * Whether a text with masks can have been made of another: each stands for one character of it or more. In one pass, since
     * who altered either may have chosen both.
     */
    public static boolean isMasked(String masked, String text) {
        int at = 0;
        int from = 0;
        int mask = masked.indexOf(MASK);
        while (mask >= 0) {
            String kept = masked.substring(from, mask);
            int found = text.indexOf(kept, at);
            if (found < 0 || (from == 0 && !text.startsWith(kept))) {
                return false;
            }
            // What the mask stands for begins here, and has a character.
            at = found + kept.length() + 1;
            from = mask + MASK.length();
            mask = masked.indexOf(MASK, from);
        }
        String rest = masked.substring(from);
        return from == 0 ? text.equals(masked) : text.length() - rest.length() >= at && text.endsWith(rest);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof PiiPattern that && text.equals(that.text);
    }

    @Override
    public int hashCode() {
        return text.hashCode();
    }

    /** As it is written. */
    @Override
    public String toString() {
        return text;
    }
}
