package dev.assize.server.policy.condition;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What an expression is told of the attributes of the subject and of the resource. */
record Declarations(Map<String, AttributeDeclaration> subject, Map<String, AttributeDeclaration> resource) {

    Declarations {
        subject = Map.copyOf(subject);
        resource = Map.copyOf(resource);
    }

    /** The type declared for what is called {@code place.name}; null for none. */
    @Nullable
    AttributeType typeOf(String place, String name) {
        AttributeDeclaration declaration = switch (place) {
            case Names.SUBJECT_ATTRIBUTES -> subject.get(name);
            case Names.RESOURCE_ATTRIBUTES -> resource.get(name);
            default -> null;
        };
        return declaration == null ? null : declaration.type();
    }
}
