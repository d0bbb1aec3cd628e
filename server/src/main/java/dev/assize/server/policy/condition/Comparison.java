package dev.assize.server.policy.condition;

import java.time.Instant;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * How the interpreter compares values that {@link Readings} gave. Numbers of different types meet as doubles, with the
 * ends of the range of an int kept apart; what is of different types is unequal, and has no order.
 */
final class Comparison {

    private Comparison() {}

    static boolean equal(Object one, Object other) {
        return switch (one) {
            case Number number -> other instanceof Number comparand && equalNumbers(number, comparand);
            case List<?> list -> other instanceof List<?> comparand && equalLists(list, comparand);
            case Map<?, ?> map -> other instanceof Map<?, ?> comparand && equalMaps(map, comparand);
            default -> Objects.equals(one, other);
        };
    }

    /** Less than, equal to or greater than zero; null where the two have no order. */
    static @Nullable Integer order(Object one, Object other) {
        return switch (one) {
            case String text when other instanceof String comparand -> text.compareTo(comparand);
            case Boolean truth when other instanceof Boolean comparand -> truth.compareTo(comparand);
            case Instant time when other instanceof Instant comparand -> time.compareTo(comparand);
            case Long whole when other instanceof Long comparand -> whole.compareTo(comparand);
            case Double fraction when other instanceof Double comparand -> orderFractions(fraction, comparand);
            case Double fraction when other instanceof Long comparand -> orderMixed(fraction, comparand);
            case Long whole when other instanceof Double comparand -> -orderMixed(comparand, whole);
            default -> null;
        };
    }

    /** Whether a list has an element: one that is equal as Java has it, or a number that is equal as the language has it. */
    static boolean contains(List<?> list, Object element) {
        return list.contains(element)
                || (element instanceof Number && list.stream().anyMatch(value -> equal(value, element)));
    }

    private static boolean equalNumbers(Number one, Number other) {
        if (one instanceof Double fraction && other instanceof Double comparand) {
            return fraction.doubleValue() == comparand.doubleValue();
        }
        Integer order = order(one, other);
        return order != null && order == 0;
    }

    private static int orderFractions(double one, double other) {
        return one < other ? -1 : one > other ? 1 : 0;
    }

    private static int orderMixed(double fraction, long whole) {
        if (fraction < (double) Long.MIN_VALUE) {
            return -1;
        }
        if (fraction > (double) Long.MAX_VALUE) {
            return 1;
        }
        return Double.compare(fraction, (double) whole);
    }

    private static boolean equalLists(List<?> one, List<?> other) {
        if (one.size() != other.size()) {
            return false;
        }
        Iterator<?> comparands = other.iterator();
        return one.stream().allMatch(element -> equal(element, comparands.next()));
    }

    private static boolean equalMaps(Map<?, ?> one, Map<?, ?> other) {
        return one.size() == other.size()
                && one.entrySet().stream().allMatch(entry -> {
                    Object comparand = other.get(entry.getKey());
                    return comparand != null && equal(entry.getValue(), comparand);
                });
    }
}
