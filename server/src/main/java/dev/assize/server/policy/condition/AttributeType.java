package dev.assize.server.policy.condition;

import dev.assize.server.model.MalformedException;
import java.util.Arrays;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The type that a document declares for an attribute: `string`, `int`, `double`, `bool`, `timestamp`, or `list(…)` and
 * `map(…)` of them, a map's keys being strings.
 *
 * @param element of a list or map; null for a scalar
 */
public record AttributeType(Form form, @Nullable AttributeType element) {

    public static final String EXPECTED =
            "a type: `string`, `int`, `double`, `bool`, `timestamp`, or `list(…)` or `map(…)` of one";

    /** What kind of value. */
    public enum Form {
        STRING,
        INT,
        DOUBLE,
        BOOL,
        TIMESTAMP,
        LIST,
        MAP;

        private String text() {
            return name().toLowerCase(java.util.Locale.ROOT);
        }
    }

    public AttributeType {
        if ((form == Form.LIST || form == Form.MAP) != (element != null)) {
            throw new IllegalArgumentException("Lists and maps have elements, and nothing else has");
        }
    }

    /** Reads what {@link #toString} writes, and throws {@link MalformedException} on anything else. */
    public static AttributeType parse(String text) {
        return parse(text, 0).orElseThrow(() -> new MalformedException(text, EXPECTED));
    }

    private static Optional<AttributeType> parse(String text, int depth) {
        for (Form container : new Form[] {Form.LIST, Form.MAP}) {
            String opening = container.text() + "(";
            if (text.startsWith(opening)
                    && text.endsWith(")")
                    && depth < dev.assize.server.model.Limits.ATTRIBUTE_DEPTH) {
                return parse(text.substring(opening.length(), text.length() - 1), depth + 1)
                        .map(element -> new AttributeType(container, element));
            }
        }
        return Arrays.stream(Form.values())
                .filter(form ->
                        form != Form.LIST && form != Form.MAP && form.text().equals(text))
                .findFirst()
                .map(form -> new AttributeType(form, null));
    }

    @Override
    public String toString() {
        return element == null ? form.text() : form.text() + "(" + element + ")";
    }
}
