package dev.assize.server.decision;

import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.AnyOf;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.Document.Effect;
import dev.assize.server.policy.Document.FreezeDocument;
import dev.assize.server.policy.Document.FreezeTarget;
import dev.assize.server.policy.Document.GroupDocument;
import dev.assize.server.policy.Document.Permission;
import dev.assize.server.policy.Document.ResourceTypeDocument;
import dev.assize.server.policy.Document.RoleBindingDocument;
import dev.assize.server.policy.Document.RoleDocument;
import dev.assize.server.policy.Document.TenantDocument;
import dev.assize.server.policy.PolicySet;
import dev.assize.server.policy.SubjectPattern;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** What the documents of a tenant and the platform say about a request, looked up anew each time. */
final class ReferencePolicy {

    /** "Compared as bytes." */
    static final Comparator<String> BYTES = (left, right) ->
            Arrays.compareUnsigned(left.getBytes(StandardCharsets.UTF_8), right.getBytes(StandardCharsets.UTF_8));

    private final PolicySet tenant;
    private final PolicySet platform;

    ReferencePolicy(PolicySet tenant, PolicySet platform) {
        this.tenant = tenant;
        this.platform = platform;
    }

    PolicySet tenant() {
        return tenant;
    }

    PolicySet platform() {
        return platform;
    }

    TenantId self() {
        return tenant.scope().tenant().orElseThrow();
    }

    TenantDocument tenantDocument() {
        return tenant.ofKind(TenantDocument.class).getFirst();
    }

    /** Those of the tenant and the platform, "the first by name" first. */
    <D extends Document> List<D> all(Class<D> kind) {
        List<D> documents = new ArrayList<>(tenant.ofKind(kind));
        documents.addAll(platform.ofKind(kind));
        documents.sort(Comparator.comparing(Document::name, BYTES));
        return documents;
    }

    <D extends Document> Optional<D> find(Class<D> kind, String name) {
        return Stream.of(tenant, platform)
                .flatMap(policy -> policy.ofKind(kind).stream())
                .filter(document -> document.name().equals(name))
                .findAny();
    }

    /** "Bindings whose subjects contain the subject, directly or through groups; whose `fromTenant` is its tenant." */
    boolean names(RoleBindingDocument binding, Subject subject, TenantId home) {
        TenantId from = binding.fromTenant() == null ? self() : binding.fromTenant();
        return from.equals(home)
                && binding.subjects().stream().anyMatch(pattern -> switch (pattern) {
                    case SubjectPattern.Anyone() -> true;
                    case SubjectPattern.AnyOfType(String type) -> type.equals(subject.type());
                    case SubjectPattern.Named(Subject named) ->
                        named.equals(subject)
                                || (named.isGroup() && groups(subject, home).contains(named.id()));
                });
    }

    /** "All groups that contain the subject"; "another tenant's subject is in no group here". */
    SortedSet<String> groups(Subject subject, TenantId home) {
        SortedSet<String> groups = new TreeSet<>(BYTES);
        if (home.equals(self())) {
            for (GroupDocument group : all(GroupDocument.class)) {
                if (isMember(subject, group.name(), new HashSet<>())) {
                    groups.add(group.name());
                }
            }
        }
        return groups;
    }

    private boolean isMember(Subject subject, String group, Set<String> visited) {
        return visited.add(group)
                && find(GroupDocument.class, group).stream()
                        .flatMap(document -> document.members().stream())
                        .anyMatch(member -> member.equals(subject)
                                || (member.isGroup() && isMember(subject, member.id(), visited)));
    }

    /** A role and every role it inherits by a way that avoids those cut out. */
    Set<String> inherited(String role, Set<String> cut) {
        Set<String> reached = new HashSet<>();
        collect(role, cut, reached);
        return reached;
    }

    private void collect(String role, Set<String> cut, Set<String> reached) {
        if (!cut.contains(role) && reached.add(role)) {
            find(RoleDocument.class, role).stream()
                    .flatMap(document -> document.inherits().stream())
                    .forEach(inherited -> collect(inherited, cut, reached));
        }
    }

    /** "Covers (type(r), action, env)"; "`implies` widens allow permissions only". */
    boolean covers(Permission permission, CheckQuery query) {
        return permission.resources().contains(query.resource().type())
                && permission.environments().contains(query.env())
                && (permission.actions().contains(query.action())
                        || (permission.effect() == Effect.ALLOW
                                && permission.actions() instanceof AnyOf.Listed<Action>(List<Action> listed)
                                && listed.stream()
                                        .anyMatch(action -> implies(
                                                query.resource().type(), action, query.action(), new HashSet<>()))));
    }

    /** "Transitive; `*` is all." */
    private boolean implies(String type, Action action, Action asked, Set<Action> visited) {
        if (action.equals(asked)) {
            return true;
        }
        AnyOf<Action> implied = find(ResourceTypeDocument.class, type)
                .map(document -> document.implies().get(action))
                .orElse(null);
        return visited.add(action)
                && switch (implied) {
                    case null -> false;
                    case AnyOf.All<Action>() -> true;
                    case AnyOf.Listed<Action>(List<Action> listed) ->
                        listed.stream().anyMatch(next -> implies(type, next, asked, visited));
                };
    }

    /** "Each list that is present must match; `resources` match the path or anything under it." */
    static boolean isInScope(RoleBindingDocument binding, CheckQuery query) {
        Optional<AnyOf<Environment>> environments = binding.scopeOfGrant().environments();
        Optional<AnyOf<String>> types = binding.scopeOfGrant().resourceTypes();
        Optional<List<ResourcePath>> paths = binding.scopeOfGrant().resources();
        return (environments.isEmpty() || environments.get().contains(query.env()))
                && (types.isEmpty() || types.get().contains(query.resource().type()))
                && (paths.isEmpty() || paths.get().stream().anyMatch(path -> isUnder(query.resource(), path)));
    }

    /** "Active: [from, until)." */
    static boolean isActive(FreezeDocument freeze, Instant now) {
        return (freeze.from() == null || !now.isBefore(freeze.from()))
                && (freeze.until() == null || now.isBefore(freeze.until()));
    }

    /** "Whose every named field matches"; a role is not for matching. */
    boolean matches(FreezeTarget target, CheckQuery query) {
        return (target.subject() == null || isFrozen(target.subject(), query))
                && isOrNull(target.action(), query.action())
                && (target.resource() == null || isUnder(query.resource(), target.resource()))
                && isOrNull(target.resourceType(), query.resource().type())
                && isOrNull(target.environment(), query.env())
                && isOrNull(target.run(), query.runId());
    }

    /** "Freezes match a name whatever its home"; a group has members of its own tenant only. */
    private boolean isFrozen(Subject target, CheckQuery query) {
        return target.equals(query.subject())
                || (target.isGroup()
                        && groups(query.subject(), query.subjectTenant()).contains(target.id()));
    }

    private static boolean isOrNull(@Nullable Object named, @Nullable Object asked) {
        return named == null || named.equals(asked);
    }

    private static boolean isUnder(ResourcePath path, ResourcePath ancestor) {
        return path.equals(ancestor) || path.value().startsWith(ancestor.value() + "/");
    }
}
