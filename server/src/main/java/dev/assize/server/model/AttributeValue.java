package dev.assize.server.model;

import java.time.Instant;
import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/** What an attribute of a subject, a resource or a request's surroundings is: a scalar, or lists and maps of them. */
public sealed interface AttributeValue {

    /** A text. */
    record Text(String value) implements AttributeValue {}

    /** A whole number. */
    record Whole(long value) implements AttributeValue {}

    /** A number with a fraction. */
    record Fraction(double value) implements AttributeValue {}

    /** Yes or no. */
    record Truth(boolean value) implements AttributeValue {}

    /** A moment. */
    record Time(Instant value) implements AttributeValue {}

    /** Values in their order. */
    record Many(List<AttributeValue> values) implements AttributeValue {
        public Many {
            values = List.copyOf(values);
        }
    }

    /** Values by name. */
    record Fields(SortedMap<String, AttributeValue> values) implements AttributeValue {
        public Fields {
            values = Collections.unmodifiableSortedMap(new TreeMap<>(values));
        }
    }
}
