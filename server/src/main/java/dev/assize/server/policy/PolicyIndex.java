package dev.assize.server.policy;

import dev.assize.server.model.Subject;
import dev.assize.server.policy.Document.ApprovalRuleDocument;
import dev.assize.server.policy.Document.FreezeDocument;
import dev.assize.server.policy.Document.FreezeTarget;
import dev.assize.server.policy.Document.GroupDocument;
import dev.assize.server.policy.Document.ResourceDocument;
import dev.assize.server.policy.Document.ResourceTypeDocument;
import dev.assize.server.policy.Document.RoleBindingDocument;
import dev.assize.server.policy.Document.RoleDocument;
import dev.assize.server.policy.Document.SeparationOfDutyDocument;
import dev.assize.server.policy.Document.SubjectDocument;
import dev.assize.server.policy.Document.TenantDocument;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.pcollections.PSortedMap;
import org.pcollections.TreePMap;

/**
 * What the documents of one scope refer to: how often each name is referred to, which bindings and groups name each
 * subject, and which groups contain groups. Immutable; an index that differs in a document shares the rest.
 *
 * <p>Only kinds of which there are many are looked at: bindings, groups, resources and freezes. Whoever asks about the
 * others looks through them, for they are few. A subject's bindings stand in an array of their own: that takes a tenth of the
 * space of a tree, and a change copies no more than the bindings of whom it touches.
 */
final class PolicyIndex {

    private static final Comparator<Subject> BY_TYPE_AND_ID =
            Comparator.comparing(Subject::id).thenComparing(Subject::type);

    private final PSortedMap<Target, Integer> counts;
    private final PSortedMap<Subject, Uses> uses;
    private final PSortedMap<String, List<String>> nested;

    private PolicyIndex(
            PSortedMap<Target, Integer> counts,
            PSortedMap<Subject, Uses> uses,
            PSortedMap<String, List<String>> nested) {
        this.counts = counts;
        this.uses = uses;
        this.nested = nested;
    }

    /** What a name is the name of. */
    enum Sort {
        GROUP,
        ROLE,
        /** A role that a binding gives to everybody, or to everybody of a type. */
        OPEN_ROLE,
        TYPE,
        ENVIRONMENT,
        /** An action after its type and a slash; there is no type where any will do. */
        ACTION,
        /** A binding that has a condition, by its own name. */
        CONDITIONAL
    }

    /** Something that is referred to. */
    record Target(Sort sort, String name) implements Comparable<Target> {
        private static final Comparator<Target> ORDER =
                Comparator.comparing(Target::sort).thenComparing(Target::name);

        @Override
        public int compareTo(Target other) {
            return ORDER.compare(this, other);
        }
    }

    /** Who names a subject: bindings, and groups by their names. */
    record Uses(List<RoleBindingDocument> bindings, List<String> groups) {
        static final Uses NONE = new Uses(List.of(), List.of());

        boolean isEmpty() {
            return bindings.isEmpty() && groups.isEmpty();
        }
    }

    static PolicyIndex of(Collection<Document> documents) {
        Map<Target, Integer> counts = new HashMap<>();
        Map<Subject, List<RoleBindingDocument>> bindings = new HashMap<>();
        Map<Subject, List<String>> groups = new HashMap<>();
        SortedMap<String, List<String>> nested = new TreeMap<>();
        for (Document document : documents) {
            forEachTarget(document, (sort, name) -> counts.merge(new Target(sort, name), 1, Integer::sum));
            switch (document) {
                case RoleBindingDocument binding ->
                    forEachNamed(
                            binding,
                            subject -> bindings.computeIfAbsent(subject, any -> new ArrayList<>(2))
                                    .add(binding));
                case GroupDocument group -> {
                    group.members().stream()
                            .distinct()
                            .forEach(member -> groups.computeIfAbsent(member, any -> new ArrayList<>(2))
                                    .add(group.name()));
                    List<String> inner = groupsIn(group);
                    if (!inner.isEmpty()) {
                        nested.put(group.name(), inner);
                    }
                }
                case TenantDocument _,
                        ResourceTypeDocument _,
                        RoleDocument _,
                        SubjectDocument _,
                        ResourceDocument _,
                        SeparationOfDutyDocument _,
                        ApprovalRuleDocument _,
                        FreezeDocument _ -> {}
            }
        }
        TreeMap<Subject, Uses> uses = new TreeMap<>(BY_TYPE_AND_ID);
        bindings.forEach((subject, its) ->
                uses.put(subject, new Uses(List.copyOf(its), List.copyOf(groups.getOrDefault(subject, List.of())))));
        groups.forEach((subject, its) -> uses.putIfAbsent(subject, new Uses(List.of(), List.copyOf(its))));
        return new PolicyIndex(
                TreePMap.fromSortedMap(new TreeMap<>(counts)),
                TreePMap.fromSortedMap(uses),
                TreePMap.fromSortedMap(nested));
    }

    PolicyIndex with(Document document) {
        return changed(document, 1);
    }

    PolicyIndex without(Document document) {
        return changed(document, -1);
    }

    /** Whether any of the many refers to it. */
    boolean refersTo(Sort sort, String name) {
        return counts.containsKey(new Target(sort, name));
    }

    /** Everything of a sort that any of the many refers to. */
    Collection<String> targets(Sort sort) {
        return counts.tailMap(new Target(sort, "")).keySet().stream()
                .takeWhile(target -> target.sort == sort)
                .map(Target::name)
                .toList();
    }

    /** Who names this subject, or group, by itself. */
    Uses usesOf(Subject subject) {
        return uses.getOrDefault(subject, Uses.NONE);
    }

    /** The groups in each group that has some. */
    SortedMap<String, List<String>> nested() {
        return nested;
    }

    private PolicyIndex changed(Document document, int difference) {
        Changes changes = new Changes(counts, uses, nested);
        forEachTarget(document, (sort, name) -> changes.count(new Target(sort, name), difference));
        switch (document) {
            case RoleBindingDocument binding ->
                forEachNamed(binding, subject -> changes.use(subject, binding, difference));
            case GroupDocument group -> changes.contain(group, difference);
            case TenantDocument _,
                    ResourceTypeDocument _,
                    RoleDocument _,
                    SubjectDocument _,
                    ResourceDocument _,
                    SeparationOfDutyDocument _,
                    ApprovalRuleDocument _,
                    FreezeDocument _ -> {}
        }
        return new PolicyIndex(changes.counts, changes.uses, changes.nested);
    }

    /** The maps of an index in the making. */
    private static final class Changes {

        private PSortedMap<Target, Integer> counts;
        private PSortedMap<Subject, Uses> uses;
        private PSortedMap<String, List<String>> nested;

        private Changes(
                PSortedMap<Target, Integer> counts,
                PSortedMap<Subject, Uses> uses,
                PSortedMap<String, List<String>> nested) {
            this.counts = counts;
            this.uses = uses;
            this.nested = nested;
        }

        private void count(Target target, int difference) {
            int count = counts.getOrDefault(target, 0) + difference;
            counts = count == 0 ? counts.minus(target) : counts.plus(target, count);
        }

        private void use(Subject subject, RoleBindingDocument binding, int difference) {
            Uses old = uses.getOrDefault(subject, Uses.NONE);
            List<RoleBindingDocument> bindings = difference > 0
                    ? plus(old.bindings, binding)
                    : minus(old.bindings, it -> it.name().equals(binding.name()));
            put(subject, new Uses(bindings, old.groups));
        }

        private void contain(GroupDocument group, int difference) {
            group.members().stream().distinct().forEach(member -> {
                Uses old = uses.getOrDefault(member, Uses.NONE);
                List<String> groups =
                        difference > 0 ? plus(old.groups, group.name()) : minus(old.groups, group.name()::equals);
                put(member, new Uses(old.bindings, groups));
            });
            List<String> inner = groupsIn(group);
            if (!inner.isEmpty()) {
                nested = difference > 0 ? nested.plus(group.name(), inner) : nested.minus(group.name());
            }
        }

        private void put(Subject subject, Uses its) {
            uses = its.isEmpty() ? uses.minus(subject) : uses.plus(subject, its);
        }

        private static <T> List<T> plus(List<T> list, T added) {
            List<T> longer = new ArrayList<>(list.size() + 1);
            longer.addAll(list);
            longer.add(added);
            return List.copyOf(longer);
        }

        private static <T> List<T> minus(List<T> list, Predicate<T> removed) {
            return list.stream().filter(removed.negate()).toList();
        }
    }

    private static List<String> groupsIn(GroupDocument group) {
        return group.members().stream()
                .filter(Subject::isGroup)
                .map(Subject::id)
                .toList();
    }

    /** Each once, however often the binding names it. */
    private static void forEachNamed(RoleBindingDocument binding, Consumer<Subject> each) {
        List<SubjectPattern> patterns = binding.subjects();
        if (patterns.size() == 1) {
            if (patterns.getFirst() instanceof SubjectPattern.Named named) {
                each.accept(named.subject());
            }
            return;
        }
        patterns.stream()
                .distinct()
                .filter(SubjectPattern.Named.class::isInstance)
                .forEach(pattern -> each.accept(((SubjectPattern.Named) pattern).subject()));
    }

    private static void forEachTarget(Document document, BiConsumer<Sort, String> each) {
        switch (document) {
            case RoleBindingDocument binding -> forEachTarget(binding, each);
            case GroupDocument group -> groupsIn(group).forEach(name -> each.accept(Sort.GROUP, name));
            case ResourceDocument resource ->
                each.accept(Sort.TYPE, resource.resource().type());
            case FreezeDocument freeze -> forEachTarget(freeze.target(), each);
            case TenantDocument _,
                    ResourceTypeDocument _,
                    RoleDocument _,
                    SubjectDocument _,
                    SeparationOfDutyDocument _,
                    ApprovalRuleDocument _ -> {}
        }
    }

    private static void forEachTarget(RoleBindingDocument binding, BiConsumer<Sort, String> each) {
        each.accept(Sort.ROLE, binding.role());
        if (binding.when() != null) {
            each.accept(Sort.CONDITIONAL, binding.name());
        }
        for (SubjectPattern pattern : binding.subjects()) {
            switch (pattern) {
                case SubjectPattern.Named named -> {
                    if (named.subject().isGroup()) {
                        each.accept(Sort.GROUP, named.subject().id());
                    }
                }
                case SubjectPattern.Anyone _, SubjectPattern.AnyOfType _ -> each.accept(Sort.OPEN_ROLE, binding.role());
            }
        }
        binding.scopeOfGrant()
                .environments()
                .ifPresent(names -> forEachListed(names, name -> each.accept(Sort.ENVIRONMENT, name.value())));
        binding.scopeOfGrant()
                .resourceTypes()
                .ifPresent(names -> forEachListed(names, name -> each.accept(Sort.TYPE, name)));
    }

    private static void forEachTarget(FreezeTarget target, BiConsumer<Sort, String> each) {
        if (target.subject() != null && target.subject().isGroup()) {
            each.accept(Sort.GROUP, target.subject().id());
        }
        if (target.role() != null) {
            each.accept(Sort.ROLE, target.role());
        }
        if (target.resourceType() != null) {
            each.accept(Sort.TYPE, target.resourceType());
        }
        if (target.environment() != null) {
            each.accept(Sort.ENVIRONMENT, target.environment().value());
        }
        if (target.action() != null) {
            String type = target.resourceType();
            each.accept(Sort.ACTION, (type == null ? "" : type) + "/" + target.action());
        }
    }

    private static <T> void forEachListed(AnyOf<T> names, Consumer<T> each) {
        if (names instanceof AnyOf.Listed<T> listed) {
            listed.values().forEach(each);
        }
    }
}
