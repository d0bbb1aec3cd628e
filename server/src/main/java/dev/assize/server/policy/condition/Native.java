package dev.assize.server.policy.condition;

import dev.assize.server.policy.condition.Condition.Verdict;
import dev.assize.server.policy.condition.Condition.Verdict.Broken;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/** Simple predicates without the interpreter, and with its meaning to the letter; a property compares the two. */
sealed interface Native extends Predicate {

    private static Verdict verdict(boolean truth) {
        return truth ? Verdict.TRUE : Verdict.FALSE;
    }

    /** A value that is a bool itself. */
    record Truth(Operand operand) implements Native {
        @Override
        public Verdict test(ConditionInput input) {
            return switch (operand.read(input)) {
                case Boolean truth -> verdict(truth);
                case Broken broken -> broken;
                case Object other -> new Broken("a bool is needed, and it is " + Readings.typeName(other));
            };
        }
    }

    /** Neither side's error matters where the other side is false. */
    record And(Predicate left, Predicate right) implements Native {
        @Override
        public Verdict test(ConditionInput input) {
            Verdict first = left.test(input);
            if (first instanceof Verdict.Fails) {
                return first;
            }
            Verdict second = right.test(input);
            return second instanceof Verdict.Fails || first instanceof Verdict.Holds ? second : first;
        }
    }

    /** Neither side's error matters where the other side is true. */
    record Or(Predicate left, Predicate right) implements Native {
        @Override
        public Verdict test(ConditionInput input) {
            Verdict first = left.test(input);
            if (first instanceof Verdict.Holds) {
                return first;
            }
            Verdict second = right.test(input);
            return second instanceof Verdict.Holds || first instanceof Verdict.Fails ? second : first;
        }
    }

    /** An error stays one. */
    record Not(Predicate inner) implements Native {
        @Override
        public Verdict test(ConditionInput input) {
            Verdict verdict = inner.test(input);
            return switch (verdict) {
                case Verdict.Holds() -> Verdict.FALSE;
                case Verdict.Fails() -> Verdict.TRUE;
                case Broken broken -> broken;
            };
        }
    }

    /** `==`; values of different types are unequal. */
    record Equal(Operand left, Operand right) implements Native {
        @Override
        public Verdict test(ConditionInput input) {
            Object one = left.read(input);
            if (one instanceof Broken broken) {
                return broken;
            }
            Object other = right.read(input);
            return other instanceof Broken broken ? broken : verdict(Comparison.equal(one, other));
        }
    }

    /** Which orders an operator takes. */
    enum Order {
        LESS("<") {
            @Override
            boolean holds(int order) {
                return order < 0;
            }
        },
        LESS_EQUALS("<=") {
            @Override
            boolean holds(int order) {
                return order <= 0;
            }
        },
        GREATER(">") {
            @Override
            boolean holds(int order) {
                return order > 0;
            }
        },
        GREATER_EQUALS(">=") {
            @Override
            boolean holds(int order) {
                return order >= 0;
            }
        };

        private final String text;

        Order(String text) {
            this.text = text;
        }

        abstract boolean holds(int order);
    }

    /** `<`, `<=`, `>` and `>=`. */
    record Ordered(Operand left, Order wanted, Operand right) implements Native {
        @Override
        public Verdict test(ConditionInput input) {
            Object one = left.read(input);
            if (one instanceof Broken broken) {
                return broken;
            }
            Object other = right.read(input);
            if (other instanceof Broken broken) {
                return broken;
            }
            Integer order = Comparison.order(one, other);
            return order == null
                    ? new Broken("`" + wanted.text + "` does not compare " + Readings.typeName(one) + " with "
                            + Readings.typeName(other))
                    : verdict(wanted.holds(order));
        }
    }

    /**
     * `in` a list that is written out.
     *
     * @param texts those of the values that are texts, found by their hash
     */
    record AmongConstants(Operand element, List<Object> values, Set<String> texts) implements Native {

        static AmongConstants of(Operand element, List<Object> values) {
            return new AmongConstants(
                    element,
                    List.copyOf(values),
                    values.stream()
                            .filter(String.class::isInstance)
                            .map(String.class::cast)
                            .collect(Collectors.toUnmodifiableSet()));
        }

        @Override
        public Verdict test(ConditionInput input) {
            return switch (element.read(input)) {
                case Broken broken -> broken;
                case String text -> verdict(texts.contains(text));
                case Object value -> verdict(Comparison.contains(values, value));
            };
        }
    }

    /** `in subject.groups`. */
    record AmongGroups(Operand element) implements Native {
        @Override
        public Verdict test(ConditionInput input) {
            return switch (element.read(input)) {
                case Broken broken -> broken;
                case String text -> verdict(input.groups().contains(text));
                case Object value -> Verdict.FALSE;
            };
        }
    }

    /** `in` what another operand reads: an element of a list, or a key of a map. */
    record Among(Operand element, Operand holder) implements Native {
        @Override
        public Verdict test(ConditionInput input) {
            Object wanted = element.read(input);
            if (wanted instanceof Broken broken) {
                return broken;
            }
            return switch (holder.read(input)) {
                case Broken broken -> broken;
                case List<?> list -> verdict(Comparison.contains(list, wanted));
                case Map<?, ?> map -> verdict(map.containsKey(wanted));
                case Object other ->
                    new Broken("`in` looks into a list or a map, and not into " + Readings.typeName(other));
            };
        }
    }

    /** `has`, or `in` all attributes of something: an error too where the attribute cannot be read. */
    record HasAttribute(Operand.Attribute attribute) implements Native {
        @Override
        public Verdict test(ConditionInput input) {
            if (!attribute.isPresent(input)) {
                return Verdict.FALSE;
            }
            return attribute.read(input) instanceof Broken broken ? broken : Verdict.TRUE;
        }
    }

    /** `has` of a field within an attribute. */
    record HasField(Operand holder, String name) implements Native {
        @Override
        public Verdict test(ConditionInput input) {
            return switch (holder.read(input)) {
                case Broken broken -> broken;
                case Map<?, ?> map -> verdict(map.containsKey(name));
                case Object other -> Operand.Field.noFields(other);
            };
        }
    }
}
