package dev.assize.server.endpoint.envoy;

import com.google.protobuf.Value;
import com.google.protobuf.Value.KindCase;
import dev.assize.server.endpoint.call.RefusedException;
import dev.assize.server.model.AttributeValue;
import dev.assize.server.model.Limits;
import dev.assize.server.model.Names;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/** Reads claims as attributes, and holds each to its limits. Envoy hands numbers on as doubles: what has no fraction is whole. */
final class ClaimValues {

    /** Up to here a double holds every whole number. */
    private static final double LARGEST_WHOLE = 1L << 53;

    private ClaimValues() {}

    /** The value; empty where it is null, or not there. */
    static Optional<AttributeValue> read(String field, Value value) {
        int size = value.hasStringValue() ? Names.utf8Length(value.getStringValue()) : value.getSerializedSize();
        if (size > Limits.ATTRIBUTE_BYTES) {
            throw RefusedException.invalid(field, size + " bytes", "at most " + Limits.ATTRIBUTE_BYTES + " bytes");
        }
        return isNull(value) ? Optional.empty() : Optional.of(value(field, value, Limits.ATTRIBUTE_DEPTH));
    }

    private static boolean isNull(Value value) {
        return value.getKindCase() == KindCase.NULL_VALUE || value.getKindCase() == KindCase.KIND_NOT_SET;
    }

    /** @param left how many lists and maps may still lie in one another */
    private static AttributeValue value(String field, Value value, int left) {
        return switch (value.getKindCase()) {
            case STRING_VALUE -> new AttributeValue.Text(value.getStringValue());
            case BOOL_VALUE -> new AttributeValue.Truth(value.getBoolValue());
            case NUMBER_VALUE -> number(field, value.getNumberValue());
            case LIST_VALUE -> many(field, value.getListValue().getValuesList(), deeper(field, left));
            case STRUCT_VALUE -> fields(field, value.getStructValue().getFieldsMap(), deeper(field, left));
            case NULL_VALUE, KIND_NOT_SET -> throw RefusedException.invalid(field, "null", "a value");
        };
    }

    private static AttributeValue number(String field, double number) {
        if (!Double.isFinite(number)) {
            throw RefusedException.invalid(field, Double.toString(number), "a finite number");
        }
        return number == Math.rint(number) && Math.abs(number) <= LARGEST_WHOLE
                ? new AttributeValue.Whole((long) number)
                : new AttributeValue.Fraction(number);
    }

    private static AttributeValue many(String field, List<Value> values, int left) {
        List<AttributeValue> read = new ArrayList<>(values.size());
        values.forEach(value -> read.add(value(field, value, left)));
        return new AttributeValue.Many(read);
    }

    private static AttributeValue fields(String field, Map<String, Value> values, int left) {
        SortedMap<String, AttributeValue> read = new TreeMap<>();
        values.forEach((name, value) -> {
            if (!isNull(value)) {
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
