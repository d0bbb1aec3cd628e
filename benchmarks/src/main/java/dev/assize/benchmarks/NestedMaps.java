package dev.assize.benchmarks;

import dev.assize.proto.v1.CheckRequest;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.Reason;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.policy.AnyOf;
import dev.assize.server.policy.Document.Effect;
import dev.assize.server.policy.Document.GroupDocument;
import dev.assize.server.policy.Document.Permission;
import dev.assize.server.policy.Document.ResourceTypeDocument;
import dev.assize.server.policy.Document.RoleBindingDocument;
import dev.assize.server.policy.Document.RoleDocument;
import dev.assize.server.policy.Document.TenantDocument;
import dev.assize.server.policy.PolicySet;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What one writes by hand in an afternoon: maps in maps, groups resolved when they are built. It answers the reason
 * only, without deciding binding, obligations and validity, and knows no inheritance, platform, wildcards or guests,
 * none of which the benchmark's tenants have: it does less, and the comparison is in its favour.
 */
final class NestedMaps {

    private static final List<Reason> PRECEDENCE = List.of(
            Reason.EXPLICIT_DENY,
            Reason.ALLOWED,
            Reason.GRANT_EXPIRED,
            Reason.GRANT_NOT_YET_VALID,
            Reason.OUT_OF_SCOPE,
            Reason.NO_GRANT);

    private final Set<String> environments = new HashSet<>();
    private final Map<String, Set<String>> actionsByType = new HashMap<>();
    private final Map<String, List<Grant>> grantsBySubject = new HashMap<>();

    /** Role, type, action, environment. */
    private final Map<String, Map<String, Map<String, Map<String, Set<Effect>>>>> effects = new HashMap<>();

    NestedMaps(PolicySet policy) {
        TenantDocument tenant = policy.ofKind(TenantDocument.class).getFirst();
        tenant.environments().forEach(environment -> environments.add(environment.value()));
        for (ResourceTypeDocument type : policy.ofKind(ResourceTypeDocument.class)) {
            Set<String> actions = actionsByType.computeIfAbsent(type.name(), any -> new HashSet<>());
            type.actions().forEach(action -> actions.add(action.value()));
        }
        for (RoleDocument role : policy.ofKind(RoleDocument.class)) {
            role.permissions().forEach(permission -> add(role.name(), permission, tenant.environments()));
        }
        Map<Subject, List<Subject>> membersByGroup = new HashMap<>();
        for (GroupDocument group : policy.ofKind(GroupDocument.class)) {
            membersByGroup.put(new Subject(Subject.GROUP_TYPE, group.name()), group.members());
        }
        for (RoleBindingDocument binding : policy.ofKind(RoleBindingDocument.class)) {
            Grant grant = Grant.of(binding);
            ArrayDeque<Subject> open = new ArrayDeque<>();
            binding.subjects().forEach(pattern -> open.add(Subject.parse(pattern.toString())));
            while (!open.isEmpty()) {
                Subject subject = open.remove();
                open.addAll(membersByGroup.getOrDefault(subject, List.of()));
                grantsBySubject
                        .computeIfAbsent(subject.toString(), any -> new ArrayList<>())
                        .add(grant);
            }
        }
    }

    Reason check(Question question, Instant now) {
        String type = question.type();
        if (!environments.contains(question.env())) {
            return Reason.ENVIRONMENT_UNKNOWN;
        }
        Set<String> actions = actionsByType.get(type);
        if (actions == null) {
            return Reason.TYPE_UNKNOWN;
        }
        if (!actions.contains(question.action())) {
            return Reason.ACTION_UNKNOWN;
        }
        Reason best = Reason.NO_GRANT;
        for (Grant grant : grantsBySubject.getOrDefault(question.subject(), List.of())) {
            Set<Effect> ofRole = effects.getOrDefault(grant.role(), Map.of())
                    .getOrDefault(type, Map.of())
                    .getOrDefault(question.action(), Map.of())
                    .getOrDefault(question.env(), Set.of());
            if (!ofRole.isEmpty()) {
                Reason reason = grant.judge(ofRole, question, now);
                best = PRECEDENCE.indexOf(reason) < PRECEDENCE.indexOf(best) ? reason : best;
            }
            if (best == Reason.EXPLICIT_DENY) {
                return best;
            }
        }
        return best;
    }

    /** What is asked of a tenant, as strings. */
    record Question(String subject, String resource, String action, String env) {

        static Question of(CheckQuery query) {
            return new Question(
                    query.subject().toString(),
                    query.resource().value(),
                    query.action().value(),
                    query.env().value());
        }

        static Question of(CheckRequest request) {
            return new Question(request.getSubject(), request.getResource(), request.getAction(), request.getEnv());
        }

        private String type() {
            int innermost = resource.lastIndexOf('/') + 1;
            int colon = resource.indexOf(':', innermost);
            return resource.substring(innermost, colon < 0 ? resource.length() : colon);
        }
    }

    /** A binding to one subject; no environments and no resources are all. */
    private record Grant(
            String role,
            Set<String> environments,
            List<String> resources,
            @Nullable Instant notBefore,
            @Nullable Instant notAfter) {

        static Grant of(RoleBindingDocument binding) {
            Set<String> environments = new HashSet<>();
            for (AnyOf<Environment> names :
                    binding.scopeOfGrant().environments().stream().toList()) {
                if (names instanceof AnyOf.Listed<Environment> listed) {
                    listed.values().forEach(environment -> environments.add(environment.value()));
                }
            }
            List<String> resources = binding.scopeOfGrant().resources().stream()
                    .flatMap(List::stream)
                    .map(ResourcePath::value)
                    .toList();
            return new Grant(binding.role(), environments, resources, binding.notBefore(), binding.notAfter());
        }

        Reason judge(Set<Effect> effects, Question question, Instant now) {
            @Nullable Reason otherwise = null;
            if (!covers(question)) {
                otherwise = Reason.OUT_OF_SCOPE;
            } else if (notAfter != null && !now.isBefore(notAfter)) {
                otherwise = Reason.GRANT_EXPIRED;
            } else if (notBefore != null && now.isBefore(notBefore)) {
                otherwise = Reason.GRANT_NOT_YET_VALID;
            }
            if (otherwise != null) {
                return effects.contains(Effect.ALLOW) ? otherwise : Reason.NO_GRANT;
            }
            return effects.contains(Effect.DENY) ? Reason.EXPLICIT_DENY : Reason.ALLOWED;
        }

        private boolean covers(Question question) {
            if (!environments.isEmpty() && !environments.contains(question.env())) {
                return false;
            }
            return resources.isEmpty()
                    || resources.stream().anyMatch(ancestor -> isUnder(question.resource(), ancestor));
        }

        private static boolean isUnder(String resource, String ancestor) {
            return resource.startsWith(ancestor)
                    && (resource.length() == ancestor.length() || resource.charAt(ancestor.length()) == '/');
        }
    }

    private void add(String role, Permission permission, List<Environment> all) {
        for (String type : ((AnyOf.Listed<String>) permission.resources()).values()) {
            for (Action action : ((AnyOf.Listed<Action>) permission.actions()).values()) {
                for (Environment environment : all) {
                    if (permission.environments().contains(environment)) {
                        effects.computeIfAbsent(role, any -> new HashMap<>())
                                .computeIfAbsent(type, any -> new HashMap<>())
                                .computeIfAbsent(action.value(), any -> new HashMap<>())
                                .computeIfAbsent(environment.value(), any -> new HashSet<>())
                                .add(permission.effect());
                    }
                }
            }
        }
    }
}
