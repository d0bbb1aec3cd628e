package dev.assize.server.policy.condition;

import dev.assize.server.model.Action;
import dev.assize.server.model.AttributeValue;
import dev.assize.server.model.Environment;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import java.time.Instant;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeSet;

/** What a condition sees in a test: `user:ada@acme` of group `traders` reads `vault:north/doc:7` in `prod` of `acme`. */
record Asked(
        SortedSet<String> groups,
        Map<String, AttributeValue> subjectAttributes,
        ResourcePath resource,
        Map<String, AttributeValue> resourceAttributes,
        Map<String, AttributeValue> context,
        Instant now)
        implements ConditionInput {

    static final Instant NOW = Instant.parse("2026-03-02T09:30:00Z");

    static Asked plain() {
        return new Asked(
                new TreeSet<>(java.util.List.of("traders", "everyone")),
                Map.of(),
                ResourcePath.parse("vault:north/doc:7"),
                Map.of(),
                Map.of(),
                NOW);
    }

    Asked subjectHas(Map<String, AttributeValue> attributes) {
        return new Asked(groups, attributes, resource, resourceAttributes, context, now);
    }

    Asked resourceHas(Map<String, AttributeValue> attributes) {
        return new Asked(groups, subjectAttributes, resource, attributes, context, now);
    }

    Asked in(Map<String, AttributeValue> surroundings) {
        return new Asked(groups, subjectAttributes, resource, resourceAttributes, surroundings, now);
    }

    Asked of(String path) {
        return new Asked(groups, subjectAttributes, ResourcePath.parse(path), resourceAttributes, context, now);
    }

    Asked groups(SortedSet<String> names) {
        return new Asked(names, subjectAttributes, resource, resourceAttributes, context, now);
    }

    @Override
    public Subject subject() {
        return Subject.parse("user:ada@acme");
    }

    @Override
    public Action action() {
        return new Action("read");
    }

    @Override
    public Environment env() {
        return new Environment("prod");
    }

    @Override
    public TenantId tenant() {
        return new TenantId("acme");
    }
}
