package dev.assize.server.cli.policytest;

import dev.assize.server.decision.check.Explanation;
import dev.assize.server.decision.check.Explanation.BindingState;
import dev.assize.server.decision.check.Explanation.BindingTrace;
import dev.assize.server.decision.check.Explanation.PermissionState;
import dev.assize.server.decision.check.Explanation.RuleTrace;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.Document.ApprovalRuleDocument;
import dev.assize.server.policy.Document.Duty;
import dev.assize.server.policy.Document.FreezeDocument;
import dev.assize.server.policy.Document.RoleBindingDocument;
import dev.assize.server.policy.Document.RoleDocument;
import dev.assize.server.policy.Document.SeparationOfDutyDocument;
import dev.assize.server.policy.PolicySet;
import dev.assize.server.policy.SourcePlace;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * Which rules of a policy some check met: a binding that held, a permission that held or whose deny decided, a freeze,
 * a separation of duty or an approval rule that stood in the way. Assigned roles are judged when policy is written, so no
 * check can meet a rule about them.
 */
final class RuleCoverage {

    /** Roles by name, the platform's among them: a tenant's check may meet them. */
    private final Map<PolicyScope, Map<String, Rule>> rulesByScope = new TreeMap<>();

    private final Set<Rule> met = new HashSet<>();

    /** A rule by its name in messages, and where it stands. */
    record Rule(String name, SourcePlace place) {}

    RuleCoverage(Map<PolicyScope, PolicySet> policies) {
        policies.forEach((scope, policy) -> {
            Map<String, Rule> rules = new TreeMap<>();
            policy.documents().forEach(document -> add(document, rules));
            rulesByScope.put(scope, rules);
        });
    }

    /** Marks what the trace of a check in a tenant shows to have been met. */
    void meet(TenantId tenant, Explanation explanation) {
        explanation.bindings().forEach(binding -> meet(tenant, binding));
        explanation.freezes().forEach(freeze -> meet(tenant, "Freeze/", freeze));
        explanation.duties().forEach(duty -> meet(tenant, "SeparationOfDuty/", duty));
        explanation.approvals().forEach(approval -> meet(tenant, "ApprovalRule/", approval));
        Explanation delegator = explanation.delegator();
        if (delegator != null) {
            meet(tenant, delegator);
        }
    }

    int count() {
        return rulesByScope.values().stream().mapToInt(Map::size).sum();
    }

    int metCount() {
        return met.size();
    }

    /** Of a hundred; all of none is a hundred. */
    int percent() {
        return count() == 0 ? 100 : 100 * metCount() / count();
    }

    /** In the order in which they stand. */
    List<Rule> unmet() {
        return rulesByScope.values().stream()
                .flatMap(rules -> rules.values().stream())
                .filter(rule -> !met.contains(rule))
                .sorted(Comparator.comparing((Rule rule) -> rule.place().file())
                        .thenComparingInt(rule -> rule.place().line())
                        .thenComparing(Rule::name))
                .toList();
    }

    private void meet(TenantId tenant, BindingTrace binding) {
        if (binding.state() == BindingState.HOLDS) {
            mark(tenant, "RoleBinding/" + binding.binding());
        }
        boolean counts = binding.state() == BindingState.HOLDS
                || binding.state() == BindingState.NOT_ACTIVE
                || binding.state() == BindingState.CONDITION_ERROR;
        binding.permissions().stream()
                .filter(permission -> counts && permission.state() == PermissionState.HOLDS)
                .forEach(permission -> mark(tenant, permission(permission.role(), permission.position())));
    }

    private void meet(TenantId tenant, String kind, RuleTrace trace) {
        if (trace.denies()) {
            mark(tenant, kind + trace.name());
        }
    }

    private void mark(TenantId tenant, String name) {
        for (PolicyScope scope : List.of(PolicyScope.of(tenant), PolicyScope.PLATFORM)) {
            Rule rule = rulesByScope.getOrDefault(scope, Map.of()).get(name);
            if (rule != null) {
                met.add(rule);
            }
        }
    }

    private static void add(Document document, Map<String, Rule> rules) {
        switch (document) {
            case RoleDocument role -> {
                for (int i = 0; i < role.permissions().size(); i++) {
                    put(permission(role.name(), i), role.permissions().get(i).place(), rules);
                }
            }
            case SeparationOfDutyDocument duty -> {
                if (!(duty.duty() instanceof Duty.AssignedRoles)) {
                    put(duty.key().toString(), duty.place(), rules);
                }
            }
            case RoleBindingDocument _, FreezeDocument _, ApprovalRuleDocument _ ->
                put(document.key().toString(), document.place(), rules);
            case Document.TenantDocument _,
                    Document.ResourceTypeDocument _,
                    Document.GroupDocument _,
                    Document.SubjectDocument _,
                    Document.ResourceDocument _ -> {}
        }
    }

    private static void put(String name, SourcePlace place, Map<String, Rule> rules) {
        rules.put(name, new Rule(name, place));
    }

    private static String permission(String role, int position) {
        return "Role/" + role + ": permissions[" + position + "]";
    }
}
