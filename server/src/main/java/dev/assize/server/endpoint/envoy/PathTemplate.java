package dev.assize.server.endpoint.envoy;

import dev.assize.server.model.MalformedException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Paths of one shape: `/orders/{order}/lines` has one value of one segment, and `/files/{path...}` one of all segments that
 * are left, which are at least one. A slash at the end is there in both or in neither.
 */
record PathTemplate(String text, List<Segment> segments, boolean endsWithSlash) {

    private static final String EXPECTED = "a path such as `/orders/{order}/lines` or `/files/{path...}`: segments of"
            + " plain characters without `*`, or values with names `[a-z][A-Za-z0-9_]{0,31}`, each of them once";
    private static final Pattern VALUE = Pattern.compile("\\{([a-z][A-Za-z0-9_]{0,31})(\\.\\.\\.)?}");

    PathTemplate {
        segments = List.copyOf(segments);
    }

    /** Reads a template. */
    static PathTemplate parse(String text) {
        if (text.equals("/")) {
            return new PathTemplate(text, List.of(), true);
        }
        if (!text.startsWith("/") || text.length() > RequestPath.MAX_LENGTH) {
            throw malformed(text);
        }
        boolean endsWithSlash = text.endsWith("/");
        String[] written =
                text.substring(1, text.length() - (endsWithSlash ? 1 : 0)).split("/", -1);
        List<Segment> segments = new ArrayList<>();
        Set<String> names = new HashSet<>();
        for (int i = 0; i < written.length; i++) {
            Segment segment = segment(text, written[i]);
            boolean again = !(segment instanceof Segment.Literal) && !names.add(segment.text());
            if (again || (segment instanceof Segment.Rest && i < written.length - 1)) {
                throw malformed(text);
            }
            segments.add(segment);
        }
        if (segments.size() > RequestPath.MAX_SEGMENTS) {
            throw malformed(text);
        }
        return new PathTemplate(text, segments, endsWithSlash);
    }

    private static Segment segment(String template, String written) {
        Matcher value = VALUE.matcher(written);
        if (value.matches()) {
            return value.group(2) == null ? new Segment.Value(value.group(1)) : new Segment.Rest(value.group(1));
        }
        // A star is plain, too, but whoever writes one means something else.
        boolean plain = written.chars().allMatch(c -> c != '*' && RequestPath.isPlain((char) c));
        if (!plain || !RequestPath.isUnambiguous(written)) {
            throw malformed(template);
        }
        return new Segment.Literal(written);
    }

    /** The names of its values. */
    Set<String> names() {
        Set<String> names = new HashSet<>();
        for (Segment segment : segments) {
            if (!(segment instanceof Segment.Literal)) {
                names.add(segment.text());
            }
        }
        return names;
    }

    /** The values of a path by their names; empty where the path is of another shape. */
    Optional<Map<String, String>> match(RequestPath path) {
        if (path.endsWithSlash() != endsWithSlash || path.segments().size() < segments.size()) {
            return Optional.empty();
        }
        Map<String, String> values = new HashMap<>();
        for (int i = 0; i < segments.size(); i++) {
            switch (segments.get(i)) {
                case Segment.Literal(String literal) -> {
                    if (!literal.equals(path.segments().get(i))) {
                        return Optional.empty();
                    }
                }
                case Segment.Value(String name) ->
                    values.put(name, path.segments().get(i));
                case Segment.Rest(String name) -> {
                    values.put(
                            name,
                            String.join(
                                    "/",
                                    path.segments().subList(i, path.segments().size())));
                    return Optional.of(values);
                }
            }
        }
        return path.segments().size() == segments.size() ? Optional.of(values) : Optional.empty();
    }

    /** Whether every path of the other shape is of this one, too. */
    boolean covers(PathTemplate other) {
        if (other.endsWithSlash != endsWithSlash) {
            return false;
        }
        for (int i = 0; i < segments.size(); i++) {
            if (i >= other.segments.size()) {
                return false;
            }
            Segment theirs = other.segments.get(i);
            switch (segments.get(i)) {
                case Segment.Rest _ -> {
                    return true;
                }
                case Segment.Value _ -> {
                    if (theirs instanceof Segment.Rest) {
                        return false;
                    }
                }
                case Segment.Literal literal -> {
                    if (!literal.equals(theirs)) {
                        return false;
                    }
                }
            }
        }
        return other.segments.size() == segments.size();
    }

    private static MalformedException malformed(String text) {
        return new MalformedException(text, EXPECTED);
    }

    /** A part of a template. */
    sealed interface Segment {

        /** The literal, or the name of the value. */
        String text();

        record Literal(String text) implements Segment {}

        /** One segment, whatever it is. */
        record Value(String text) implements Segment {}

        /** All segments that are left, joined by slashes. */
        record Rest(String text) implements Segment {}
    }
}
