package dev.assize.server.model;

import java.util.ArrayList;
import java.util.List;

/**
 * What is acted upon: segments `type:id` joined by `/`, from the outermost inwards; the last may be just a type,
 * which stands for the type as a whole. Kept in its written form, in which `/` inside an id is `%2F` and `%` is
 * `%25`: two paths are the same resource exactly when their texts are the same bytes.
 */
public record ResourcePath(String value, String type, boolean wholeType) implements Comparable<ResourcePath> {

    /** What a resource path looks like. */
    public static final String EXPECTED =
            "a resource path, at most " + Limits.PATH_SEGMENTS + " segments `type:id` and " + Limits.PATH_BYTES
                    + " bytes, joined by `/`, the last may be just `type`; in an id `/` is `%2F`, `%` is `%25`";

    /** Reads a path. */
    public static ResourcePath parse(String text) {
        List<String> segments = split(text);
        if (text.length() > Limits.PATH_BYTES
                || segments.size() > Limits.PATH_SEGMENTS
                || !Names.isClean(text)
                || Names.utf8Length(text) > Limits.PATH_BYTES) {
            throw new MalformedException(text, EXPECTED);
        }
        int last = segments.size() - 1;
        for (int i = 0; i <= last; i++) {
            if (!isSegment(segments.get(i), i == last)) {
                throw new MalformedException(text, EXPECTED);
            }
        }
        String innermost = segments.get(last);
        int colon = innermost.indexOf(':');
        return new ResourcePath(text, colon < 0 ? innermost : innermost.substring(0, colon), colon < 0);
    }

    /** Whether this path is the other or lies under it, whole segments only. */
    public boolean isUnder(ResourcePath ancestor) {
        return value.startsWith(ancestor.value)
                && (value.length() == ancestor.value.length() || value.charAt(ancestor.value.length()) == '/');
    }

    @Override
    public int compareTo(ResourcePath other) {
        return value.compareTo(other.value);
    }

    @Override
    public String toString() {
        return value;
    }

    private static List<String> split(String text) {
        List<String> segments = new ArrayList<>();
        int start = 0;
        for (int slash = text.indexOf('/');
                slash >= 0 && segments.size() <= Limits.PATH_SEGMENTS;
                slash = text.indexOf('/', start)) {
            segments.add(text.substring(start, slash));
            start = slash + 1;
        }
        segments.add(text.substring(start));
        return segments;
    }

    private static boolean isSegment(String segment, boolean last) {
        int colon = segment.indexOf(':');
        if (colon < 0) {
            return last && Names.isType(segment);
        }
        return Names.isType(segment.substring(0, colon)) && isId(segment.substring(colon + 1));
    }

    private static boolean isId(String id) {
        return !id.isEmpty()
                && id.length() <= Limits.ID_BYTES
                && Names.utf8Length(id) <= Limits.ID_BYTES
                && isEscaped(id);
    }

    private static boolean isEscaped(String id) {
        for (int i = id.indexOf('%'); i >= 0; i = id.indexOf('%', i + 1)) {
            if (!id.startsWith("%2F", i) && !id.startsWith("%25", i)) {
                return false;
            }
        }
        return true;
    }
}
