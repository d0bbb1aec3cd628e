package dev.assize.server.decision.evaluate;

import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.model.Action;
import dev.assize.server.model.AttributeValue;
import dev.assize.server.model.Environment;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document.ResourceDocument;
import dev.assize.server.policy.Document.SubjectDocument;
import dev.assize.server.policy.DocumentKey;
import dev.assize.server.policy.Kind;
import dev.assize.server.policy.condition.ConditionInput;
import java.time.Instant;
import java.util.Collections;
import java.util.Map;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** What a request shows to conditions and freezes; most requests never ask, so it is worked out when it is asked for. */
class Facts implements ConditionInput {

    private final DecisionGraph graph;
    private final CheckQuery query;
    private final Instant now;
    private @Nullable SortedSet<String> groups;
    private @Nullable Map<String, AttributeValue> subjectAttributes;
    private @Nullable Map<String, AttributeValue> resourceAttributes;

    Facts(DecisionGraph graph, CheckQuery query, Instant now) {
        this.graph = graph;
        this.query = query;
        this.now = now;
    }

    @Override
    public Subject subject() {
        return query.subject();
    }

    /** None for a subject of another home: whatever its name, it is someone else here. */
    @Override
    public SortedSet<String> groups() {
        SortedSet<String> known = groups;
        if (known == null) {
            HomeDirectory residents = graph.directory().residents();
            SubjectNode node = isResident() ? residents.find(query.subject()) : null;
            known = node == null
                    ? new TreeSet<>()
                    : Collections.unmodifiableSortedSet(node.membership().allGroups(residents));
            groups = known;
        }
        return known;
    }

    @Override
    public Map<String, AttributeValue> subjectAttributes() {
        Map<String, AttributeValue> known = subjectAttributes;
        if (known == null) {
            SortedMap<String, AttributeValue> stored =
                    isResident() && find(Kind.SUBJECT, query.subject().toString()) instanceof SubjectDocument document
                            ? document.attributes()
                            : null;
            known = Attributes.merged(
                    query.subjectAttributes(),
                    stored,
                    graph.schema().attributes().ofSubjects());
            subjectAttributes = known;
        }
        return known;
    }

    @Override
    public ResourcePath resource() {
        return query.resource();
    }

    @Override
    public Map<String, AttributeValue> resourceAttributes() {
        Map<String, AttributeValue> known = resourceAttributes;
        if (known == null) {
            SortedMap<String, AttributeValue> stored =
                    find(Kind.RESOURCE, query.resource().value()) instanceof ResourceDocument document
                            ? document.attributes()
                            : null;
            known = Attributes.merged(
                    query.resourceAttributes(),
                    stored,
                    graph.schema().attributes().ofResources(query.resource().type()));
            resourceAttributes = known;
        }
        return known;
    }

    @Override
    public Action action() {
        return query.action();
    }

    @Override
    public Environment env() {
        return query.env();
    }

    @Override
    public TenantId tenant() {
        return query.tenant();
    }

    @Override
    public Map<String, AttributeValue> context() {
        return query.context();
    }

    @Override
    public Instant now() {
        return now;
    }

    private boolean isResident() {
        return query.subjectTenant().equals(graph.tenant());
    }

    private dev.assize.server.policy.@Nullable Document find(Kind kind, String name) {
        return graph.origin()
                .tenant()
                .find(new DocumentKey(PolicyScope.of(graph.tenant()), kind, name))
                .orElse(null);
    }
}
