package dev.assize.server.decision.evaluate;

import dev.assize.server.policy.AnyOf;
import dev.assize.server.policy.condition.AttributeDeclaration;
import dev.assize.server.policy.condition.Compilation;
import dev.assize.server.policy.condition.Condition;
import dev.assize.server.policy.condition.ConditionCompiler;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The conditions of a tenant's roles and bindings, under what is declared of attributes; each text is compiled once. */
public final class Conditions {

    private final Attributes attributes;
    private @Nullable ConditionCompiler compiler;

    public Conditions(Attributes attributes) {
        this.attributes = attributes;
    }

    public Attributes attributes() {
        return attributes;
    }

    /**
     * A condition about resources of some types; null for no text.
     *
     * @throws IllegalArgumentException where the text is no condition: it should have been refused when it was written
     */
    public @Nullable Condition compile(@Nullable String when, AnyOf<String> types) {
        if (when == null) {
            return null;
        }
        return switch (compiler().compile(when, ofAll(types))) {
            case Compilation.Compiled(Condition condition) -> condition;
            case Compilation.Refused refused ->
                throw new IllegalArgumentException("`" + when + "` is no condition: " + refused.faults());
        };
    }

    /** The language takes time to load, and most tenants never use it. */
    private ConditionCompiler compiler() {
        ConditionCompiler known = compiler;
        if (known == null) {
            known = new ConditionCompiler(attributes.ofSubjects());
            compiler = known;
        }
        return known;
    }

    /**
     * What is declared of resources of some types: what all of them declare alike. A name that one of them declares
     * otherwise, or not at all, may be anything.
     */
    private Map<String, AttributeDeclaration> ofAll(AnyOf<String> types) {
        Map<String, AttributeDeclaration> common = new HashMap<>();
        boolean first = true;
        for (Map.Entry<String, ? extends Map<String, AttributeDeclaration>> type :
                attributes.ofResources().entrySet()) {
            if (!types.contains(type.getKey())) {
                continue;
            }
            if (first) {
                common.putAll(type.getValue());
                first = false;
            }
            common.entrySet().removeIf(declared -> {
                AttributeDeclaration other = type.getValue().get(declared.getKey());
                return other == null || !other.type().equals(declared.getValue().type());
            });
        }
        return common;
    }
}
