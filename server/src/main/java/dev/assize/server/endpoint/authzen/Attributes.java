package dev.assize.server.endpoint.authzen;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.assize.server.endpoint.call.RefusedException;
import dev.assize.server.model.AttributeValue;
import dev.assize.server.model.Limits;
import dev.assize.server.model.Names;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/** Reads attributes from JSON, and holds each to its limits. */
final class Attributes {

    private Attributes() {}

    static Map<String, AttributeValue> read(String field, ObjectNode attributes) {
        Map<String, AttributeValue> values = new HashMap<>();
        attributes.forEachEntry((name, value) -> {
            requireName(field, name);
            if (!value.isNull()) {
                values.put(name, bounded(field + "." + name, value));
            }
        });
        return values;
    }

    /** One object as an attribute. */
    static AttributeValue bounded(String field, JsonNode value) {
        int size = value.isTextual()
                ? Names.utf8Length(value.textValue())
                : value.toString().getBytes(StandardCharsets.UTF_8).length;
        if (size > Limits.ATTRIBUTE_BYTES) {
            throw RefusedException.invalid(field, size + " bytes", "at most " + Limits.ATTRIBUTE_BYTES + " bytes");
        }
        return value(field, value, Limits.ATTRIBUTE_DEPTH);
    }

    private static void requireName(String field, String name) {
        if (name.isEmpty() || Names.utf8Length(name) > Limits.ID_BYTES || !Names.isClean(name)) {
            throw RefusedException.invalid(
                    field, name, "names of 1 to " + Limits.ID_BYTES + " bytes without control characters");
        }
    }

    /** @param left how many lists and maps may still lie in one another */
    private static AttributeValue value(String field, JsonNode value, int left) {
        return switch (value.getNodeType()) {
            case STRING -> new AttributeValue.Text(value.textValue());
            case BOOLEAN -> new AttributeValue.Truth(value.booleanValue());
            case NUMBER -> number(field, value);
            case ARRAY -> many(field, value, deeper(field, left));
            case OBJECT -> fields(field, value, deeper(field, left));
            case NULL, MISSING, BINARY, POJO -> throw RefusedException.invalid(field, "null", "a value");
        };
    }

    /** What has neither a point nor an exponent is whole, and as exact as it was written. */
    private static AttributeValue number(String field, JsonNode number) {
        if (number.isIntegralNumber()) {
            if (!number.canConvertToLong()) {
                throw Members.wrong(field, number, "a whole number of 64 bits");
            }
            return new AttributeValue.Whole(number.longValue());
        }
        double value = number.doubleValue();
        if (!Double.isFinite(value)) {
            throw Members.wrong(field, number, "a number that a double holds");
        }
        return new AttributeValue.Fraction(value);
    }

    private static AttributeValue many(String field, JsonNode values, int left) {
        List<AttributeValue> read = new ArrayList<>(values.size());
        values.forEach(value -> read.add(value(field, value, left)));
        return new AttributeValue.Many(read);
    }

    private static AttributeValue fields(String field, JsonNode values, int left) {
        SortedMap<String, AttributeValue> read = new TreeMap<>();
        values.forEachEntry((name, value) -> {
            if (!value.isNull()) {
                read.put(name, value(field, value, left));
            }
        });
        return new AttributeValue.Fields(read);
    }

    private static int deeper(String field, int left) {
        if (left == 0) {
            throw RefusedException.invalid(
                    field, "deeper", "lists and maps at most " + Limits.ATTRIBUTE_DEPTH + " deep");
        }
        return left - 1;
    }
}
