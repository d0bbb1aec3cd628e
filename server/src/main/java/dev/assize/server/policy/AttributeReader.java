package dev.assize.server.policy;

import dev.assize.server.model.AttributeValue;
import dev.assize.server.model.Limits;
import dev.assize.server.policy.YamlNode.Mapping;
import dev.assize.server.policy.YamlNode.Refused;
import dev.assize.server.policy.YamlNode.Scalar;
import dev.assize.server.policy.YamlNode.Sequence;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Reads attributes from YAML: scalars as the core schema takes them, lists and maps of them within the bounds of the
 * contract. A moment is a string: what its attribute is declared as makes it one.
 */
public final class AttributeReader {

    private static final String EXPECTED = "a string, a number, `true`, `false`, or a list or map of them";
    private static final BigInteger LEAST = BigInteger.valueOf(Long.MIN_VALUE);
    private static final BigInteger GREATEST = BigInteger.valueOf(Long.MAX_VALUE);

    private static final int MAX_DIGITS = 100;

    private final Problems problems;

    public AttributeReader(Problems problems) {
        this.problems = problems;
    }

    /** The attributes at a field, by name. */
    public SortedMap<String, AttributeValue> read(String field, YamlNode node) {
        Optional<Fields> entries = Fields.ofAnyKeys(problems, field, node, "a mapping from names to values");
        if (entries.isEmpty() || !entries.get().isBounded(field, Limits.ATTRIBUTES)) {
            return Collections.emptySortedMap();
        }
        SortedMap<String, AttributeValue> read = new TreeMap<>();
        entries.get()
                .forEach(
                        Forms::attributeName,
                        (name, at, value) -> value(at, value, Limits.ATTRIBUTE_DEPTH)
                                .filter(attribute -> isSmall(at, value, attribute))
                                .ifPresent(attribute -> read.put(name, attribute)));
        return Collections.unmodifiableSortedMap(read);
    }

    private boolean isSmall(String field, YamlNode node, AttributeValue value) {
        int size = AttributeText.utf8Length(value);
        if (size > Limits.ATTRIBUTE_BYTES) {
            problems.add(node.place(), field, size + " bytes", "at most " + Limits.ATTRIBUTE_BYTES + " bytes");
        }
        return size <= Limits.ATTRIBUTE_BYTES;
    }

    private Optional<AttributeValue> value(String field, YamlNode node, int left) {
        return switch (node) {
            case Scalar scalar -> scalar(field, scalar);
            case Sequence list -> isShallow(field, node, left) ? many(field, list, left - 1) : Optional.empty();
            case Mapping map -> isShallow(field, node, left) ? fields(field, map, left - 1) : Optional.empty();
            case Refused _ -> Optional.empty();
        };
    }

    private boolean isShallow(String field, YamlNode node, int left) {
        if (left == 0) {
            problems.add(node.place(), field, "deeper", "lists and maps at most " + Limits.ATTRIBUTE_DEPTH + " deep");
        }
        return left > 0;
    }

    private Optional<AttributeValue> many(String field, Sequence list, int left) {
        List<AttributeValue> values = new ArrayList<>();
        for (int i = 0; i < list.items().size(); i++) {
            value(field + "[" + i + "]", list.items().get(i), left).ifPresent(values::add);
        }
        return Optional.of(new AttributeValue.Many(values));
    }

    private Optional<AttributeValue> fields(String field, Mapping map, int left) {
        SortedMap<String, AttributeValue> values = new TreeMap<>();
        Fields.ofAnyKeys(problems, field, map, EXPECTED)
                .ifPresent(entries -> entries.forEach(
                        Forms::attributeName,
                        (name, at, value) -> value(at, value, left).ifPresent(read -> values.put(name, read))));
        return Optional.of(new AttributeValue.Fields(values));
    }

    private Optional<AttributeValue> scalar(String field, Scalar scalar) {
        Optional<AttributeValue> value = switch (scalar.type()) {
            case STRING -> text(scalar.text()).map(AttributeValue.Text::new);
            case BOOLEAN -> Optional.of(new AttributeValue.Truth(truth(scalar.text())));
            case WHOLE -> whole(scalar.text()).map(AttributeValue.Whole::new);
            case FRACTION -> fraction(scalar.text()).map(AttributeValue.Fraction::new);
            case NULL -> Optional.empty();
        };
        if (value.isEmpty()) {
            Fields.refuse(problems, field, scalar, expectedOf(scalar));
        }
        return value;
    }

    private static String expectedOf(Scalar scalar) {
        return switch (scalar.type()) {
            case WHOLE -> "a whole number of 64 bits";
            case FRACTION -> "a finite number";
            case STRING -> "a text without lone surrogates";
            case BOOLEAN, NULL -> EXPECTED;
        };
    }

    private static Optional<String> text(String text) {
        boolean whole = text.codePoints().noneMatch(c -> Character.getType(c) == Character.SURROGATE);
        return whole ? Optional.of(text) : Optional.empty();
    }

    static boolean truth(String text) {
        return text.toLowerCase(Locale.ROOT).equals("true");
    }

    /** Decimal, `0o…` or `0x…`, as far as 64 bits reach. */
    static Optional<Long> whole(String text) {
        // Digits beyond any 64 bits are not worth the square of their number in time.
        if (text.length() > MAX_DIGITS) {
            return Optional.empty();
        }
        BigInteger value = switch (text.length() < 2 ? "" : text.substring(0, 2)) {
            case "0o" -> new BigInteger(text.substring(2), 8);
            case "0x" -> new BigInteger(text.substring(2), 16);
            default -> new BigInteger(text);
        };
        return value.compareTo(LEAST) < 0 || value.compareTo(GREATEST) > 0
                ? Optional.empty()
                : Optional.of(value.longValueExact());
    }

    private static Optional<Double> fraction(String text) {
        if (text.endsWith("inf") || text.endsWith("Inf") || text.endsWith("INF") || text.startsWith(".n")) {
            return Optional.empty();
        }
        try {
            return Optional.of(Double.parseDouble(text)).filter(value -> !value.isInfinite() && !value.isNaN());
        } catch (NumberFormatException e) {
            return Optional.empty();
        }
    }
}
