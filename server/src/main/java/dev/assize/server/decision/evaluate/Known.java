package dev.assize.server.decision.evaluate;

import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document.GroupDocument;
import dev.assize.server.policy.Document.ResourceDocument;
import dev.assize.server.policy.Document.RoleBindingDocument;
import dev.assize.server.policy.Document.SubjectDocument;
import dev.assize.server.policy.PolicySet;
import dev.assize.server.policy.SubjectPattern;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.NavigableSet;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The names that a policy knows, read off its documents. */
final class Known {

    private Known() {}

    static NavigableSet<Subject> subjects(PolicySet policy, TenantId home) {
        NavigableSet<Subject> known = new TreeSet<>(Comparator.comparing(Subject::toString, Utf8Order.INSTANCE));
        bindings(policy, home).flatMap(binding -> binding.subjects().stream()).forEach(pattern -> {
            if (pattern instanceof SubjectPattern.Named(Subject subject)) {
                known.add(subject);
            }
        });
        if (home.equals(policy.scope().tenantOrNull())) {
            policy.ofKind(GroupDocument.class).forEach(group -> known.addAll(group.members()));
            policy.ofKind(SubjectDocument.class).forEach(document -> known.add(document.subject()));
        }
        known.removeIf(Subject::isGroup);
        return known;
    }

    static List<String> wildcards(PolicySet policy, TenantId home, @Nullable String type) {
        return bindings(policy, home)
                .flatMap(binding -> binding.subjects().stream())
                .filter(pattern -> switch (pattern) {
                    case SubjectPattern.Anyone() -> true;
                    case SubjectPattern.AnyOfType(String ofType) -> type == null || type.equals(ofType);
                    case SubjectPattern.Named _ -> false;
                })
                .map(Object::toString)
                .distinct()
                .sorted(Utf8Order.INSTANCE)
                .toList();
    }

    static NavigableSet<ResourcePath> resources(PolicySet policy) {
        NavigableSet<ResourcePath> known = new TreeSet<>(Comparator.comparing(ResourcePath::value, Utf8Order.INSTANCE));
        policy.ofKind(RoleBindingDocument.class).stream()
                .flatMap(binding -> binding.scopeOfGrant().resources().stream())
                .forEach(known::addAll);
        policy.ofKind(ResourceDocument.class).forEach(document -> known.add(document.resource()));
        return known;
    }

    private static Stream<RoleBindingDocument> bindings(PolicySet policy, TenantId home) {
        Collection<RoleBindingDocument> bindings = policy.ofKind(RoleBindingDocument.class);
        return bindings.stream()
                .filter(binding -> home.equals(
                        binding.fromTenant() == null ? policy.scope().tenantOrNull() : binding.fromTenant()));
    }
}
