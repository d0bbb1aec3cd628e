package dev.assize.server.policy;

import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.policy.Document.Effect;
import dev.assize.server.policy.Document.FreezeTarget;
import dev.assize.server.policy.Document.Permission;
import dev.assize.server.policy.Document.ResourceTypeDocument;
import dev.assize.server.policy.Document.RoleBindingDocument;
import dev.assize.server.policy.Document.RoleDocument;
import dev.assize.server.policy.Document.Scope;
import dev.assize.server.policy.RolesHeld.Holder;
import java.time.Instant;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The bindings that a freeze keeps from allowing something, by name. Conditions and runs are left aside, and so is what else
 * a subject may hold: whoever is told wants to know whom he stops, and one too many is better than one too few.
 */
public record FreezeReach(List<RoleBindingDocument> bindings) {

    /** What the target reaches among bindings that have not ended. */
    public static FreezeReach of(FreezeTarget target, PolicySet tenant, PolicySet platform, Instant now) {
        Search search = new Search(target, tenant, platform);
        return new FreezeReach(tenant.ofKind(RoleBindingDocument.class).stream()
                .filter(binding -> binding.notAfter() == null || now.isBefore(binding.notAfter()))
                .filter(search::reaches)
                .toList());
    }

    /** One target in one state of policy. */
    private static final class Search {

        private final FreezeTarget target;
        private final PolicySet tenant;
        private final PolicySet platform;
        private final RolesHeld roles;

        /** Null where the target names no subject. */
        private final @Nullable Set<Subject> names;

        /** The target's action and those that imply it, by type. */
        private final Map<String, Set<Action>> implying = new HashMap<>();

        private final Map<String, Boolean> reachedRoles = new HashMap<>();

        Search(FreezeTarget target, PolicySet tenant, PolicySet platform) {
            this.target = target;
            this.tenant = tenant;
            this.platform = platform;
            this.roles = new RolesHeld(tenant, platform);
            this.names = target.subject() == null ? null : names(target.subject());
        }

        boolean reaches(RoleBindingDocument binding) {
            return reachesSubjects(binding.subjects())
                    && reachesScope(binding.scopeOfGrant())
                    && reachedRoles.computeIfAbsent(binding.role(), this::reachesRole);
        }

        /** The subject with all groups that contain it; of a group its members with theirs, too. */
        private Set<Subject> names(Subject subject) {
            Set<Subject> found = new HashSet<>(roles.withGroups(subject));
            if (subject.isGroup()) {
                Set<Holder> members = new LinkedHashSet<>();
                roles.addMembers(subject, members);
                members.forEach(member -> found.addAll(roles.withGroups(member.subject())));
            }
            return found;
        }

        private boolean reachesSubjects(List<SubjectPattern> patterns) {
            Set<Subject> frozen = names;
            return frozen == null
                    || patterns.stream().anyMatch(pattern -> switch (pattern) {
                        case SubjectPattern.Anyone() -> true;
                        case SubjectPattern.AnyOfType(String type) ->
                            frozen.stream().anyMatch(name -> name.type().equals(type));
                        case SubjectPattern.Named(Subject subject) -> frozen.contains(subject);
                    });
        }

        private boolean reachesScope(Scope scope) {
            Environment environment = target.environment();
            String type = target.resourceType();
            ResourcePath path = target.resource();
            return (environment == null
                            || scope.environments()
                                    .map(any -> any.contains(environment))
                                    .orElse(true))
                    && (type == null
                            || scope.resourceTypes()
                                    .map(any -> any.contains(type))
                                    .orElse(true))
                    && (path == null
                            || scope.resources()
                                    .map(paths -> paths.stream()
                                            .anyMatch(other -> other.isUnder(path) || path.isUnder(other)))
                                    .orElse(true));
        }

        private boolean reachesRole(String role) {
            Set<String> closure = roles.closure(role);
            String cut = target.role();
            return (cut == null || closure.contains(cut))
                    && closure.stream().flatMap(this::allows).anyMatch(this::reachesAllow);
        }

        private Stream<Permission> allows(String role) {
            return Stream.of(tenant, platform)
                    .flatMap(set -> set.find(new DocumentKey(set.scope(), Kind.ROLE, role)).stream())
                    .flatMap(document -> ((RoleDocument) document).permissions().stream())
                    .filter(permission -> permission.effect() == Effect.ALLOW);
        }

        private boolean reachesAllow(Permission permission) {
            Environment environment = target.environment();
            String type = target.resourceType();
            return (environment == null || permission.environments().contains(environment))
                    && (type == null || permission.resources().contains(type))
                    && (target.action() == null || reachesAction(permission, target.action()));
        }

        private boolean reachesAction(Permission permission, Action action) {
            if (permission.actions().contains(action)) {
                return true;
            }
            return types(permission)
                    .flatMap(type -> implying(type, action).stream())
                    .anyMatch(permission.actions()::contains);
        }

        /** Declared types in question. */
        private Stream<ResourceTypeDocument> types(Permission permission) {
            String type = target.resourceType();
            return Stream.of(tenant, platform)
                    .flatMap(set -> set.ofKind(ResourceTypeDocument.class).stream())
                    .filter(document -> permission.resources().contains(document.name()))
                    .filter(document -> type == null || type.equals(document.name()));
        }

        private Set<Action> implying(ResourceTypeDocument type, Action action) {
            return implying.computeIfAbsent(type.name(), any -> {
                Set<Action> found = new HashSet<>(Set.of(action));
                boolean grew = true;
                while (grew) {
                    grew = false;
                    for (var implied : type.implies().entrySet()) {
                        if (found.stream().anyMatch(implied.getValue()::contains)) {
                            grew |= found.add(implied.getKey());
                        }
                    }
                }
                return found;
            });
        }
    }
}
