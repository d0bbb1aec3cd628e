package dev.assize.server.policy;

import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document.ApprovalRuleDocument;
import dev.assize.server.policy.Document.FreezeDocument;
import dev.assize.server.policy.Document.GroupDocument;
import dev.assize.server.policy.Document.ResourceTypeDocument;
import dev.assize.server.policy.Document.RoleBindingDocument;
import dev.assize.server.policy.Document.RoleDocument;
import dev.assize.server.policy.Document.SeparationOfDutyDocument;
import dev.assize.server.policy.Document.TenantDocument;
import dev.assize.server.policy.PolicyIndex.Sort;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/** Whom the bindings and groups of one policy reach, found at the cost of what is asked for. */
public final class Reach {

    private final PolicySet set;

    public Reach(PolicySet set) {
        this.set = set;
    }

    /** A name and all groups that contain it. */
    public Set<Subject> withGroups(Subject name) {
        Set<Subject> names = new LinkedHashSet<>(Set.of(name));
        Deque<Subject> rest = new ArrayDeque<>(names);
        while (!rest.isEmpty()) {
            for (String group : set.index().usesOf(rest.remove()).groups()) {
                Subject next = new Subject(Subject.GROUP_TYPE, group);
                if (names.add(next)) {
                    rest.add(next);
                }
            }
        }
        return names;
    }

    /** Everybody in a group, through groups too; a subject itself. */
    public Set<Subject> members(Subject name) {
        Set<Subject> seen = new LinkedHashSet<>(Set.of(name));
        Deque<Subject> rest = new ArrayDeque<>(seen);
        while (!rest.isEmpty()) {
            Subject next = rest.remove();
            if (next.isGroup()) {
                group(next.id()).stream()
                        .flatMap(group -> group.members().stream())
                        .filter(seen::add)
                        .forEach(rest::add);
            }
        }
        seen.removeIf(Subject::isGroup);
        return seen;
    }

    /** The bindings that name a subject or a group by itself, whatever the home they mean. */
    public Collection<RoleBindingDocument> naming(Subject name) {
        return list(set.index().usesOf(name).bindings());
    }

    /** The bindings to everybody, or to everybody of a type. */
    public List<RoleBindingDocument> open() {
        return set.index().targets(Sort.OPEN).stream()
                .flatMap(name -> set.find(new DocumentKey(set.scope(), Kind.ROLE_BINDING, name)).stream())
                .map(RoleBindingDocument.class::cast)
                .toList();
    }

    /** The bindings of a role. */
    public Collection<RoleBindingDocument> ofRole(String role) {
        return list(set.index().ofRole(role));
    }

    /** Whether any binding gives a role. */
    public boolean isBound(String role) {
        return !set.index().ofRole(role).isEmpty();
    }

    /** The home of those whom a binding names. */
    public TenantId homeOf(RoleBindingDocument binding) {
        TenantId from = binding.fromTenant();
        return from == null ? set.scope().ledgerTenant() : from;
    }

    /** The paths in the scopes of what names some subjects. */
    public Set<ResourcePath> scopes(Set<Subject> subjects) {
        Set<Subject> names = new LinkedHashSet<>();
        subjects.forEach(subject -> names.addAll(withGroups(subject)));
        Set<ResourcePath> paths = new LinkedHashSet<>();
        Stream.concat(open().stream(), names.stream().flatMap(name -> naming(name).stream()))
                .forEach(binding -> binding.scopeOfGrant().resources().ifPresent(paths::addAll));
        return paths;
    }

    /**
     * The policy as it is for a few subjects: all that is said of roles, types and rules, and of bindings, groups and
     * attributes what concerns them.
     */
    public PolicySet slice(Set<Subject> subjects, Set<DocumentKey> others) {
        Set<Subject> names = new LinkedHashSet<>();
        subjects.forEach(subject -> names.addAll(withGroups(subject)));
        Set<Document> documents = new LinkedHashSet<>();
        documents.addAll(set.ofKind(TenantDocument.class));
        documents.addAll(set.ofKind(ResourceTypeDocument.class));
        documents.addAll(set.ofKind(RoleDocument.class));
        documents.addAll(set.ofKind(SeparationOfDutyDocument.class));
        documents.addAll(set.ofKind(ApprovalRuleDocument.class));
        documents.addAll(set.ofKind(FreezeDocument.class));
        Set<String> bound = new LinkedHashSet<>();
        for (RoleBindingDocument binding : open()) {
            bound.add(binding.name());
            documents.add(narrowed(binding, names));
        }
        for (Subject name : names) {
            for (RoleBindingDocument binding : naming(name)) {
                if (bound.add(binding.name())) {
                    documents.add(narrowed(binding, names));
                }
            }
            if (name.isGroup()) {
                group(name.id()).ifPresent(group -> documents.add(narrowed(group, names)));
            } else {
                set.find(new DocumentKey(set.scope(), Kind.SUBJECT, name.toString()))
                        .ifPresent(documents::add);
            }
        }
        others.forEach(key -> set.find(key).ifPresent(documents::add));
        return PolicySet.of(set.scope(), set.revision(), documents);
    }

    private Optional<GroupDocument> group(String name) {
        return set.find(new DocumentKey(set.scope(), Kind.GROUP, name)).map(GroupDocument.class::cast);
    }

    private static RoleBindingDocument narrowed(RoleBindingDocument binding, Set<Subject> names) {
        List<SubjectPattern> subjects = binding.subjects().stream()
                .filter(pattern ->
                        !(pattern instanceof SubjectPattern.Named(Subject subject)) || names.contains(subject))
                .toList();
        return subjects.size() == binding.subjects().size()
                ? binding
                : new RoleBindingDocument(
                        binding.metadata(),
                        binding.place(),
                        subjects,
                        binding.role(),
                        binding.scopeOfGrant(),
                        binding.fromTenant(),
                        binding.notBefore(),
                        binding.notAfter(),
                        binding.when(),
                        binding.reason());
    }

    private static GroupDocument narrowed(GroupDocument group, Set<Subject> names) {
        return new GroupDocument(
                group.metadata(),
                group.place(),
                group.members().stream().filter(names::contains).toList());
    }

    private static List<RoleBindingDocument> list(SortedNames<RoleBindingDocument> names) {
        List<RoleBindingDocument> all = new ArrayList<>();
        names.forEach(all::add);
        return all;
    }
}
