package dev.assize.server.policy;

import dev.assize.server.model.Environment;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.AssignedRoles.Rule;
import dev.assize.server.policy.Document.GroupDocument;
import dev.assize.server.policy.Document.RoleBindingDocument;
import dev.assize.server.policy.Document.RoleDocument;
import dev.assize.server.policy.Document.SeparationOfDutyDocument;
import dev.assize.server.policy.Document.TenantDocument;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Who holds which of the roles that are kept apart, in one state of a tenant and the platform. */
final class RolesHeld {

    private final PolicySet tenant;
    private final PolicySet platform;
    private final @Nullable TenantId home;
    private final List<Environment> environments;
    private final SortedMap<DocumentKey, Rule> rules = new TreeMap<>();
    private final Set<String> keptApart = new HashSet<>();
    private final Map<String, Set<String>> closures = new HashMap<>();
    private final Map<String, Set<String>> constrained = new HashMap<>();

    RolesHeld(PolicySet tenant, PolicySet platform) {
        this(tenant, platform, Set.of());
    }

    /** @param others roles that are looked at, too: those that the rules of another state keep apart */
    RolesHeld(PolicySet tenant, PolicySet platform, Set<String> others) {
        keptApart.addAll(others);
        this.tenant = tenant;
        this.platform = platform;
        home = tenant.scope().tenantOrNull();
        List<TenantDocument> self = tenant.ofKind(TenantDocument.class);
        environments = self.isEmpty() ? List.of() : self.getFirst().environments();
        for (PolicySet set : List.of(platform, tenant)) {
            set.ofKind(SeparationOfDutyDocument.class)
                    .forEach(document -> Rule.of(document).ifPresent(rule -> rules.put(rule.key(), rule)));
        }
        rules.values().forEach(rule -> keptApart.addAll(rule.roles()));
    }

    /** A subject as its home has it. */
    record Holder(Subject subject, @Nullable TenantId home) {}

    /**
     * What one binding gives.
     *
     * @param from no earlier than now
     * @param until excluded; null means for ever
     * @param roles of those that are kept apart
     */
    record Holding(Instant from, @Nullable Instant until, AnyOf<Environment> environments, Set<String> roles) {}

    SortedMap<DocumentKey, Rule> rules() {
        return rules;
    }

    /** The roles of all rules. */
    Set<String> keptApart() {
        return keptApart;
    }

    /** Those that the tenant declares. */
    List<Environment> environments() {
        return environments;
    }

    /** Null for a subject of the tenant itself. */
    @Nullable
    TenantId homeShown(Holder holder) {
        return holder.home == null || holder.home.equals(home) ? null : holder.home;
    }

    <D extends Document> Optional<D> find(DocumentKey key, Class<D> kind) {
        return tenant.find(key).filter(kind::isInstance).map(kind::cast);
    }

    /** The role and all that it inherits. */
    Set<String> closure(String role) {
        Set<String> known = closures.get(role);
        if (known == null) {
            known = walk(role);
            closures.put(role, known);
        }
        return known;
    }

    /** Those in the closure of a role that some rule keeps apart. */
    Set<String> constrained(String role) {
        Set<String> known = constrained.get(role);
        if (known == null) {
            known = new HashSet<>(closure(role));
            known.retainAll(keptApart);
            constrained.put(role, known);
        }
        return known;
    }

    /** All roles that are kept apart or inherit one that is. */
    Set<String> constrainedRoles() {
        Set<String> roles = new HashSet<>(keptApart);
        for (PolicySet set : List.of(platform, tenant)) {
            set.ofKind(RoleDocument.class).stream()
                    .map(Document::name)
                    .filter(name -> !constrained(name).isEmpty())
                    .forEach(roles::add);
        }
        return roles;
    }

    /** Everybody to whom a binding gives one of the roles. */
    Set<Holder> holdersOf(Set<String> roles) {
        Set<Holder> holders = new LinkedHashSet<>();
        for (String role : roles) {
            tenant.index().ofRole(role).forEach(binding -> addHolders(binding, holders));
        }
        return holders;
    }

    /** Everybody whom a binding names, or who is in a group that it names. */
    void addHolders(RoleBindingDocument binding, Set<Holder> holders) {
        TenantId from = binding.fromTenant();
        for (SubjectPattern pattern : binding.subjects()) {
            if (pattern instanceof SubjectPattern.Named(Subject subject)) {
                if (from == null || from.equals(home)) {
                    addMembers(subject, holders);
                } else if (!subject.isGroup()) {
                    holders.add(new Holder(subject, from));
                }
            }
        }
    }

    /** The subject, or everybody in the group. */
    void addMembers(Subject subject, Set<Holder> holders) {
        Set<Subject> seen = new HashSet<>(Set.of(subject));
        Deque<Subject> rest = new ArrayDeque<>(seen);
        while (!rest.isEmpty()) {
            Subject next = rest.remove();
            if (!next.isGroup()) {
                holders.add(new Holder(next, home));
            } else {
                find(new DocumentKey(tenant.scope(), Kind.GROUP, next.id()), GroupDocument.class).stream()
                        .flatMap(group -> group.members().stream())
                        .filter(seen::add)
                        .forEach(rest::add);
            }
        }
    }

    /** What bindings give to a subject from now on, as far as rules keep it apart. */
    List<Holding> holdingsOf(Holder holder, Instant now) {
        List<Holding> holdings = new ArrayList<>();
        boolean own = homeShown(holder) == null;
        for (Subject name : own ? withGroups(holder.subject) : Set.of(holder.subject)) {
            for (RoleBindingDocument binding : tenant.index().usesOf(name).bindings()) {
                TenantId from = binding.fromTenant();
                if (own ? from == null || from.equals(home) : Objects.equals(from, holder.home)) {
                    addHolding(binding, now, holdings);
                }
            }
        }
        return holdings;
    }

    private void addHolding(RoleBindingDocument binding, Instant now, List<Holding> holdings) {
        Set<String> roles = constrained(binding.role());
        Instant until = binding.notAfter();
        if (!roles.isEmpty() && (until == null || now.isBefore(until))) {
            Instant from = binding.notBefore();
            holdings.add(new Holding(
                    from == null || from.isBefore(now) ? now : from,
                    until,
                    binding.scopeOfGrant().environments().orElseGet(AnyOf.All::new),
                    roles));
        }
    }

    /** A subject and all groups that contain it. */
    Set<Subject> withGroups(Subject subject) {
        Set<Subject> names = new LinkedHashSet<>(Set.of(subject));
        Deque<Subject> rest = new ArrayDeque<>(names);
        while (!rest.isEmpty()) {
            for (String group : tenant.index().usesOf(rest.remove()).groups()) {
                Subject name = new Subject(Subject.GROUP_TYPE, group);
                if (names.add(name)) {
                    rest.add(name);
                }
            }
        }
        return names;
    }

    private Set<String> walk(String role) {
        Set<String> reached = new HashSet<>(Set.of(role));
        Deque<String> rest = new ArrayDeque<>(reached);
        while (!rest.isEmpty()) {
            findRole(rest.remove()).stream()
                    .flatMap(document -> document.inherits().stream())
                    .filter(reached::add)
                    .forEach(rest::add);
        }
        return reached;
    }

    private Optional<RoleDocument> findRole(String name) {
        return tenant.find(new DocumentKey(tenant.scope(), Kind.ROLE, name))
                .or(() -> platform.find(new DocumentKey(platform.scope(), Kind.ROLE, name)))
                .map(RoleDocument.class::cast);
    }
}
