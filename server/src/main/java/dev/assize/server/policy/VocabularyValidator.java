package dev.assize.server.policy;

import dev.assize.server.model.Action;
import dev.assize.server.model.AttributeValue;
import dev.assize.server.policy.Document.ResourceDocument;
import dev.assize.server.policy.Document.ResourceTypeDocument;
import dev.assize.server.policy.Document.SubjectDocument;
import dev.assize.server.policy.condition.AttributeDeclaration;
import dev.assize.server.policy.condition.AttributeDeclaration.Source;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/** Judges types of resources, and what is known of subjects and resources by what is declared of them. */
final class VocabularyValidator {

    private final InSight inSight;
    private final AttributeDeclarations declarations;

    VocabularyValidator(InSight inSight, AttributeDeclarations declarations) {
        this.inSight = inSight;
        this.declarations = declarations;
    }

    void check(ResourceTypeDocument type) {
        inSight.checkOnlyHere(type);
        Set<Action> actions = new HashSet<>(type.actions());
        type.implies().forEach((action, implied) -> {
            String field = "spec.implies." + action;
            String expected = "an action that `spec.actions` declares";
            if (!actions.contains(action)) {
                inSight.add(type, field, action.value(), expected);
            }
            InSight.forEachListed(implied, (name, index) -> {
                if (!actions.contains(name)) {
                    inSight.add(type, field + "[" + index + "]", name.value(), expected);
                }
            });
        });
    }

    void check(SubjectDocument subject) {
        checkAttributes(
                subject,
                subject.attributes(),
                declarations.ofSubjects(),
                "Tenant/" + inSight.set().scope().key());
    }

    void check(ResourceDocument resource) {
        String type = resource.resource().type();
        inSight.checkType(resource, resource.place(), "metadata.name", type);
        checkAttributes(resource, resource.attributes(), declarations.ofType(type), "ResourceType/" + type);
    }

    private void checkAttributes(
            Document document,
            Map<String, AttributeValue> attributes,
            Map<String, AttributeDeclaration> declared,
            String where) {
        attributes.forEach((name, value) -> {
            AttributeDeclaration declaration = declared.get(name);
            String field = "spec.attributes." + name;
            if (declaration == null) {
                return;
            }
            if (declaration.source() == Source.REQUEST) {
                inSight.add(
                        document,
                        field,
                        AttributeText.write(value),
                        "no stored value: `" + where + "` declares that requests bring it");
            } else if (AttributeDeclarations.read(declaration.type(), value).isEmpty()) {
                inSight.add(
                        document,
                        field,
                        AttributeText.write(value),
                        "a value of type `" + declaration.type() + "`, as `" + where + "` declares");
            }
        });
    }
}
