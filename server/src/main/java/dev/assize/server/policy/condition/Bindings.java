package dev.assize.server.policy.condition;

import dev.assize.server.policy.condition.AttributeMap.UnreadableException;
import dev.assize.server.policy.condition.Condition.Verdict.Broken;
import dev.cel.runtime.CelVariableResolver;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What the names stand for in one evaluation by the interpreter, each read once. */
final class Bindings implements CelVariableResolver {

    private final ConditionInput input;
    private final Declarations declarations;
    private final Map<String, Object> read = new HashMap<>();

    Bindings(ConditionInput input, Declarations declarations) {
        this.input = input;
        this.declarations = declarations;
    }

    @Override
    public Optional<Object> find(String name) {
        @Nullable Object known = read.get(name);
        if (known != null) {
            return Optional.of(known);
        }
        Optional<Object> found = look(name);
        found.ifPresent(value -> read.put(name, value));
        return found;
    }

    private Optional<Object> look(String name) {
        return switch (name) {
            case Names.SUBJECT_ATTRIBUTES, Names.RESOURCE_ATTRIBUTES, Names.CONTEXT ->
                Optional.of(AttributeMap.of(name, declarations, Names.attributes(input, name)));
            case Names.GROUPS -> Optional.of(List.copyOf(input.groups()));
            case Names.NOW -> Optional.of(input.now());
            default -> Names.isText(name) ? Optional.of(Names.text(input, name)) : declared(name);
        };
    }

    private Optional<Object> declared(String name) {
        int dot = name.lastIndexOf('.');
        if (dot < 0) {
            return Optional.empty();
        }
        String place = name.substring(0, dot);
        String attribute = name.substring(dot + 1);
        @Nullable AttributeType type = declarations.typeOf(place, attribute);
        if (type == null) {
            return Optional.empty();
        }
        Object reading = Readings.read(
                place, attribute, type, Names.attributes(input, place).get(attribute));
        if (reading instanceof Broken broken) {
            throw new UnreadableException(broken.message());
        }
        return Optional.of(reading);
    }
}
