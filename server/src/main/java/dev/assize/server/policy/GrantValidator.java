package dev.assize.server.policy;

import dev.assize.server.model.ResourcePath;
import dev.assize.server.policy.AssignedRoles.Rule;
import dev.assize.server.policy.Document.GroupDocument;
import dev.assize.server.policy.Document.Permission;
import dev.assize.server.policy.Document.RoleBindingDocument;
import dev.assize.server.policy.Document.RoleDocument;
import dev.assize.server.policy.Document.Scope;
import dev.assize.server.policy.condition.AttributeDeclaration;
import dev.assize.server.policy.condition.Compilation;
import dev.assize.server.policy.condition.ConditionCompiler;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Judges who may do what: roles, groups and bindings, and the conditions in them. */
final class GrantValidator {

    private final InSight inSight;
    private final AttributeDeclarations declarations;
    private final RolesHeld held;
    private final ConditionCompiler compiler;

    GrantValidator(InSight inSight, AttributeDeclarations declarations, RolesHeld held) {
        this.inSight = inSight;
        this.declarations = declarations;
        this.held = held;
        compiler = new ConditionCompiler(declarations.ofSubjects());
    }

    void check(RoleDocument role) {
        inSight.checkOnlyHere(role);
        for (int i = 0; i < role.inherits().size(); i++) {
            inSight.checkRoleExists(
                    role, "spec.inherits[" + i + "]", role.inherits().get(i));
        }
        for (int i = 0; i < role.permissions().size(); i++) {
            check(role, "spec.permissions[" + i + "].", role.permissions().get(i));
        }
    }

    private void check(RoleDocument role, String field, Permission permission) {
        SourcePlace place = permission.place();
        inSight.checkTypesAndActions(role, place, field, permission.resources(), permission.actions(), "permission");
        inSight.checkEnvironments(role, place, field + "environments", permission.environments());
        if (permission.when() != null) {
            checkCondition(role, place, field + "when", permission.when(), declarations.seenBy(permission));
        }
    }

    void check(GroupDocument group) {
        for (int i = 0; i < group.members().size(); i++) {
            inSight.checkGroupExists(
                    group, "spec.members[" + i + "]", group.members().get(i));
        }
    }

    void check(RoleBindingDocument binding) {
        for (int i = 0; i < binding.subjects().size(); i++) {
            String field = "spec.subjects[" + i + "]";
            switch (binding.subjects().get(i)) {
                case SubjectPattern.Named named -> inSight.checkGroupExists(binding, field, named.subject());
                case SubjectPattern.Anyone _, SubjectPattern.AnyOfType _ ->
                    checkMayBeOpen(binding, field, binding.subjects().get(i).toString());
            }
        }
        inSight.checkRoleExists(binding, "spec.role", binding.role());
        check(binding, binding.scopeOfGrant());
        checkCondition(binding);
    }

    /** A condition that compiled with other declarations may not with these. */
    void checkCondition(RoleBindingDocument binding) {
        if (binding.when() != null) {
            checkCondition(binding, binding.place(), "spec.when", binding.when(), declarations.seenBy(binding));
        }
    }

    private void check(RoleBindingDocument binding, Scope scope) {
        SourcePlace place = binding.place();
        scope.environments()
                .ifPresent(names -> inSight.checkEnvironments(binding, place, "spec.scope.environments", names));
        scope.resourceTypes()
                .ifPresent(names -> InSight.forEachListed(
                        names,
                        (type, index) ->
                                inSight.checkType(binding, place, "spec.scope.resourceTypes[" + index + "]", type)));
        scope.resources().ifPresent(paths -> check(binding, paths));
    }

    private void check(RoleBindingDocument binding, List<ResourcePath> paths) {
        for (int i = 0; i < paths.size(); i++) {
            if (paths.get(i).wholeType()) {
                inSight.add(
                        binding,
                        "spec.scope.resources[" + i + "]",
                        paths.get(i).value(),
                        "a resource path whose segments all have ids");
            }
        }
    }

    /** Who holds a role that everybody has cannot be told apart from who must not. */
    private void checkMayBeOpen(RoleBindingDocument binding, String field, String pattern) {
        Rule rule = keepingApart(binding.role());
        if (rule != null) {
            inSight.add(
                    binding,
                    field,
                    pattern,
                    "subjects and groups by name: separation of duty `"
                            + rule.key().name() + "` is about role `" + binding.role() + "`");
        }
    }

    /** The first rule about a role or one that it inherits; null where there is none. */
    @Nullable
    Rule keepingApart(String role) {
        Set<String> constrained = held.constrained(role);
        if (!constrained.isEmpty()) {
            for (Rule rule : held.rules().values()) {
                if (constrained.stream().anyMatch(rule.roles()::contains)) {
                    return rule;
                }
            }
        }
        return null;
    }

    private void checkCondition(
            Document document,
            SourcePlace place,
            String field,
            String when,
            Map<String, AttributeDeclaration> resourceAttributes) {
        if (compiler.compile(when, resourceAttributes) instanceof Compilation.Refused refused) {
            for (Compilation.Fault fault : refused.faults()) {
                inSight.add(document, place, field, when, expected(fault));
            }
        }
    }

    private static String expected(Compilation.Fault fault) {
        return "a condition in CEL; at its line " + fault.line() + ", column " + fault.column() + ": "
                + fault.message();
    }

    /** What a tenant declares must leave the platform's conditions as they are: each tenant has them, too. */
    void checkConditionsOf(RoleDocument onPlatform, Document tenant) {
        for (Permission permission : onPlatform.permissions()) {
            if (permission.when() != null
                    && compiler.compile(permission.when(), declarations.seenBy(permission))
                            instanceof Compilation.Refused refused) {
                inSight.add(
                        tenant,
                        "spec.subjectAttributes",
                        permission.when(),
                        "attributes so declared, here and by resource types, that the platform's `" + onPlatform.key()
                                + "` compiles: "
                                + refused.faults().getFirst().message());
            }
        }
    }
}
