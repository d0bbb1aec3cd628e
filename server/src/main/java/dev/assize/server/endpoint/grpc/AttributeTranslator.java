package dev.assize.server.endpoint.grpc;

import dev.assize.proto.v1.CheckRequest;
import dev.assize.server.endpoint.call.Fields;
import dev.assize.server.endpoint.call.RefusedException;
import dev.assize.server.model.AttributeValue;
import dev.assize.server.model.Limits;
import dev.assize.server.model.Names;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/** Reads attributes from the wire, and holds them to their limits. */
final class AttributeTranslator {

    private AttributeTranslator() {}

    /** The bound on attributes of subject, resource and context together. */
    static void requireCount(String prefix, CheckRequest request) {
        int count =
                request.getSubjectAttributesCount() + request.getResourceAttributesCount() + request.getContextCount();
        if (count > Limits.ATTRIBUTES) {
            throw RefusedException.invalid(
                    prefix + "context",
                    count + " attributes",
                    "at most " + Limits.ATTRIBUTES + " attributes of subject, resource and context together");
        }
    }

    static Map<String, AttributeValue> read(String field, Map<String, dev.assize.proto.v1.AttributeValue> attributes) {
        if (attributes.isEmpty()) {
            return Map.of();
        }
        Map<String, AttributeValue> values = new HashMap<>();
        attributes.forEach((name, value) -> {
            if (name.isEmpty() || Names.utf8Length(name) > Limits.ID_BYTES || !Names.isClean(name)) {
                throw RefusedException.invalid(
                        field, name, "names of 1 to " + Limits.ID_BYTES + " bytes without control characters");
            }
            values.put(name, bounded(field + "[" + name + "]", value));
        });
        return values;
    }

    private static AttributeValue bounded(String field, dev.assize.proto.v1.AttributeValue value) {
        int size = size(value);
        if (size > Limits.ATTRIBUTE_BYTES) {
            throw RefusedException.invalid(field, size + " bytes", "at most " + Limits.ATTRIBUTE_BYTES + " bytes");
        }
        return value(field, value, Limits.ATTRIBUTE_DEPTH);
    }

    /** Of a text its own bytes, of anything else those it is encoded in. */
    private static int size(dev.assize.proto.v1.AttributeValue value) {
        int encoded = value.getSerializedSize();
        return encoded > Limits.ATTRIBUTE_BYTES && value.hasStringValue()
                ? Names.utf8Length(value.getStringValue())
                : encoded;
    }

    /** @param left how many lists and maps may still lie in one another */
    private static AttributeValue value(String field, dev.assize.proto.v1.AttributeValue value, int left) {
        return switch (value.getKindCase()) {
            case STRING_VALUE -> new AttributeValue.Text(value.getStringValue());
            case INT_VALUE -> new AttributeValue.Whole(value.getIntValue());
            case DOUBLE_VALUE -> new AttributeValue.Fraction(finite(field, value.getDoubleValue()));
            case BOOL_VALUE -> new AttributeValue.Truth(value.getBoolValue());
            case TIMESTAMP_VALUE -> new AttributeValue.Time(Fields.instant(field, value.getTimestampValue()));
            case LIST_VALUE -> many(field, value.getListValue().getValuesList(), deeper(field, left));
            case MAP_VALUE -> fields(field, value.getMapValue().getValuesMap(), deeper(field, left));
            case KIND_NOT_SET -> throw RefusedException.invalid(field, "", "a value");
        };
    }

    private static AttributeValue many(String field, List<dev.assize.proto.v1.AttributeValue> values, int left) {
        List<AttributeValue> read = new ArrayList<>(values.size());
        values.forEach(value -> read.add(value(field, value, left)));
        return new AttributeValue.Many(read);
    }

    private static AttributeValue fields(
            String field, Map<String, dev.assize.proto.v1.AttributeValue> values, int left) {
        SortedMap<String, AttributeValue> read = new TreeMap<>();
        values.forEach((name, value) -> read.put(name, value(field, value, left)));
        return new AttributeValue.Fields(read);
    }

    /** NaN compares with nothing: a rule that says `not above 5` would take it for small. */
    private static double finite(String field, double number) {
        if (!Double.isFinite(number)) {
            throw RefusedException.invalid(field, Double.toString(number), "a finite number");
        }
        return number;
    }

    private static int deeper(String field, int left) {
        if (left == 0) {
            throw RefusedException.invalid(
                    field, "deeper", "lists and maps at most " + Limits.ATTRIBUTE_DEPTH + " deep");
        }
        return left - 1;
    }
}
