package dev.assize.server.policy;

import dev.assize.server.model.Action;
import dev.assize.server.policy.AssignedRoles.Rule;
import dev.assize.server.policy.Document.ApprovalRuleDocument;
import dev.assize.server.policy.Document.Duty;
import dev.assize.server.policy.Document.FreezeDocument;
import dev.assize.server.policy.Document.FreezeTarget;
import dev.assize.server.policy.Document.RoleDocument;
import dev.assize.server.policy.Document.SeparationOfDutyDocument;
import java.util.List;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;

/** Judges what restrains those who have roles: separation of duty, rules of approval, freezes. */
final class RestraintValidator {

    private final InSight inSight;
    private final RolesHeld held;

    RestraintValidator(InSight inSight, RolesHeld held) {
        this.inSight = inSight;
        this.held = held;
    }

    void check(SeparationOfDutyDocument rule) {
        inSight.checkOnlyHere(rule);
        switch (rule.duty()) {
            case Duty.AssignedRoles duty -> checkRoles(rule, duty.roles());
            case Duty.ActiveRoles duty -> checkRoles(rule, duty.roles());
            case Duty.PerformedActions duty ->
                inSight.checkTypesAndActions(
                        rule, rule.place(), "spec.", duty.resources(), new AnyOf.Listed<>(duty.actions()), "rule");
        }
        inSight.checkEnvironments(rule, rule.place(), "spec.environments", rule.environments());
    }

    private void checkRoles(SeparationOfDutyDocument rule, List<String> roles) {
        for (int i = 0; i < roles.size(); i++) {
            inSight.checkRoleExists(rule, "spec.roles[" + i + "]", roles.get(i));
        }
    }

    void check(ApprovalRuleDocument rule) {
        inSight.checkTypesAndActions(rule, rule.place(), "spec.", rule.resources(), rule.actions(), "rule");
        inSight.checkEnvironments(rule, rule.place(), "spec.environments", rule.environments());
        inSight.checkRoleExists(rule, "spec.approverRole", rule.approverRole());
    }

    void check(FreezeDocument freeze) {
        FreezeTarget target = freeze.target();
        if (target.subject() != null) {
            inSight.checkGroupExists(freeze, "spec.subject", target.subject());
        }
        if (target.role() != null) {
            inSight.checkRoleExists(freeze, "spec.role", target.role());
        }
        if (target.action() != null) {
            checkAction(freeze, target.action(), target);
        }
        if (target.resourceType() != null) {
            inSight.checkType(freeze, freeze.place(), "spec.resourceType", target.resourceType());
        }
        if (target.environment() != null && !inSight.hasEnvironment(target.environment())) {
            inSight.add(freeze, "spec.environment", target.environment().value(), inSight.environmentExpected());
        }
    }

    private void checkAction(FreezeDocument freeze, Action action, FreezeTarget target) {
        String type = target.resourceType();
        boolean declared = type == null ? inSight.hasAction(action) : inSight.isDeclared(action, Set.of(type), false);
        if (!declared) {
            inSight.add(
                    freeze,
                    "spec.action",
                    action.value(),
                    type == null
                            ? "an action that a resource type declares"
                            : "an action that resource type `" + type + "` declares");
        }
    }

    /** No role may be against a rule by itself: whoever had it would be. */
    void checkInheritance() {
        for (Rule rule : held.rules().values()) {
            for (RoleDocument role : inSight.rolesByName()) {
                SortedSet<String> reached = new TreeSet<>(held.closure(role.name()));
                reached.retainAll(rule.roles());
                if (reached.size() > rule.limit()) {
                    report(rule, role, String.join(", ", reached));
                }
            }
        }
    }

    /** At the role where the set has it, at the rule otherwise; what is both the platform's is judged there. */
    private void report(Rule rule, RoleDocument role, String reached) {
        if (role.scope().equals(inSight.set().scope())) {
            inSight.add(
                    role,
                    "spec.inherits",
                    reached,
                    "at most " + rule.limit() + " of the roles that separation of duty `"
                            + rule.key().name() + "` keeps apart");
        } else if (rule.key().scope().equals(inSight.set().scope())) {
            inSight.set()
                    .find(rule.key())
                    .ifPresent(document -> inSight.add(
                            document,
                            "spec.roles",
                            reached,
                            "roles of which the platform's `" + role.key() + "` has at most " + rule.limit()));
        }
    }
}
