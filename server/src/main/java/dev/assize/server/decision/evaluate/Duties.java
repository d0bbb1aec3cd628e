package dev.assize.server.decision.evaluate;

import dev.assize.server.decision.check.CheckBytes;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.policy.AnyOf;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.Document.ApprovalRuleDocument;
import dev.assize.server.policy.Document.Duty;
import dev.assize.server.policy.Document.SeparationOfDutyDocument;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The separations of duty that are held against requests, and the approvals they need; all by name. */
public final class Duties {

    /** Of these roles no request has more than so many active. */
    public record ActiveRule(SeparationOfDutyDocument document, List<String> roles, int limit) {
        String name() {
            return document.name();
        }
    }

    private final Map<String, List<ActiveRule>> activeByEnvironment = new HashMap<>();
    private final Map<String, List<SeparationOfDutyDocument>> historiesByAction = new HashMap<>();
    private final List<ApprovalRuleDocument> approvals;
    private final NameTable<String> asking;
    private final boolean asksAboutAll;

    /**
     * Those of a tenant and the platform.
     *
     * @param environments of the tenant
     */
    public Duties(
            Collection<Environment> environments,
            Collection<SeparationOfDutyDocument> duties,
            Collection<ApprovalRuleDocument> approvals) {
        this.approvals = approvals.stream()
                .sorted(Comparator.comparing(Document::name, Utf8Order.INSTANCE))
                .toList();
        duties.stream()
                .sorted(Comparator.comparing(Document::name, Utf8Order.INSTANCE))
                .forEach(document -> {
                    switch (document.duty()) {
                        // Judged when policy is written.
                        case Duty.AssignedRoles _ -> {}
                        case Duty.ActiveRoles(List<String> roles, int limit) ->
                            addActive(environments, new ActiveRule(document, roles, limit));
                        case Duty.PerformedActions(List<Action> actions, var _) ->
                            actions.stream()
                                    .distinct()
                                    .forEach(action -> historiesByAction
                                            .computeIfAbsent(action.value(), any -> new ArrayList<>())
                                            .add(document));
                    }
                });
        asking = new NameTable<>(asking());
        asksAboutAll = approvals.stream().anyMatch(rule -> rule.actions() instanceof AnyOf.All<Action>);
    }

    /** Whether there is any rule about active roles. */
    boolean limitActive() {
        return !activeByEnvironment.isEmpty();
    }

    /** Whether there is any rule that asks outside of the policy. */
    boolean mayAsk() {
        return !historiesByAction.isEmpty() || !approvals.isEmpty();
    }

    /** Whether there is one that asks about the action. */
    boolean mayAsk(CheckBytes names) {
        return asksAboutAll || asking.find(names.bytes(), names.actionOffset(), names.actionLength()) != null;
    }

    /** The actions that histories and approvals name. */
    private Map<String, String> asking() {
        Map<String, String> actions = new HashMap<>();
        historiesByAction.keySet().forEach(action -> actions.put(action, action));
        for (ApprovalRuleDocument rule : approvals) {
            if (rule.actions() instanceof AnyOf.Listed<Action>(List<Action> listed)) {
                listed.forEach(action -> actions.put(action.value(), action.value()));
            }
        }
        return actions;
    }

    /** The actions that rules about performed actions name. */
    Set<String> historyActions() {
        return Collections.unmodifiableSet(historiesByAction.keySet());
    }

    /** The rules about active roles that cover an environment. */
    List<ActiveRule> active(Environment environment) {
        return activeByEnvironment.isEmpty()
                ? List.of()
                : activeByEnvironment.getOrDefault(environment.value(), List.of());
    }

    /** The rules about performed actions that cover a request. */
    List<SeparationOfDutyDocument> histories(CheckQuery query) {
        List<SeparationOfDutyDocument> ofAction = historiesByAction.isEmpty()
                ? List.of()
                : historiesByAction.getOrDefault(query.action().value(), List.of());
        return ofAction.isEmpty()
                ? List.of()
                : ofAction.stream().filter(rule -> covers(rule, query)).toList();
    }

    /** The approval rules that cover an action. */
    List<ApprovalRuleDocument> approvals(Action action, ResourcePath resource, Environment env) {
        return approvals.isEmpty()
                ? List.of()
                : approvals.stream()
                        .filter(rule -> rule.covers(action, resource, env))
                        .toList();
    }

    private void addActive(Collection<Environment> environments, ActiveRule rule) {
        for (Environment environment : environments) {
            if (rule.document().environments().contains(environment)) {
                activeByEnvironment
                        .computeIfAbsent(environment.value(), any -> new ArrayList<>())
                        .add(rule);
            }
        }
    }

    private static boolean covers(SeparationOfDutyDocument rule, CheckQuery query) {
        return rule.environments().contains(query.env())
                && rule.duty() instanceof Duty.PerformedActions performed
                && performed.resources().contains(query.resource().type());
    }
}
