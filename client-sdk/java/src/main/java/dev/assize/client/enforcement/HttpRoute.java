package dev.assize.client.enforcement;

import dev.assize.client.Question;
import java.net.URLDecoder;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
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
 * A method and a path with places, as {@code GET /docs/{id}}: a place takes one segment of a path, and one id. The last may
 * take all that is left, as {@code GET /files/{path...}}.
 */
final class HttpRoute {

    private static final Pattern FORM = Pattern.compile("([A-Z]+) (/\\S*)");
    private static final Pattern PLACE = Pattern.compile("\\{([A-Za-z][A-Za-z0-9]*)}");
    private static final Pattern REST = Pattern.compile("\\{([A-Za-z][A-Za-z0-9]*)\\.\\.\\.}");

    /** Segments that who reads a path may take for directories, or for two, or read to a part only. */
    private static final Pattern MISREAD = Pattern.compile("\\.{1,2}|(?s).*[/\\\\;\\p{Cc}].*");

    private final String method;
    private final List<String> segments;
    private final Optional<String> rest;

    private HttpRoute(String method, List<String> segments, Optional<String> rest) {
        this.method = method;
        this.segments = segments;
        this.rest = rest;
    }

    /**
     * Reads a route.
     *
     * @throws IllegalArgumentException where it is none
     */
    static HttpRoute parse(String text) {
        Matcher matcher = FORM.matcher(text);
        if (!matcher.matches()) {
            throw new IllegalArgumentException(
                    "Route `" + text + "`: expected a method and a path, as `GET /docs/{id}`");
        }
        List<String> segments = List.of(matcher.group(2).substring(1).split("/", -1));
        Matcher last = REST.matcher(segments.getLast());
        Optional<String> rest = last.matches() ? Optional.of(last.group(1)) : Optional.empty();
        List<String> others = segments.subList(0, segments.size() - (rest.isPresent() ? 1 : 0));
        for (String segment : others) {
            if (segment.contains("{") && !PLACE.matcher(segment).matches()) {
                throw new IllegalArgumentException("Route `" + text + "`: `" + segment + "` is no place");
            }
        }
        return new HttpRoute(matcher.group(1), others, rest);
    }

    /** The names of its places. */
    Set<String> places() {
        Set<String> places = new HashSet<>();
        segments.forEach(it -> placeIn(it).ifPresent(places::add));
        rest.ifPresent(places::add);
        return places;
    }

    private static Optional<String> placeIn(String segment) {
        Matcher place = PLACE.matcher(segment);
        return place.matches() ? Optional.of(place.group(1)) : Optional.empty();
    }

    /** What stands in the places; empty where the route is not meant. GET covers HEAD, too. */
    Optional<Map<String, String>> match(String asked, List<String> path) {
        boolean covers = method.equals(asked) || (method.equals("GET") && asked.equals("HEAD"));
        boolean isAsLong = rest.isPresent() ? path.size() > segments.size() : path.size() == segments.size();
        if (!covers || !isAsLong) {
            return Optional.empty();
        }
        Map<String, String> values = new HashMap<>();
        rest.ifPresent(it -> values.put(it, String.join("/", path.subList(segments.size(), path.size()))));
        for (int i = 0; i < segments.size(); i++) {
            Optional<String> place = placeIn(segments.get(i));
            if (place.isPresent() && !path.get(i).isEmpty()) {
                values.put(place.get(), path.get(i));
            } else if (place.isPresent() || !segments.get(i).equals(path.get(i))) {
                return Optional.empty();
            }
        }
        return Optional.of(values);
    }

    /**
     * The segments of a path as it was sent, decoded; empty where handlers may read another path than this: where it has
     * empty segments, dots, encoded slashes, backslashes, semicolons or control characters, or is no UTF-8.
     */
    static Optional<List<String>> segments(String rawPath) {
        if (!rawPath.startsWith("/")) {
            return Optional.empty();
        }
        List<String> segments = new ArrayList<>();
        String[] raw = rawPath.substring(1).split("/", -1);
        for (int i = 0; i < raw.length; i++) {
            Optional<String> segment = decoded(raw[i]);
            boolean isEmptyWithin = raw[i].isEmpty() && i < raw.length - 1;
            if (segment.isEmpty()
                    || isEmptyWithin
                    || MISREAD.matcher(segment.get()).matches()) {
                return Optional.empty();
            }
            segments.add(segment.get());
        }
        return Optional.of(segments);
    }

    private static Optional<String> decoded(String segment) {
        try {
            byte[] bytes = URLDecoder.decode(segment.replace("+", "%2B"), StandardCharsets.ISO_8859_1)
                    .getBytes(StandardCharsets.ISO_8859_1);
            return Optional.of(StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes))
                    .toString());
        } catch (IllegalArgumentException | CharacterCodingException malformed) {
            return Optional.empty();
        }
    }

    /** A resource with its places filled, each by one id. */
    static String filled(String resource, Map<String, String> values) {
        return PLACE.matcher(resource)
                .replaceAll(
                        place -> Matcher.quoteReplacement(Question.pathId(values.getOrDefault(place.group(1), ""))));
    }

    /** The places that a resource needs. */
    static Set<String> placesOf(String resource) {
        return Set.copyOf(
                PLACE.matcher(resource).results().map(it -> it.group(1)).toList());
    }
}
