package dev.assize.server.decision;

import dev.assize.server.model.AttributeValue;
import dev.assize.server.model.AttributeValue.Fields;
import dev.assize.server.model.AttributeValue.Fraction;
import dev.assize.server.model.AttributeValue.Many;
import dev.assize.server.model.AttributeValue.Text;
import dev.assize.server.model.AttributeValue.Time;
import dev.assize.server.model.AttributeValue.Truth;
import dev.assize.server.model.AttributeValue.Whole;
import java.math.BigDecimal;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.SortedMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * As much of CEL as the random worlds and the published vectors speak, walked as a tree. An error is an empty value:
 * `&&` and `||` have a value wherever one side decides, whichever side that is, and all else that meets an error is one.
 */
sealed interface ReferenceCondition {

    Truth TRUE = new Truth(true);
    Truth FALSE = new Truth(false);

    /** Empty is an error. */
    Optional<AttributeValue> value(Fields variables);

    /** As CEL writes it. */
    @Override
    String toString();

    /** Whether there is a condition, and it may be otherwise a moment later. */
    static boolean readsTheMoment(@Nullable String when) {
        return when != null && parse(when).readsNowOrAttributes();
    }

    /** Whether it looks at the clock, at attributes or at the context. */
    default boolean readsNowOrAttributes() {
        return switch (this) {
            case Literal it -> false;
            case Variable(List<String> path) ->
                path.getFirst().equals("now")
                        || path.getFirst().equals("context")
                        || (path.size() > 1 && path.get(1).equals("attr"));
            case Has(Variable variable) -> variable.readsNowOrAttributes();
            case Not(ReferenceCondition inner) -> inner.readsNowOrAttributes();
            case And(ReferenceCondition left, ReferenceCondition right) ->
                left.readsNowOrAttributes() || right.readsNowOrAttributes();
            case Or(ReferenceCondition left, ReferenceCondition right) ->
                left.readsNowOrAttributes() || right.readsNowOrAttributes();
            case Relation(ReferenceCondition left, String operator, ReferenceCondition right) ->
                left.readsNowOrAttributes() || right.readsNowOrAttributes();
        };
    }

    /** A constant: a scalar, or a list of scalars. */
    record Literal(AttributeValue constant) implements ReferenceCondition {
        @Override
        public Optional<AttributeValue> value(Fields variables) {
            return Optional.of(constant);
        }

        @Override
        public String toString() {
            return text(constant);
        }

        private static String text(AttributeValue constant) {
            return switch (constant) {
                case Text(String value) -> "'" + value + "'";
                case Whole(long value) -> Long.toString(value);
                case Fraction(double value) -> Double.toString(value);
                case Truth(boolean value) -> Boolean.toString(value);
                case Time(Instant value) -> "timestamp('" + value + "')";
                case Many(List<AttributeValue> values) ->
                    values.stream().map(Literal::text).collect(Collectors.joining(", ", "[", "]"));
                case Fields it -> throw new IllegalArgumentException("no literal: " + it);
            };
        }
    }

    /** `subject.attr.level`, `now`. What is missing on the way is an error. */
    record Variable(List<String> path) implements ReferenceCondition {
        static Variable of(String text) {
            return new Variable(List.of(text.split("\\.")));
        }

        @Override
        public Optional<AttributeValue> value(Fields variables) {
            Optional<AttributeValue> found = Optional.of(variables);
            for (String name : path) {
                found = found.flatMap(value -> value instanceof Fields(SortedMap<String, AttributeValue> fields)
                        ? Optional.ofNullable(fields.get(name))
                        : Optional.empty());
            }
            return found;
        }

        @Override
        public String toString() {
            return String.join(".", path);
        }
    }

    /** Whether the last name is there; an error where those before it are not. */
    record Has(Variable variable) implements ReferenceCondition {
        @Override
        public Optional<AttributeValue> value(Fields variables) {
            List<String> path = variable.path();
            return new Variable(path.subList(0, path.size() - 1))
                    .value(variables)
                    .flatMap(holder -> holder instanceof Fields(SortedMap<String, AttributeValue> fields)
                            ? Optional.of(new Truth(fields.containsKey(path.getLast())))
                            : Optional.empty());
        }

        @Override
        public String toString() {
            return "has(" + variable + ")";
        }
    }

    /** An error of what is no truth value. */
    record Not(ReferenceCondition inner) implements ReferenceCondition {
        @Override
        public Optional<AttributeValue> value(Fields variables) {
            return inner.value(variables)
                    .flatMap(value ->
                            value instanceof Truth(boolean truth) ? Optional.of(new Truth(!truth)) : Optional.empty());
        }

        @Override
        public String toString() {
            return "!(" + inner + ")";
        }
    }

    /** False where one side is, else an error where one side is, else true. */
    record And(ReferenceCondition left, ReferenceCondition right) implements ReferenceCondition {
        @Override
        public Optional<AttributeValue> value(Fields variables) {
            return decided(left.value(variables), right.value(variables), FALSE, TRUE);
        }

        @Override
        public String toString() {
            return "(" + left + " && " + right + ")";
        }
    }

    /** True where one side is, else an error where one side is, else false. */
    record Or(ReferenceCondition left, ReferenceCondition right) implements ReferenceCondition {
        @Override
        public Optional<AttributeValue> value(Fields variables) {
            return decided(left.value(variables), right.value(variables), TRUE, FALSE);
        }

        @Override
        public String toString() {
            return "(" + left + " || " + right + ")";
        }
    }

    private static Optional<AttributeValue> decided(
            Optional<AttributeValue> left, Optional<AttributeValue> right, Truth decisive, Truth otherwise) {
        Optional<AttributeValue> deciding = Optional.of(decisive);
        Optional<AttributeValue> other = Optional.of(otherwise);
        if (left.equals(deciding) || right.equals(deciding)) {
            return deciding;
        }
        return left.equals(other) && right.equals(other) ? other : Optional.empty();
    }

    /** `==`, `!=`, `<`, `<=`, `>`, `>=` and `in`. */
    record Relation(ReferenceCondition left, String operator, ReferenceCondition right) implements ReferenceCondition {
        @Override
        public Optional<AttributeValue> value(Fields variables) {
            Optional<AttributeValue> first = left.value(variables);
            Optional<AttributeValue> second = right.value(variables);
            if (first.isEmpty() || second.isEmpty()) {
                return Optional.empty();
            }
            return holds(first.get(), second.get()).map(Truth::new);
        }

        private Optional<Boolean> holds(AttributeValue first, AttributeValue second) {
            return switch (operator) {
                case "==" -> Optional.of(isEqual(first, second));
                case "!=" -> Optional.of(!isEqual(first, second));
                case "<" -> order(first, second).map(order -> order < 0);
                case "<=" -> order(first, second).map(order -> order <= 0);
                case ">" -> order(first, second).map(order -> order > 0);
                case ">=" -> order(first, second).map(order -> order >= 0);
                case "in" ->
                    switch (second) {
                        case Many(List<AttributeValue> values) ->
                            Optional.of(values.stream().anyMatch(value -> isEqual(first, value)));
                        case Fields(SortedMap<String, AttributeValue> values)
                        when first instanceof Text(String key) -> Optional.of(values.containsKey(key));
                        default -> Optional.empty();
                    };
                default -> throw new IllegalArgumentException(operator);
            };
        }

        /** Numbers are equal as numbers; values of different types are not equal. */
        private static boolean isEqual(AttributeValue first, AttributeValue second) {
            if (first instanceof Many(List<AttributeValue> some)
                    && second instanceof Many(List<AttributeValue> others)) {
                return some.size() == others.size()
                        && Stream.iterate(0, i -> i < some.size(), i -> i + 1)
                                .allMatch(i -> isEqual(some.get(i), others.get(i)));
            }
            return (isNumber(first) && isNumber(second))
                    ? order(first, second).equals(Optional.of(0))
                    : Objects.equals(first, second);
        }

        /** Only what is of one type, or a number, has an order. */
        private static Optional<Integer> order(AttributeValue first, AttributeValue second) {
            if (isNumber(first) && isNumber(second)) {
                return Optional.of(number(first).compareTo(number(second)));
            }
            if (first instanceof Text(String one) && second instanceof Text(String other)) {
                return Optional.of(ReferencePolicy.BYTES.compare(one, other));
            }
            if (first instanceof Time(Instant one) && second instanceof Time(Instant other)) {
                return Optional.of(one.compareTo(other));
            }
            return first instanceof Truth(boolean one) && second instanceof Truth(boolean other)
                    ? Optional.of(Boolean.compare(one, other))
                    : Optional.empty();
        }

        private static boolean isNumber(AttributeValue value) {
            return value instanceof Whole || value instanceof Fraction;
        }

        private static BigDecimal number(AttributeValue value) {
            return value instanceof Whole(long whole)
                    ? BigDecimal.valueOf(whole)
                    : new BigDecimal(((Fraction) value).value());
        }

        @Override
        public String toString() {
            return left + " " + operator + " " + right;
        }
    }

    /** Reads what {@link #toString} writes, and what people write in its place. */
    static ReferenceCondition parse(String text) {
        return new ReferenceConditionParser(text).parse();
    }
}
