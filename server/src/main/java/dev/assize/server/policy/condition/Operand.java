package dev.assize.server.policy.condition;

import dev.assize.server.model.AttributeValue;
import dev.assize.server.policy.condition.Condition.Verdict.Broken;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A part of an expression that is a value, as {@link Readings} has them; or a {@link Broken}. */
sealed interface Operand {

    Object read(ConditionInput input);

    /** What is written out. */
    record Constant(Object value) implements Operand {
        @Override
        public Object read(ConditionInput input) {
            return value;
        }
    }

    /** One of the texts that every request has. */
    record Text(String name) implements Operand {
        @Override
        public Object read(ConditionInput input) {
            return Names.text(input, name);
        }
    }

    /** The moment that is judged. */
    record Now() implements Operand {
        @Override
        public Object read(ConditionInput input) {
            return input.now();
        }
    }

    /**
     * An attribute.
     *
     * @param place one of {@link Names#ATTRIBUTES}
     */
    record Attribute(String place, String name, @Nullable AttributeType declared) implements Operand {
        @Override
        public Object read(ConditionInput input) {
            @Nullable AttributeValue value = Names.attributes(input, place).get(name);
            return Readings.read(place, name, declared, value);
        }

        boolean isPresent(ConditionInput input) {
            return Names.attributes(input, place).containsKey(name);
        }
    }

    /** A field of what another operand reads. */
    record Field(Operand holder, String name) implements Operand {
        @Override
        public Object read(ConditionInput input) {
            Object held = holder.read(input);
            if (held instanceof Map<?, ?> map) {
                Object value = map.get(name);
                return value != null ? value : new Broken("`" + name + "` is missing");
            }
            return held instanceof Broken ? held : noFields(held);
        }

        static Broken noFields(Object held) {
            return new Broken("a field is selected of " + Readings.typeName(held) + ", which has none");
        }
    }
}
