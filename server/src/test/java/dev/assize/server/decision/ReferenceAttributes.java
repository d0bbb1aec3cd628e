package dev.assize.server.decision;

import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.model.AttributeValue;
import dev.assize.server.model.AttributeValue.Fields;
import dev.assize.server.model.AttributeValue.Fraction;
import dev.assize.server.model.AttributeValue.Many;
import dev.assize.server.model.AttributeValue.Text;
import dev.assize.server.model.AttributeValue.Time;
import dev.assize.server.model.AttributeValue.Truth;
import dev.assize.server.model.AttributeValue.Whole;
import dev.assize.server.policy.Document.ResourceDocument;
import dev.assize.server.policy.Document.ResourceTypeDocument;
import dev.assize.server.policy.Document.SubjectDocument;
import dev.assize.server.policy.condition.AttributeDeclaration;
import dev.assize.server.policy.condition.AttributeDeclaration.Source;
import dev.assize.server.policy.condition.AttributeType;
import dev.assize.server.policy.condition.AttributeType.Form;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** What a condition sees of a request. */
final class ReferenceAttributes {

    private final ReferencePolicy policy;

    ReferenceAttributes(ReferencePolicy policy) {
        this.policy = policy;
    }

    /** "`subject` {type, id, attr, groups}, `resource` {type, id, path, attr}, `action`, `env`, `tenant`, `context`, `now`." */
    Fields variables(CheckQuery query, Instant now) {
        String path = query.resource().value();
        String last = path.substring(path.lastIndexOf('/') + 1);
        return fields(Map.of(
                "subject",
                fields(Map.of(
                        "type", new Text(query.subject().type()),
                        "id", new Text(query.subject().id()),
                        "groups",
                                new Many(policy.groups(query.subject(), query.subjectTenant()).stream()
                                        .<AttributeValue>map(Text::new)
                                        .toList()),
                        "attr", merged(ofSubjects(), storedOfSubject(query), query.subjectAttributes()))),
                "resource",
                fields(Map.of(
                        "type", new Text(query.resource().type()),
                        "id", new Text(last.contains(":") ? last.substring(last.indexOf(':') + 1) : ""),
                        "path", new Text(path),
                        "attr", merged(ofResources(query), storedOfResource(query), query.resourceAttributes()))),
                "action",
                new Text(query.action().value()),
                "env",
                new Text(query.env().value()),
                "tenant",
                new Text(query.tenant().value()),
                "context",
                fields(query.context()),
                "now",
                new Time(now)));
    }

    /** The field of the request that is not of its declared type, where it may come from a request at all. */
    Optional<String> malformed(CheckQuery query) {
        return malformed("subject_attributes", ofSubjects(), query.subjectAttributes())
                .or(() -> malformed("resource_attributes", ofResources(query), query.resourceAttributes()));
    }

    private static Optional<String> malformed(
            String field, Map<String, AttributeDeclaration> declared, Map<String, AttributeValue> requested) {
        return declared.entrySet().stream()
                .filter(declaration -> declaration.getValue().source() != Source.STORED)
                .filter(declaration -> requested.containsKey(declaration.getKey()))
                .filter(declaration -> !isOf(
                        declaration.getValue().type(), Objects.requireNonNull(requested.get(declaration.getKey()))))
                .map(declaration -> field + "[" + declaration.getKey() + "]")
                .findFirst();
    }

    private static boolean isOf(@Nullable AttributeType type, AttributeValue value) {
        return type != null
                && switch (value) {
                    case Text any -> type.form() == Form.STRING;
                    case Whole any -> type.form() == Form.INT || type.form() == Form.DOUBLE;
                    case Fraction any -> type.form() == Form.DOUBLE;
                    case Truth any -> type.form() == Form.BOOL;
                    case Time any -> type.form() == Form.TIMESTAMP;
                    case Many(List<AttributeValue> values) ->
                        type.form() == Form.LIST && values.stream().allMatch(element -> isOf(type.element(), element));
                    case Fields(SortedMap<String, AttributeValue> values) ->
                        type.form() == Form.MAP
                                && values.values().stream().allMatch(element -> isOf(type.element(), element));
                };
    }

    private Map<String, AttributeDeclaration> ofSubjects() {
        return policy.tenantDocument().subjectAttributes();
    }

    private Map<String, AttributeDeclaration> ofResources(CheckQuery query) {
        return policy.find(ResourceTypeDocument.class, query.resource().type())
                .map(ResourceTypeDocument::attributes)
                .orElseGet(TreeMap::new);
    }

    /** "Another tenant's `user:alice` is someone else, without stored attributes." */
    private Map<String, AttributeValue> storedOfSubject(CheckQuery query) {
        return policy.all(SubjectDocument.class).stream()
                .filter(document -> query.subjectTenant().equals(policy.self()))
                .filter(document -> document.subject().equals(query.subject()))
                .findAny()
                .map(SubjectDocument::attributes)
                .orElseGet(TreeMap::new);
    }

    private Map<String, AttributeValue> storedOfResource(CheckQuery query) {
        return policy.all(ResourceDocument.class).stream()
                .filter(document -> document.resource().equals(query.resource()))
                .findAny()
                .map(ResourceDocument::attributes)
                .orElseGet(TreeMap::new);
    }

    /** "`attr` merges stored and request attributes, stored ones winning"; each only where its declaration lets it. */
    private static Fields merged(
            Map<String, AttributeDeclaration> declared,
            Map<String, AttributeValue> stored,
            Map<String, AttributeValue> requested) {
        SortedMap<String, AttributeValue> merged = new TreeMap<>();
        requested.forEach((name, value) -> {
            if (!declared.containsKey(name) || declared.get(name).source() != Source.STORED) {
                merged.put(name, value);
            }
        });
        stored.forEach((name, value) -> {
            AttributeDeclaration declaration = declared.get(name);
            if (declaration == null || declaration.source() != Source.REQUEST) {
                merged.put(name, declaration == null ? value : read(declaration.type(), value));
            }
        });
        return new Fields(merged);
    }

    /** Documents write a moment as a text. */
    private static AttributeValue read(@Nullable AttributeType type, AttributeValue value) {
        return switch (value) {
            case Text(String text) when type != null && type.form() == Form.TIMESTAMP -> new Time(Instant.parse(text));
            case Many(List<AttributeValue> values)
            when type != null ->
                new Many(values.stream()
                        .map(element -> read(type.element(), element))
                        .toList());
            default -> value;
        };
    }

    private static Fields fields(Map<String, AttributeValue> values) {
        return new Fields(new TreeMap<>(values));
    }
}
