package dev.assize.server.decision.evaluate;

import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.model.Action;
import dev.assize.server.model.AttributeValue;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.policy.condition.AttributeDeclaration;
import dev.assize.server.policy.condition.AttributeDeclaration.Source;
import java.time.Instant;
import java.util.AbstractMap;
import java.util.Map;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * What is known of a question that is not asked yet: what policy itself says, and not what a request would bring along.
 * Notes what it is asked for, so that whoever evaluates a condition with it learns whether the answer means anything.
 *
 * <p>Unknown are the context, the moment, attributes that a request may bring and that policy does not say, and where
 * the question is about nobody or nothing in particular whatever tells one from another.
 */
final class CellFacts extends Facts {

    private final DecisionGraph graph;
    private final CheckQuery query;
    private final Openness openness;
    private final SortedSet<String> consulted = new TreeSet<>();
    private boolean open;
    private boolean everOpen;

    CellFacts(DecisionGraph graph, CheckQuery query, Instant now, Openness openness) {
        super(graph, query, now);
        this.graph = graph;
        this.query = query;
        this.openness = openness;
    }

    /** Whether anything unknown was ever asked for. */
    boolean wasEverOpen() {
        return everOpen;
    }

    /** Forgets what was asked for. */
    void begin() {
        consulted.clear();
        open = false;
    }

    /** Whether anything unknown was asked for since it began. */
    boolean isOpen() {
        return open;
    }

    /** What was asked for since it began, with what was answered. */
    String consulted() {
        return String.join(", ", consulted);
    }

    @Override
    public Subject subject() {
        return openness.subject() ? unknown("subject", super.subject()) : known("subject", super.subject());
    }

    @Override
    public String subjectType() {
        return openness.subjectType() ? unknown("subject.type", super.subjectType()) : super.subjectType();
    }

    @Override
    public String resourceType() {
        return openness.resourceType() ? unknown("resource.type", super.resourceType()) : super.resourceType();
    }

    @Override
    public Action action() {
        return openness.action() ? unknown("action", super.action()) : super.action();
    }

    @Override
    public SortedSet<String> groups() {
        return known("groups", super.groups());
    }

    @Override
    public boolean isInGroup(String group) {
        return known("group " + group, super.groups().contains(group));
    }

    @Override
    public ResourcePath resource() {
        return openness.resource() ? unknown("resource", super.resource()) : known("resource", super.resource());
    }

    @Override
    public Map<String, AttributeValue> context() {
        return unknown("context", super.context());
    }

    @Override
    public Instant now() {
        return unknown("now", super.now());
    }

    @Override
    public Map<String, AttributeValue> subjectAttributes() {
        return new Watched(
                "subject.attr.",
                super.subjectAttributes(),
                graph.schema().attributes().ofSubjects(),
                false);
    }

    @Override
    public Map<String, AttributeValue> resourceAttributes() {
        return new Watched(
                "resource.attr.",
                super.resourceAttributes(),
                graph.schema().attributes().ofResources(query.resource().type()),
                openness.resource());
    }

    private <T> T known(String name, T value) {
        consulted.add(name + "=" + value);
        return value;
    }

    private <T> T unknown(String name, T value) {
        consulted.add(name + "?");
        open = true;
        everOpen = true;
        return value;
    }

    /** Attributes that tell who looks at which of them. */
    private final class Watched extends AbstractMap<String, AttributeValue> {

        private final String place;
        private final Map<String, AttributeValue> stored;
        private final Map<String, AttributeDeclaration> declared;
        private final boolean ofNothingInParticular;

        Watched(
                String place,
                Map<String, AttributeValue> stored,
                Map<String, AttributeDeclaration> declared,
                boolean ofNothingInParticular) {
            this.place = place;
            this.stored = stored;
            this.declared = declared;
            this.ofNothingInParticular = ofNothingInParticular;
        }

        @Override
        public @Nullable AttributeValue get(@Nullable Object name) {
            note(name);
            return stored.get(name);
        }

        @Override
        public boolean containsKey(@Nullable Object name) {
            note(name);
            return stored.containsKey(name);
        }

        /** Whoever goes through all of them also sees what a request brings along. */
        @Override
        public Set<Map.Entry<String, AttributeValue>> entrySet() {
            return unknown(place + "*=" + new TreeMap<>(stored) + declared, stored.entrySet());
        }

        private void note(@Nullable Object name) {
            AttributeDeclaration declaration = declared.get(name);
            AttributeValue value = stored.get(name);
            String what = place + name + ":" + declaration;
            boolean onlyStored = declaration != null && declaration.source() == Source.STORED;
            if (ofNothingInParticular || (value == null && !onlyStored)) {
                var _ = unknown(what, what);
            } else {
                var _ = known(what, String.valueOf(value));
            }
        }
    }
}
