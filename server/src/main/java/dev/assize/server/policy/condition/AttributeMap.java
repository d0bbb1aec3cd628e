package dev.assize.server.policy.condition;

import dev.assize.server.model.AttributeValue;
import dev.assize.server.policy.condition.Condition.Verdict.Broken;
import java.util.AbstractMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** All attributes of one thing, for the interpreter. An attribute that cannot be read throws when it is asked for. */
final class AttributeMap extends AbstractMap<String, Object> {

    private final Map<String, Object> readings;

    private AttributeMap(Map<String, Object> readings) {
        this.readings = readings;
    }

    static AttributeMap of(String place, Declarations declarations, Map<String, AttributeValue> attributes) {
        Map<String, Object> readings = LinkedHashMap.newLinkedHashMap(attributes.size());
        attributes.forEach((name, value) ->
                readings.put(name, Readings.read(place, name, declarations.typeOf(place, name), value)));
        return new AttributeMap(readings);
    }

    @Override
    public @Nullable Object get(@Nullable Object key) {
        Object reading = readings.get(key);
        if (reading instanceof Broken broken) {
            throw new UnreadableException(broken.message());
        }
        return reading;
    }

    @Override
    public boolean containsKey(@Nullable Object key) {
        return readings.containsKey(key);
    }

    @Override
    public Set<Map.Entry<String, Object>> entrySet() {
        return readings.entrySet();
    }

    /** Thrown through the interpreter, which takes it for a failure of the part that asked. */
    static final class UnreadableException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        UnreadableException(String message) {
            super(message, null, false, false);
        }
    }
}
