package dev.assize.server.endpoint.authzen;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.assize.server.endpoint.call.RefusedException;
import java.util.Optional;

/** Takes members out of objects; one that is null is none, and one of another type is refused by its path. */
final class Members {

    private Members() {}

    static ObjectNode object(String prefix, ObjectNode parent, String name) {
        return optionalObject(prefix, parent, name).orElseThrow(() -> missing(prefix + name, "an object"));
    }

    static Optional<ObjectNode> optionalObject(String prefix, ObjectNode parent, String name) {
        return present(parent, name).map(value -> {
            if (!(value instanceof ObjectNode object)) {
                throw wrong(prefix + name, value, "an object");
            }
            return object;
        });
    }

    static String text(String prefix, ObjectNode parent, String name) {
        return optionalText(prefix, parent, name).orElseThrow(() -> missing(prefix + name, "a string"));
    }

    static Optional<String> optionalText(String prefix, ObjectNode parent, String name) {
        return present(parent, name).map(value -> {
            if (!value.isTextual()) {
                throw wrong(prefix + name, value, "a string");
            }
            return value.textValue();
        });
    }

    static Optional<JsonNode> present(ObjectNode parent, String name) {
        return Optional.ofNullable(parent.get(name)).filter(value -> !value.isNull());
    }

    static RefusedException wrong(String field, JsonNode value, String expected) {
        return RefusedException.invalid(field, value.toString(), expected);
    }

    private static RefusedException missing(String field, String expected) {
        return RefusedException.invalid(field, "", expected);
    }
}
