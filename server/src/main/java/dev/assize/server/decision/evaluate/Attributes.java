package dev.assize.server.decision.evaluate;

import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.model.AttributeValue;
import dev.assize.server.model.MalformedException;
import dev.assize.server.policy.AttributeDeclarations;
import dev.assize.server.policy.AttributeText;
import dev.assize.server.policy.condition.AttributeDeclaration;
import dev.assize.server.policy.condition.AttributeDeclaration.Source;
import dev.assize.server.policy.condition.AttributeType;
import dev.assize.server.policy.condition.AttributeType.Form;
import java.util.HashMap;
import java.util.Map;
import java.util.SortedMap;
import org.jspecify.annotations.Nullable;

/** What is declared of attributes, and what follows for those of a request. */
public record Attributes(
        Map<String, AttributeDeclaration> ofSubjects,
        Map<String, ? extends Map<String, AttributeDeclaration>> ofResources) {

    private static final Map<String, AttributeDeclaration> UNDECLARED = Map.of();

    Map<String, AttributeDeclaration> ofResources(String type) {
        Map<String, AttributeDeclaration> declared = ofResources.get(type);
        return declared == null ? UNDECLARED : declared;
    }

    /** Throws {@link MalformedException} for the first attribute, by name, of which the request says what it cannot be. */
    void require(CheckQuery query) {
        if (query.subjectAttributes().isEmpty() && query.resourceAttributes().isEmpty()) {
            return;
        }
        require("subject_attributes", query.subjectAttributes(), ofSubjects);
        require(
                "resource_attributes",
                query.resourceAttributes(),
                ofResources(query.resource().type()));
    }

    /** What a request and the policy say, as one: what is stored wins where either counts. */
    static Map<String, AttributeValue> merged(
            Map<String, AttributeValue> requested,
            @Nullable SortedMap<String, AttributeValue> stored,
            Map<String, AttributeDeclaration> declared) {
        Map<String, AttributeValue> merged = new HashMap<>();
        requested.forEach((name, value) -> {
            if (source(declared, name) != Source.STORED) {
                merged.put(name, read(declared, name, value));
            }
        });
        if (stored != null) {
            stored.forEach((name, value) -> {
                if (source(declared, name) != Source.REQUEST) {
                    merged.put(name, read(declared, name, value));
                }
            });
        }
        return merged;
    }

    private static AttributeValue read(Map<String, AttributeDeclaration> declared, String name, AttributeValue value) {
        AttributeDeclaration declaration = declared.get(name);
        // What is not of its type should have been refused when it was written; a condition that reads it fails.
        return declaration == null
                ? value
                : AttributeDeclarations.read(declaration.type(), value).orElse(value);
    }

    private static Source source(Map<String, AttributeDeclaration> declared, String name) {
        AttributeDeclaration declaration = declared.get(name);
        return declaration == null ? Source.EITHER : declaration.source();
    }

    private static void require(
            String field, Map<String, AttributeValue> requested, Map<String, AttributeDeclaration> declared) {
        if (requested.isEmpty() || declared.isEmpty()) {
            return;
        }
        requested.entrySet().stream()
                .sorted(Map.Entry.comparingByKey(Utf8Order.INSTANCE))
                .forEach(attribute -> {
                    AttributeDeclaration declaration = declared.get(attribute.getKey());
                    if (declaration != null
                            && declaration.source() != Source.STORED
                            && !isOf(declaration.type(), attribute.getValue())) {
                        throw new MalformedException(
                                field + "[" + attribute.getKey() + "]",
                                AttributeText.write(attribute.getValue()),
                                "a value of type `" + declaration.type() + "`");
                    }
                });
    }

    private static boolean isOf(@Nullable AttributeType type, AttributeValue value) {
        if (type == null) {
            return true;
        }
        return switch (value) {
            case AttributeValue.Text _ -> type.form() == Form.STRING;
            case AttributeValue.Whole _ -> type.form() == Form.INT || type.form() == Form.DOUBLE;
            case AttributeValue.Fraction _ -> type.form() == Form.DOUBLE;
            case AttributeValue.Truth _ -> type.form() == Form.BOOL;
            case AttributeValue.Time _ -> type.form() == Form.TIMESTAMP;
            case AttributeValue.Many many ->
                type.form() == Form.LIST && many.values().stream().allMatch(each -> isOf(type.element(), each));
            case AttributeValue.Fields fields ->
                type.form() == Form.MAP
                        && fields.values().values().stream().allMatch(each -> isOf(type.element(), each));
        };
    }
}
