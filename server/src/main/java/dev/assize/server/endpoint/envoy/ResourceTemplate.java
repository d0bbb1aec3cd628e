package dev.assize.server.endpoint.envoy;

import dev.assize.server.model.MalformedException;
import dev.assize.server.model.ResourcePath;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A resource path with values of the request in its ids, at most one in each: of two that stand side by side nobody could
 * tell where one ends, and two requests could come to the same resource. What a request brings is escaped, so that it never
 * begins a segment of its own.
 *
 * @param names of the values
 */
record ResourceTemplate(String text, Set<String> names) {

    private static final String EXPECTED =
            "a resource path such as `shop:main/order:{order}`, with at most one value in each id and none in types";
    private static final Pattern VALUE = Pattern.compile("\\{([A-Za-z0-9_]+)}");

    ResourceTemplate {
        names = Set.copyOf(names);
    }

    /** Reads a template. */
    static ResourceTemplate parse(String text) {
        Set<String> names = new HashSet<>();
        for (String segment : text.split("/", -1)) {
            Matcher value = VALUE.matcher(segment);
            if (value.find()) {
                int colon = segment.indexOf(':');
                if (colon < 0 || value.start() < colon) {
                    throw new MalformedException(text, EXPECTED);
                }
                names.add(value.group(1));
                if (value.find()) {
                    throw new MalformedException(text, EXPECTED);
                }
            }
        }
        String filled = VALUE.matcher(text).replaceAll("x");
        if (filled.indexOf('{') >= 0 || filled.indexOf('}') >= 0) {
            throw new MalformedException(text, EXPECTED);
        }
        ResourcePath.parse(filled);
        return new ResourceTemplate(text, names);
    }

    /** The resource of these values, of which there is one for each name. */
    ResourcePath fill(Map<String, String> values) {
        Matcher value = VALUE.matcher(text);
        StringBuilder filled = new StringBuilder();
        while (value.find()) {
            value.appendReplacement(filled, Matcher.quoteReplacement(escaped(values.getOrDefault(value.group(1), ""))));
        }
        return ResourcePath.parse(value.appendTail(filled).toString());
    }

    private static String escaped(String id) {
        return id.replace("%", "%25").replace("/", "%2F");
    }
}
