package dev.assize.server.decision;

import dev.assize.server.decision.check.Answer;
import dev.assize.server.decision.check.Answer.DecidedBy;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.Reason;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.AnyOf;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.Document.Effect;
import dev.assize.server.policy.Document.GroupDocument;
import dev.assize.server.policy.Document.Obligation;
import dev.assize.server.policy.Document.Permission;
import dev.assize.server.policy.Document.ResourceTypeDocument;
import dev.assize.server.policy.Document.RoleBindingDocument;
import dev.assize.server.policy.Document.RoleDocument;
import dev.assize.server.policy.Document.TenantDocument;
import dev.assize.server.policy.PolicySet;
import dev.assize.server.policy.SubjectPattern;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * The meaning of a decision, read off the contract sentence by sentence and interpreted from the documents on every
 * request: as plain as can be, as slow as it likes, and written without a look at the engine that it is played against.
 */
final class ReferenceEvaluator {

    private final PolicySet tenant;
    private final PolicySet platform;

    ReferenceEvaluator(PolicySet tenant, PolicySet platform) {
        this.tenant = tenant;
        this.platform = platform;
    }

    /** A permission that covers the request, of a binding that names the subject. */
    private record Candidate(RoleBindingDocument binding, String role, int position, Permission permission) {
        DecidedBy decidedBy() {
            return new DecidedBy.Grant(binding.name(), role, position);
        }
    }

    private static final Comparator<String> BYTES = (left, right) ->
            Arrays.compareUnsigned(left.getBytes(StandardCharsets.UTF_8), right.getBytes(StandardCharsets.UTF_8));

    /** "Of several, the first by binding name, then role name, then position." */
    private static final Comparator<Candidate> FIRST = Comparator.comparing(
                    (Candidate candidate) -> candidate.binding().name(), BYTES)
            .thenComparing(Candidate::role, BYTES)
            .thenComparingInt(Candidate::position);

    /** The answer, with the next moment at which it could change as the end of its validity. */
    Answer evaluate(CheckQuery query, Instant now) {
        TenantDocument self = tenant.ofKind(TenantDocument.class).getFirst();
        if (!self.environments().contains(query.env())) {
            return deny(Reason.ENVIRONMENT_UNKNOWN, now);
        }
        List<ResourceTypeDocument> types = visible(ResourceTypeDocument.class);
        if (!types.isEmpty()) {
            Optional<ResourceTypeDocument> type = type(query.resource().type());
            if (type.isEmpty()) {
                return deny(Reason.TYPE_UNKNOWN, now);
            }
            if (!type.get().actions().contains(query.action())) {
                return deny(Reason.ACTION_UNKNOWN, now);
            }
        }
        List<Candidate> denies = new ArrayList<>();
        List<Candidate> allows = new ArrayList<>();
        List<Candidate> expired = new ArrayList<>();
        List<Candidate> notYetValid = new ArrayList<>();
        List<Candidate> outOfScope = new ArrayList<>();
        for (RoleBindingDocument binding : tenant.ofKind(RoleBindingDocument.class)) {
            if (!names(binding, query.subject(), query.subjectTenant())) {
                continue;
            }
            for (Candidate candidate : permissions(binding)) {
                boolean allow = candidate.permission().effect() == Effect.ALLOW;
                if (!covers(candidate.permission(), query)) {
                    continue;
                }
                if (!isInScope(binding, query)) {
                    if (allow) {
                        outOfScope.add(candidate);
                    }
                } else if (binding.notAfter() != null && !now.isBefore(binding.notAfter())) {
                    if (allow) {
                        expired.add(candidate);
                    }
                } else if (binding.notBefore() != null && now.isBefore(binding.notBefore())) {
                    if (allow) {
                        notYetValid.add(candidate);
                    }
                } else {
                    (allow ? allows : denies).add(candidate);
                }
            }
        }
        if (!denies.isEmpty()) {
            Candidate first = denies.stream().min(FIRST).orElseThrow();
            return answer(Reason.EXPLICIT_DENY, first, ordered(List.of(first)), now);
        }
        if (!allows.isEmpty()) {
            return answer(Reason.ALLOWED, allows.stream().min(FIRST).orElseThrow(), ordered(allows), now);
        }
        if (!expired.isEmpty()) {
            return answer(Reason.GRANT_EXPIRED, expired.stream().min(FIRST).orElseThrow(), List.of(), now);
        }
        if (!notYetValid.isEmpty()) {
            return answer(
                    Reason.GRANT_NOT_YET_VALID, notYetValid.stream().min(FIRST).orElseThrow(), List.of(), now);
        }
        if (!outOfScope.isEmpty()) {
            return answer(Reason.OUT_OF_SCOPE, outOfScope.stream().min(FIRST).orElseThrow(), List.of(), now);
        }
        return deny(Reason.NO_GRANT, now);
    }

    /** The bindings in whose times the answer may lie: they name the subject, and cover the request in all but time. */
    List<RoleBindingDocument> inQuestion(CheckQuery query) {
        return tenant.ofKind(RoleBindingDocument.class).stream()
                .filter(binding -> names(binding, query.subject(), query.subjectTenant()))
                .filter(binding -> isInScope(binding, query))
                .filter(binding ->
                        permissions(binding).stream().anyMatch(candidate -> covers(candidate.permission(), query)))
                .toList();
    }

    /** "Bindings whose subjects contain the subject, directly or through groups; whose `fromTenant` is its tenant." */
    private boolean names(RoleBindingDocument binding, Subject subject, TenantId subjectTenant) {
        TenantId own = tenant.scope().tenant().orElseThrow();
        TenantId from = binding.fromTenant() == null ? own : binding.fromTenant();
        if (!from.equals(subjectTenant)) {
            return false;
        }
        for (SubjectPattern pattern : binding.subjects()) {
            boolean matches = switch (pattern) {
                case SubjectPattern.Anyone() -> true;
                case SubjectPattern.AnyOfType(String type) -> type.equals(subject.type());
                case SubjectPattern.Named(Subject named) ->
                    named.isGroup()
                            ? subjectTenant.equals(own) && isMember(subject, named.id(), new HashSet<>())
                            : named.equals(subject);
            };
            if (matches) {
                return true;
            }
        }
        return false;
    }

    private boolean isMember(Subject subject, String group, Set<String> visited) {
        if (!visited.add(group)) {
            return false;
        }
        for (GroupDocument document : tenant.ofKind(GroupDocument.class)) {
            if (document.name().equals(group)) {
                for (Subject member : document.members()) {
                    if (member.equals(subject) || (member.isGroup() && isMember(subject, member.id(), visited))) {
                        return true;
                    }
                }
            }
        }
        return false;
    }

    /** "A role's permissions are its own and those of every role it inherits." */
    private List<Candidate> permissions(RoleBindingDocument binding) {
        Set<String> roles = new HashSet<>();
        collectRoles(binding.role(), roles);
        List<Candidate> permissions = new ArrayList<>();
        for (String role : roles) {
            List<Permission> own = role(role).permissions();
            for (int position = 0; position < own.size(); position++) {
                permissions.add(new Candidate(binding, role, position, own.get(position)));
            }
        }
        return permissions;
    }

    private void collectRoles(String role, Set<String> roles) {
        if (roles.add(role)) {
            role(role).inherits().forEach(inherited -> collectRoles(inherited, roles));
        }
    }

    private boolean covers(Permission permission, CheckQuery query) {
        return permission.resources().contains(query.resource().type())
                && permission.environments().contains(query.env())
                && coversAction(permission, query.resource().type(), query.action());
    }

    /** "`implies` widens allow permissions only." */
    private boolean coversAction(Permission permission, String type, Action asked) {
        if (permission.actions().contains(asked)) {
            return true;
        }
        return permission.effect() == Effect.ALLOW
                && permission.actions() instanceof AnyOf.Listed<Action>(List<Action> listed)
                && listed.stream().anyMatch(action -> implies(type, action, asked, new HashSet<>()));
    }

    /** "Transitive; `*` is all." */
    private boolean implies(String type, Action action, Action asked, Set<Action> visited) {
        if (action.equals(asked)) {
            return true;
        }
        if (!visited.add(action) || type(type).isEmpty()) {
            return false;
        }
        AnyOf<Action> implied = type(type).get().implies().get(action);
        return switch (implied) {
            case null -> false;
            case AnyOf.All<Action>() -> true;
            case AnyOf.Listed<Action>(List<Action> listed) ->
                listed.stream().anyMatch(next -> implies(type, next, asked, visited));
        };
    }

    /** "Each list that is present must match; `resources` match the path or anything under it." */
    private static boolean isInScope(RoleBindingDocument binding, CheckQuery query) {
        Optional<AnyOf<Environment>> environments = binding.scopeOfGrant().environments();
        if (environments.isPresent() && !environments.get().contains(query.env())) {
            return false;
        }
        Optional<AnyOf<String>> types = binding.scopeOfGrant().resourceTypes();
        if (types.isPresent() && !types.get().contains(query.resource().type())) {
            return false;
        }
        return binding.scopeOfGrant().resources().isEmpty()
                || binding.scopeOfGrant().resources().get().stream()
                        .anyMatch(path -> isPrefix(
                                path.value().split("/"),
                                query.resource().value().split("/")));
    }

    private static boolean isPrefix(String[] ancestor, String[] path) {
        return ancestor.length <= path.length && Arrays.equals(ancestor, Arrays.copyOf(path, ancestor.length));
    }

    private <D extends Document> List<D> visible(Class<D> kind) {
        List<D> documents = new ArrayList<>(tenant.ofKind(kind));
        documents.addAll(platform.ofKind(kind));
        return documents;
    }

    private Optional<ResourceTypeDocument> type(String name) {
        return visible(ResourceTypeDocument.class).stream()
                .filter(type -> type.name().equals(name))
                .findAny();
    }

    private RoleDocument role(String name) {
        return visible(RoleDocument.class).stream()
                .filter(role -> role.name().equals(name))
                .findAny()
                .orElseThrow();
    }

    /** A union, by id, then type; the rest only to have one order. */
    private static List<Obligation> ordered(List<Candidate> candidates) {
        return candidates.stream()
                .flatMap(candidate -> candidate.permission().obligations().stream())
                .distinct()
                .sorted(Comparator.comparing(Obligation::id, BYTES)
                        .thenComparing(Obligation::type, BYTES)
                        .thenComparing(
                                obligation -> String.join(
                                        "\0", obligation.properties().values()),
                                BYTES))
                .toList();
    }

    private Answer deny(Reason reason, Instant now) {
        return new Answer(
                reason, null, tenant.revision(), platform.revision(), now.plus(Duration.ofHours(24)), List.of());
    }

    private Answer answer(Reason reason, Candidate candidate, List<Obligation> obligations, Instant now) {
        return new Answer(
                reason,
                candidate.decidedBy(),
                tenant.revision(),
                platform.revision(),
                now.plus(Duration.ofHours(24)),
                obligations);
    }
}
