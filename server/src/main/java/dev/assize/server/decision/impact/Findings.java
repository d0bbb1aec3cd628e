package dev.assize.server.decision.impact;

import dev.assize.server.decision.impact.Impact.Finding;
import dev.assize.server.model.Action;
import dev.assize.server.model.Subject;
import dev.assize.server.policy.AnyOf;
import dev.assize.server.policy.Document.Effect;
import dev.assize.server.policy.Document.Permission;
import dev.assize.server.policy.Document.ResourceTypeDocument;
import dev.assize.server.policy.Document.RoleBindingDocument;
import dev.assize.server.policy.Document.RoleDocument;
import dev.assize.server.policy.Document.SubjectDocument;
import dev.assize.server.policy.DocumentKey;
import dev.assize.server.policy.Kind;
import dev.assize.server.policy.SubjectPattern;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** What a change leaves without effect that had one, or brings along without one. */
record Findings(List<Finding> first, long count) {

    /** Findings that are listed; more are counted. */
    static final int LISTED = 1_000;

    static Findings of(Side before, Side after, Set<DocumentKey> changed) {
        if (!after.exists()) {
            return new Findings(List.of(), 0);
        }
        Map<String, Finding> then = before.exists() ? new Inspection(before, after, changed).found() : Map.of();
        Map<String, Finding> now = new Inspection(after, before, changed).found();
        List<Finding> fresh = now.entrySet().stream()
                .filter(found -> !then.containsKey(found.getKey()))
                .map(Map.Entry::getValue)
                .toList();
        return new Findings(fresh.subList(0, Math.min(LISTED, fresh.size())), fresh.size());
    }

    /** Looks at what the change names in one of the two policies. */
    private static final class Inspection {

        private final Side side;
        private final Side other;
        private final Set<DocumentKey> changed;
        private final Map<String, Finding> found = new LinkedHashMap<>();
        private @Nullable Set<String> documentedTypes;

        Inspection(Side side, Side other, Set<DocumentKey> changed) {
            this.side = side;
            this.other = other;
            this.changed = changed;
        }

        Map<String, Finding> found() {
            boolean rolesMatter = changed.stream()
                    .anyMatch(key -> key.kind() == Kind.ROLE
                            || key.kind() == Kind.ROLE_BINDING
                            || key.kind() == Kind.RESOURCE_TYPE
                            || key.kind() == Kind.TENANT);
            if (rolesMatter) {
                Set<String> reached = reachedRoles();
                side.roles().forEach(role -> inspect(role, reached));
                types().forEach(type -> inspect(type, reached));
            }
            bindings().forEach(this::inspect);
            return found;
        }

        private Set<String> reachedRoles() {
            Set<String> reached = new HashSet<>();
            side.roles().stream()
                    .filter(role -> side.reach().isBound(role.name()))
                    .forEach(role -> reached.addAll(side.closure(role.name())));
            return reached;
        }

        private void inspect(RoleDocument role, Set<String> reached) {
            boolean ofTenant = !role.scope().isPlatform();
            if (ofTenant && !reached.contains(role.name())) {
                add(
                        Impact.Type.ROLE_UNREACHED,
                        role.key(),
                        "",
                        "no binding gives role `" + role.name() + "` to anybody");
            }
            int position = 0;
            for (Permission permission : role.permissions()) {
                if (ofTenant && permission.effect() == Effect.ALLOW && isShadowed(role, permission)) {
                    add(
                            Impact.Type.PERMISSION_SHADOWED,
                            role.key(),
                            permission.toString(),
                            "permission " + (position + 1) + " of role `" + role.name()
                                    + "` allows only what the role denies");
                }
                position++;
            }
        }

        /** A deny of its own role reaches everybody whom it reaches. */
        private boolean isShadowed(RoleDocument role, Permission allow) {
            return side.permissions(role.name())
                    .anyMatch(deny -> deny.effect() == Effect.DENY
                            && deny.when() == null
                            && covers(deny.resources(), allow.resources())
                            && covers(deny.actions(), allow.actions())
                            && covers(deny.environments(), allow.environments()));
        }

        private static <T> boolean covers(AnyOf<T> all, AnyOf<T> some) {
            return switch (some) {
                case AnyOf.All<T> _ -> all instanceof AnyOf.All<T>;
                case AnyOf.Listed<T>(List<T> listed) -> listed.stream().allMatch(all::contains);
            };
        }

        private List<ResourceTypeDocument> types() {
            return side.state().tenant().ofKind(ResourceTypeDocument.class);
        }

        private void inspect(ResourceTypeDocument type, Set<String> reached) {
            Set<Action> allowed = new HashSet<>();
            side.roles().stream()
                    .filter(role -> reached.contains(role.name()))
                    .flatMap(role -> role.permissions().stream())
                    .filter(permission -> permission.effect() == Effect.ALLOW
                            && permission.resources().contains(type.name()))
                    .forEach(permission -> type.actions().stream()
                            .filter(permission.actions()::contains)
                            .forEach(action -> allow(type, action, allowed)));
            for (Action action : new TreeSet<>(type.actions())) {
                if (!allowed.contains(action)) {
                    add(
                            Impact.Type.ACTION_UNREACHED,
                            type.key(),
                            action.value(),
                            "no binding allows anybody `" + action + "` on `" + type.name() + "`");
                }
            }
        }

        private static void allow(ResourceTypeDocument type, Action action, Set<Action> allowed) {
            if (allowed.add(action)) {
                AnyOf<Action> implied = type.implies().get(action);
                if (implied != null) {
                    type.actions().stream().filter(implied::contains).forEach(each -> allow(type, each, allowed));
                }
            }
        }

        /** Those that the change names, or what they stand on. */
        private Collection<RoleBindingDocument> bindings() {
            Map<DocumentKey, RoleBindingDocument> bindings = new LinkedHashMap<>();
            for (DocumentKey key : new TreeSet<>(changed)) {
                switch (key.kind()) {
                    case ROLE_BINDING -> {
                        if (side.find(key) instanceof RoleBindingDocument binding) {
                            bindings.put(key, binding);
                        }
                    }
                    case ROLE -> {
                        Set<String> reaching = new TreeSet<>(side.reaching(key.name()));
                        reaching.addAll(other.reaching(key.name()));
                        reaching.forEach(role -> side.reach().ofRole(role).forEach(it -> bindings.put(it.key(), it)));
                    }
                    case GROUP ->
                        side.reach()
                                .withGroups(new Subject(Subject.GROUP_TYPE, key.name()))
                                .forEach(name -> side.reach().naming(name).forEach(it -> bindings.put(it.key(), it)));
                    case SUBJECT ->
                        side.reach().naming(Subject.parse(key.name())).forEach(it -> bindings.put(it.key(), it));
                    case TENANT, RESOURCE_TYPE, RESOURCE, SEPARATION_OF_DUTY, APPROVAL_RULE, FREEZE -> {}
                }
            }
            return bindings.values();
        }

        private void inspect(RoleBindingDocument binding) {
            if (side.permissions(binding.role()).noneMatch(permission -> speaksWithin(binding, permission))) {
                add(
                        Impact.Type.BINDING_WITHOUT_PERMISSION,
                        binding.key(),
                        "",
                        "role `" + binding.role() + "` neither allows nor denies anything in the scope of binding `"
                                + binding.name() + "`");
            }
            List<String> nobody = new ArrayList<>();
            boolean somebody = false;
            for (SubjectPattern pattern : binding.subjects()) {
                if (pattern instanceof SubjectPattern.Named(Subject subject) && isNobody(binding, subject)) {
                    nobody.add("`" + subject + "`");
                } else {
                    somebody = true;
                }
            }
            if (!somebody) {
                add(
                        Impact.Type.BINDING_TO_NOBODY,
                        binding.key(),
                        "",
                        "binding `" + binding.name() + "` reaches nobody: " + String.join(", ", nobody)
                                + " has no members, or no document where others of its type do");
            }
        }

        private boolean speaksWithin(RoleBindingDocument binding, Permission permission) {
            return meets(binding.scopeOfGrant().environments().orElseGet(AnyOf.All::new), permission.environments())
                    && meets(binding.scopeOfGrant().resourceTypes().orElseGet(AnyOf.All::new), permission.resources());
        }

        private static <T> boolean meets(AnyOf<T> left, AnyOf<T> right) {
            return switch (left) {
                case AnyOf.All<T> _ -> true;
                case AnyOf.Listed<T>(List<T> listed) -> listed.stream().anyMatch(right::contains);
            };
        }

        private boolean isNobody(RoleBindingDocument binding, Subject subject) {
            boolean own = side.reach()
                    .homeOf(binding)
                    .equals(side.state().tenant().scope().ledgerTenant());
            if (!own) {
                return subject.isGroup();
            }
            if (subject.isGroup()) {
                return side.reach().members(subject).isEmpty();
            }
            return documentedTypes().contains(subject.type())
                    && side.find(new DocumentKey(side.state().tenant().scope(), Kind.SUBJECT, subject.toString()))
                            == null;
        }

        /** The types of which some subject has a document. */
        private Set<String> documentedTypes() {
            Set<String> known = documentedTypes;
            if (known == null) {
                known = new HashSet<>();
                for (SubjectDocument document : side.state().tenant().ofKind(SubjectDocument.class)) {
                    known.add(document.subject().type());
                }
                documentedTypes = known;
            }
            return known;
        }

        private void add(Impact.Type type, DocumentKey key, String detail, String message) {
            found.put(type + " " + key + " " + detail, new Finding(type, key, message));
        }
    }
}
