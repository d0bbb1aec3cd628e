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
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.pcollections.PSortedMap;
import org.pcollections.TreePMap;

/**
 * What the documents of one scope refer to: how often each name is referred to, which bindings and groups name each
 * subject, which bindings give each role, and which groups contain groups. Immutable; an index that differs in a document
 * shares the rest.
 *
 * <p>Only kinds of which there are many are looked at: bindings, groups, resources and freezes. Whoever asks about the
 * others looks through them, for they are few.
 */
final class PolicyIndex {

    private static final Comparator<Subject> BY_TYPE_AND_ID =
            Comparator.comparing(Subject::id).thenComparing(Subject::type);

    private static final Comparator<RoleBindingDocument> BY_NAME = Comparator.comparing(RoleBindingDocument::name);
    private static final SortedNames<RoleBindingDocument> NO_BINDINGS = SortedNames.of(BY_NAME, List.of());

    private final PSortedMap<Target, Integer> counts;
    private final PSortedMap<Subject, Uses> uses;
    private final PSortedMap<String, SortedNames<RoleBindingDocument>> ofRoles;
    private final PSortedMap<String, List<String>> nested;

    private PolicyIndex(
            PSortedMap<Target, Integer> counts,
            PSortedMap<Subject, Uses> uses,
            PSortedMap<String, SortedNames<RoleBindingDocument>> ofRoles,
            PSortedMap<String, List<String>> nested) {
        this.counts = counts;
        this.uses = uses;
        this.ofRoles = ofRoles;
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
        CONDITIONAL,
        /** A binding to everybody, or to everybody of a type, by its own name. */
        OPEN
    }

    /** A document that is not what it was; null where there was none, or is none any more. */
    record Change(@Nullable Document before, @Nullable Document after) {}

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
    record Uses(SortedNames<RoleBindingDocument> bindings, List<String> groups) {
        static final Uses NONE = new Uses(NO_BINDINGS, List.of());

        boolean isEmpty() {
            return bindings.isEmpty() && groups.isEmpty();
        }
    }

    static PolicyIndex of(Collection<Document> documents) {
        Map<Target, Integer> counts = new HashMap<>();
        Map<Subject, List<RoleBindingDocument>> bindings = new HashMap<>();
        Map<Subject, List<String>> groups = new HashMap<>();
        Map<String, List<RoleBindingDocument>> ofRoles = new HashMap<>();
        SortedMap<String, List<String>> nested = new TreeMap<>();
        for (Document document : documents) {
            forEachTarget(document, (sort, name) -> counts.merge(new Target(sort, name), 1, Integer::sum));
            switch (document) {
                case RoleBindingDocument binding -> {
                    ofRoles.computeIfAbsent(binding.role(), any -> new ArrayList<>())
                            .add(binding);
                    forEachNamed(
                            binding,
                            subject -> bindings.computeIfAbsent(subject, any -> new ArrayList<>(2))
                                    .add(binding));
                }
                case GroupDocument group -> {
                    group.members().stream()
                            .distinct()
                            .forEach(member -> groups.computeIfAbsent(member, any -> new ArrayList<>(2))
                                    .add(group.name()));
                    List<String> inner = groupsIn(group.members());
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
        bindings.forEach((subject, its) -> uses.put(
                subject, new Uses(SortedNames.of(BY_NAME, its), List.copyOf(groups.getOrDefault(subject, List.of())))));
        groups.forEach((subject, its) -> uses.putIfAbsent(subject, new Uses(NO_BINDINGS, List.copyOf(its))));
        TreeMap<String, SortedNames<RoleBindingDocument>> sorted = new TreeMap<>();
        ofRoles.forEach((role, its) -> sorted.put(role, SortedNames.of(BY_NAME, its)));
        return new PolicyIndex(
                TreePMap.fromSortedMap(new TreeMap<>(counts)),
                TreePMap.fromSortedMap(uses),
                TreePMap.fromSortedMap(sorted),
                TreePMap.fromSortedMap(nested));
    }

    /** The index after some changes, in their order. */
    PolicyIndex with(List<Change> changes) {
        Changes all = new Changes(this);
        changes.forEach(all::add);
        return new PolicyIndex(all.counts, all.uses, all.ofRoles, all.nested);
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

    /** The bindings that give a role. */
    SortedNames<RoleBindingDocument> ofRole(String role) {
        return ofRoles.getOrDefault(role, NO_BINDINGS);
    }

    /** The groups in each group that has some. */
    SortedMap<String, List<String>> nested() {
        return nested;
    }

    /** The maps of an index in the making. */
    private static final class Changes {

        private PSortedMap<Target, Integer> counts;
        private PSortedMap<Subject, Uses> uses;
        private PSortedMap<String, SortedNames<RoleBindingDocument>> ofRoles;
        private PSortedMap<String, List<String>> nested;

        private Changes(PolicyIndex base) {
            this.counts = base.counts;
            this.uses = base.uses;
            this.ofRoles = base.ofRoles;
            this.nested = base.nested;
        }

        void add(Change change) {
            count(change.before, -1);
            count(change.after, 1);
            if (change.before instanceof GroupDocument was && change.after instanceof GroupDocument is) {
                contain(is.name(), was.members(), is.members());
                return;
            }
            remove(change.before);
            put(change.after);
        }

        private void count(@Nullable Document document, int difference) {
            if (document != null) {
                forEachTarget(document, (sort, name) -> count(new Target(sort, name), difference));
            }
        }

        private void count(Target target, int difference) {
            int count = counts.getOrDefault(target, 0) + difference;
            counts = count == 0 ? counts.minus(target) : counts.plus(target, count);
        }

        private void remove(@Nullable Document document) {
            if (document instanceof RoleBindingDocument binding) {
                SortedNames<RoleBindingDocument> rest = bindings(binding.role()).without(binding);
                ofRoles = rest.isEmpty() ? ofRoles.minus(binding.role()) : ofRoles.plus(binding.role(), rest);
                forEachNamed(binding, subject -> {
                    Uses old = uses.getOrDefault(subject, Uses.NONE);
                    put(subject, new Uses(old.bindings.without(binding), old.groups));
                });
            } else if (document instanceof GroupDocument group) {
                contain(group.name(), group.members(), List.of());
            }
        }

        private void put(@Nullable Document document) {
            if (document instanceof RoleBindingDocument binding) {
                ofRoles = ofRoles.plus(binding.role(), bindings(binding.role()).with(binding));
                forEachNamed(binding, subject -> {
                    Uses old = uses.getOrDefault(subject, Uses.NONE);
                    put(subject, new Uses(old.bindings.with(binding), old.groups));
                });
            } else if (document instanceof GroupDocument group) {
                contain(group.name(), List.of(), group.members());
            }
        }

        private SortedNames<RoleBindingDocument> bindings(String role) {
            return ofRoles.getOrDefault(role, NO_BINDINGS);
        }

        /** Members that stay are not touched. */
        private void contain(String group, List<Subject> was, List<Subject> is) {
            Set<Subject> added = new LinkedHashSet<>(is);
            for (Subject member : new LinkedHashSet<>(was)) {
                if (!added.remove(member)) {
                    Uses old = uses.getOrDefault(member, Uses.NONE);
                    put(member, new Uses(old.bindings, without(old.groups, group)));
                }
            }
            for (Subject member : added) {
                Uses old = uses.getOrDefault(member, Uses.NONE);
                put(member, new Uses(old.bindings, with(old.groups, group)));
            }
            List<String> inner = groupsIn(is);
            nested = inner.isEmpty() ? nested.minus(group) : nested.plus(group, inner);
        }

        private void put(Subject subject, Uses its) {
            uses = its.isEmpty() ? uses.minus(subject) : uses.plus(subject, its);
        }

        private static List<String> with(List<String> names, String added) {
            List<String> longer = new ArrayList<>(names.size() + 1);
            longer.addAll(names);
            longer.add(added);
            return List.copyOf(longer);
        }

        private static List<String> without(List<String> names, String removed) {
            return names.stream().filter(name -> !name.equals(removed)).toList();
        }
    }

    private static List<String> groupsIn(List<Subject> members) {
        return members.stream().filter(Subject::isGroup).map(Subject::id).toList();
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
            case GroupDocument group -> groupsIn(group.members()).forEach(name -> each.accept(Sort.GROUP, name));
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
                case SubjectPattern.Anyone _, SubjectPattern.AnyOfType _ -> {
                    each.accept(Sort.OPEN_ROLE, binding.role());
                    each.accept(Sort.OPEN, binding.name());
                }
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
