package dev.assize.server.decision.evaluate;

import dev.assize.server.policy.AttributeDeclarations;
import dev.assize.server.policy.Document.Permission;
import dev.assize.server.policy.Document.RoleBindingDocument;
import dev.assize.server.policy.condition.AttributeDeclaration;
import dev.assize.server.policy.condition.Compilation;
import dev.assize.server.policy.condition.Condition;
import dev.assize.server.policy.condition.ConditionCompiler;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The conditions of a tenant's roles and bindings, under what is declared of attributes; each text is compiled once. */
public final class Conditions {

    private final Attributes attributes;
    private final AttributeDeclarations declarations;
    private @Nullable ConditionCompiler compiler;

    /** @param declarations those that the conditions were judged by when they were written */
    public Conditions(Attributes attributes, AttributeDeclarations declarations) {
        this.attributes = attributes;
        this.declarations = declarations;
    }

    public Attributes attributes() {
        return attributes;
    }

    /**
     * Under which a permission counts; null for no condition.
     *
     * @throws IllegalArgumentException where the text is no condition: it should have been refused when it was written
     */
    public @Nullable Condition of(Permission permission) {
        return permission.when() == null ? null : compile(permission.when(), declarations.seenBy(permission));
    }

    /**
     * Under which a binding holds; null for no condition.
     *
     * @throws IllegalArgumentException where the text is no condition: it should have been refused when it was written
     */
    public @Nullable Condition of(RoleBindingDocument binding) {
        return binding.when() == null ? null : compile(binding.when(), declarations.seenBy(binding));
    }

    private Condition compile(String when, Map<String, AttributeDeclaration> ofResources) {
        return switch (compiler().compile(when, ofResources)) {
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
}
