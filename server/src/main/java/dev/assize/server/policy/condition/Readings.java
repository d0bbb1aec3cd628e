package dev.assize.server.policy.condition;

import static java.util.Objects.requireNonNull;

import dev.assize.server.model.AttributeValue;
import dev.assize.server.policy.condition.Condition.Verdict.Broken;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Attributes as conditions see them: as text, {@code Long}, {@code Double}, {@code Boolean}, {@link Instant}, and lists
 * and maps of them; or, where they cannot be read, a {@link Broken} that says why.
 *
 * <p>What is not a number is refused here, and zero has no sign: the order that the language gives to them differs
 * between its operators, and a comparison with NaN must not allow anything.
 */
final class Readings {

    private int size;

    private Readings() {}

    /**
     * Reads an attribute.
     *
     * @param place one of {@link Names#ATTRIBUTES}
     * @param declared null where nothing is declared
     * @param value null where it is missing
     */
    static Object read(String place, String name, @Nullable AttributeType declared, @Nullable AttributeValue value) {
        if (value == null) {
            return new Broken("`" + place + "." + name + "` is missing");
        }
        Object read = new Readings().read(declared, value);
        return read instanceof Broken broken ? new Broken("`" + place + "." + name + "` is " + broken.message()) : read;
    }

    /** What the language calls the type of something that was read. */
    static String typeName(Object value) {
        return switch (value) {
            case String text -> "string";
            case Long whole -> "int";
            case Double fraction -> "double";
            case Boolean truth -> "bool";
            case Instant time -> "timestamp";
            case List<?> list -> "list";
            case Map<?, ?> map -> "map";
            default -> value.getClass().getSimpleName();
        };
    }

    private Object read(@Nullable AttributeType declared, AttributeValue value) {
        size++;
        return switch (value) {
            case AttributeValue.Text(String text) ->
                admits(declared, AttributeType.Form.STRING) ? sized(text) : other("string", declared);
            case AttributeValue.Whole(long whole) -> readWhole(declared, whole);
            case AttributeValue.Fraction(double fraction) ->
                admits(declared, AttributeType.Form.DOUBLE) ? number(fraction) : other("double", declared);
            case AttributeValue.Truth(boolean truth) ->
                admits(declared, AttributeType.Form.BOOL) ? truth : other("bool", declared);
            case AttributeValue.Time(Instant time) ->
                admits(declared, AttributeType.Form.TIMESTAMP) ? time : other("timestamp", declared);
            case AttributeValue.Many many ->
                admits(declared, AttributeType.Form.LIST) ? readAll(declared, many) : other("list", declared);
            case AttributeValue.Fields fields ->
                admits(declared, AttributeType.Form.MAP) ? readAll(declared, fields) : other("map", declared);
        };
    }

    private static Object readWhole(@Nullable AttributeType declared, long whole) {
        if (declared != null && declared.form() == AttributeType.Form.DOUBLE) {
            return (double) whole;
        }
        return admits(declared, AttributeType.Form.INT) ? (Object) whole : other("int", declared);
    }

    private Object readAll(@Nullable AttributeType declared, AttributeValue.Many many) {
        List<Object> read = new ArrayList<>(many.values().size());
        for (AttributeValue value : many.values()) {
            Object element = read(declared == null ? null : declared.element(), value);
            if (element instanceof Broken) {
                return element;
            }
            read.add(element);
        }
        return bounded(read);
    }

    private Object readAll(@Nullable AttributeType declared, AttributeValue.Fields fields) {
        Map<String, Object> read =
                LinkedHashMap.newLinkedHashMap(fields.values().size());
        for (Map.Entry<String, AttributeValue> field : fields.values().entrySet()) {
            size += field.getKey().length();
            Object element = read(declared == null ? null : declared.element(), field.getValue());
            if (element instanceof Broken) {
                return element;
            }
            read.put(field.getKey(), element);
        }
        return bounded(read);
    }

    private Object sized(String text) {
        size += text.length();
        return bounded(text);
    }

    private Object bounded(Object read) {
        return size <= ConditionLimits.VALUE_SIZE
                ? read
                : new Broken("larger than the " + ConditionLimits.VALUE_SIZE + " that a condition reads");
    }

    private static Object number(double fraction) {
        if (Double.isNaN(fraction)) {
            return new Broken("not a number");
        }
        return fraction == 0 ? 0.0 : fraction;
    }

    private static boolean admits(@Nullable AttributeType declared, AttributeType.Form form) {
        return declared == null || declared.form() == form;
    }

    private static Broken other(String found, @Nullable AttributeType declared) {
        return new Broken(found + ", and declared `" + requireNonNull(declared) + "`");
    }
}
