package dev.assize.server.decision.compile;

import dev.assize.server.decision.evaluate.Grant;
import dev.assize.server.decision.evaluate.GrantList;
import dev.assize.server.decision.evaluate.GrantScope;
import dev.assize.server.decision.evaluate.Memberships;
import dev.assize.server.decision.evaluate.SubjectIndex;
import dev.assize.server.model.Environment;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.AnyOf;
import dev.assize.server.policy.Document.RoleBindingDocument;
import dev.assize.server.policy.Document.Scope;
import dev.assize.server.policy.SubjectPattern;
import java.util.BitSet;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.ToIntFunction;
import org.jspecify.annotations.Nullable;

/**
 * The grants of a policy and whom they name. Subjects of the tenant are found by themselves and through their groups;
 * those of another tenant only by a grant that names their home, and in no group.
 */
final class GrantTable {

    private final TenantId tenant;
    private final Map<String, Integer> environments;
    private final ResourceTable resources;
    private final BoundRoles roles;
    private final Map<TenantId, Named> namedByHome = new HashMap<>();
    private final Map<List<Integer>, GrantList> lists = new HashMap<>();
    private long grantBytes;

    /** The bindings by name. */
    GrantTable(
            TenantId tenant,
            Map<String, Integer> environments,
            ResourceTable resources,
            BoundRoles roles,
            List<RoleBindingDocument> bindings) {
        this.tenant = tenant;
        this.environments = environments;
        this.resources = resources;
        this.roles = roles;
        for (int index = 0; index < bindings.size(); index++) {
            add(grant(index, bindings.get(index)), bindings.get(index));
        }
    }

    /** The tenant's own subjects. */
    SubjectIndex residents(Memberships memberships) {
        Named named = namedByHome.getOrDefault(tenant, new Named());
        named.requireGroups(memberships);
        Set<Subject> subjects = new HashSet<>(named.bySubject.keySet());
        subjects.addAll(memberships.members());
        return index(named, subjects, memberships);
    }

    /** Other tenants' subjects, by their home. */
    Map<TenantId, SubjectIndex> guests() {
        Memberships inNoGroup = new Memberships(List.of());
        Map<TenantId, SubjectIndex> guests = new HashMap<>();
        namedByHome.forEach((home, named) -> {
            if (!home.equals(tenant)) {
                guests.put(home, index(named, named.bySubject.keySet(), inNoGroup));
            }
        });
        return guests;
    }

    /** What grants and lists weigh, each counted once. */
    long weightBytes() {
        return grantBytes
                + lists.values().stream().mapToLong(GrantList::weightBytes).sum();
    }

    private void add(Grant grant, RoleBindingDocument binding) {
        grantBytes += grant.weightBytes();
        TenantId home = binding.fromTenant() == null ? tenant : binding.fromTenant();
        Named named = namedByHome.computeIfAbsent(home, any -> new Named());
        for (SubjectPattern pattern : binding.subjects()) {
            named.grants(pattern).put(grant.index(), grant);
        }
    }

    private Grant grant(int index, RoleBindingDocument binding) {
        return new Grant(index, binding, roles.index(binding.role()), scope(binding.scopeOfGrant()));
    }

    private @Nullable GrantScope scope(Scope scope) {
        BitSet inEnvironments = scope.environments()
                .map(names -> indexes(names, (Environment name) -> environments.getOrDefault(name.value(), -1)))
                .orElse(null);
        BitSet ofTypes = scope.resourceTypes()
                .map(names -> indexes(names, resources::index))
                .orElse(null);
        boolean unlimited =
                inEnvironments == null && ofTypes == null && scope.resources().isEmpty();
        return unlimited
                ? null
                : new GrantScope(inEnvironments, ofTypes, scope.resources().orElse(null));
    }

    /** The indexes of those of the names that the graph knows; null for all names. */
    private static <T> @Nullable BitSet indexes(AnyOf<T> names, ToIntFunction<T> index) {
        return switch (names) {
            case AnyOf.All<T>() -> null;
            case AnyOf.Listed<T>(List<T> listed) -> {
                BitSet indexes = new BitSet();
                listed.stream().mapToInt(index).filter(known -> known >= 0).forEach(indexes::set);
                yield indexes;
            }
        };
    }

    private SubjectIndex index(Named named, Collection<Subject> subjects, Memberships memberships) {
        Map<Subject, GrantList> bySubject = new HashMap<>();
        for (Subject subject : subjects) {
            SortedMap<Integer, Grant> grants = subject.isGroup() ? new TreeMap<>() : named.naming(subject, memberships);
            if (!grants.isEmpty()) {
                bySubject.put(subject, list(grants));
            }
        }
        Map<String, GrantList> byType = new HashMap<>();
        named.byType.forEach((type, grants) -> {
            SortedMap<Integer, Grant> all = new TreeMap<>(grants);
            all.putAll(named.ofAnyone);
            byType.put(type, list(all));
        });
        return new SubjectIndex(bySubject, byType, named.ofAnyone.isEmpty() ? null : list(named.ofAnyone));
    }

    private GrantList list(SortedMap<Integer, Grant> grants) {
        return lists.computeIfAbsent(
                List.copyOf(grants.keySet()), any -> GrantList.of(List.copyOf(grants.values()), roles.count()));
    }

    /** Grants by what their bindings say of subjects of one home. */
    private static final class Named {

        private final Map<Subject, SortedMap<Integer, Grant>> bySubject = new HashMap<>();
        private final Map<String, SortedMap<Integer, Grant>> byType = new HashMap<>();
        private final SortedMap<Integer, Grant> ofAnyone = new TreeMap<>();

        SortedMap<Integer, Grant> grants(SubjectPattern pattern) {
            return switch (pattern) {
                case SubjectPattern.Anyone() -> ofAnyone;
                case SubjectPattern.AnyOfType(String type) -> byType.computeIfAbsent(type, any -> new TreeMap<>());
                case SubjectPattern.Named(Subject subject) ->
                    bySubject.computeIfAbsent(subject, any -> new TreeMap<>());
            };
        }

        SortedMap<Integer, Grant> naming(Subject subject, Memberships memberships) {
            SortedMap<Integer, Grant> grants = new TreeMap<>();
            grants.putAll(bySubject.getOrDefault(subject, new TreeMap<>()));
            for (String group : memberships.containing(subject)) {
                grants.putAll(bySubject.getOrDefault(Memberships.ofGroup(group), new TreeMap<>()));
            }
            return grants;
        }

        void requireGroups(Memberships memberships) {
            for (Subject subject : bySubject.keySet()) {
                if (subject.isGroup() && !memberships.isGroup(subject.id())) {
                    throw new IllegalArgumentException("No group `" + subject.id() + "`");
                }
            }
        }
    }
}
