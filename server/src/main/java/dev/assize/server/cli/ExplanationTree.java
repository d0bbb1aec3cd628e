package dev.assize.server.cli;

import dev.assize.proto.v1.BindingState;
import dev.assize.proto.v1.BindingTrace;
import dev.assize.proto.v1.CheckRequest;
import dev.assize.proto.v1.CheckResponse;
import dev.assize.proto.v1.DecidedBy;
import dev.assize.proto.v1.Effect;
import dev.assize.proto.v1.Explanation;
import dev.assize.proto.v1.PermissionState;
import dev.assize.proto.v1.PermissionTrace;
import dev.assize.proto.v1.RuleTrace;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** The trace of a decision as people read it, in the order in which it is judged. */
final class ExplanationTree {

    private ExplanationTree() {}

    static Tree of(CheckRequest request, CheckResponse answer) {
        Explanation trace = answer.getExplanation();
        Tree root = new Tree(subject(request.getSubject(), trace));
        sections(root, trace);
        if (trace.hasDelegator()) {
            Explanation delegator = trace.getDelegator();
            Tree branch = root.branch("On behalf of " + subject(request.getOnBehalfOf(), delegator) + ": "
                    + Answers.decision(delegator.getDecision()) + " "
                    + Answers.bare(delegator.getReason().name(), "REASON_"));
            sections(branch, delegator);
        } else if (!request.getOnBehalfOf().isEmpty()) {
            root.branch("On behalf of " + request.getOnBehalfOf() + ": not looked at, for " + request.getSubject()
                    + " itself is denied");
        }
        return root;
    }

    /** One sentence: what decided, and where it stands. */
    static String decidedBy(CheckResponse answer) {
        DecidedBy by = answer.getDecidedBy();
        List<Explanation> traces = answer.getExplanation().hasDelegator()
                ? List.of(answer.getExplanation(), answer.getExplanation().getDelegator())
                : List.of(answer.getExplanation());
        if (!by.getFreeze().isEmpty()) {
            return "Decided by freeze " + by.getFreeze() + place(traces, by.getFreeze(), Kind.FREEZE) + ".";
        }
        if (!by.getSeparationOfDuty().isEmpty()) {
            return "Decided by separation of duty " + by.getSeparationOfDuty()
                    + place(traces, by.getSeparationOfDuty(), Kind.DUTY) + ".";
        }
        if (!by.getApprovalRule().isEmpty()) {
            return "Decided by approval rule " + by.getApprovalRule()
                    + place(traces, by.getApprovalRule(), Kind.APPROVAL) + ".";
        }
        if (!by.getBinding().isEmpty()) {
            Optional<BindingTrace> binding = traces.stream()
                    .flatMap(trace -> trace.getBindingsList().stream())
                    .filter(it -> it.getBinding().equals(by.getBinding()))
                    .findFirst();
            String rule = binding.stream()
                    .flatMap(it -> it.getPermissionsList().stream())
                    .filter(it ->
                            it.getRole().equals(by.getRole()) && it.getRule().equals(by.getRule()))
                    .map(PermissionTrace::getSource)
                    .findFirst()
                    .orElse("");
            return "Decided by " + by.getRule() + " of role " + by.getRole() + at(rule) + ", given by binding "
                    + by.getBinding() + at(binding.map(BindingTrace::getSource).orElse("")) + ".";
        }
        return "Nothing in the policy decided it by itself.";
    }

    private enum Kind {
        FREEZE,
        DUTY,
        APPROVAL
    }

    private static String place(List<Explanation> traces, String name, Kind kind) {
        Stream<RuleTrace> rules = traces.stream().flatMap(trace -> switch (kind) {
            case FREEZE -> trace.getFreezesList().stream();
            case DUTY -> trace.getSeparationsOfDutyList().stream();
            case APPROVAL -> trace.getApprovalRulesList().stream();
        });
        return at(rules.filter(rule -> rule.getName().equals(name))
                .map(RuleTrace::getSource)
                .findFirst()
                .orElse(""));
    }

    private static String subject(String subject, Explanation trace) {
        return subject
                + (trace.getGroupsCount() == 0 ? ", in no group" : ", in " + String.join(", ", trace.getGroupsList()));
    }

    private static void sections(Tree tree, Explanation trace) {
        rules(tree, "Freezes", "none names anything of this request", "[stops this] ", trace.getFreezesList());
        if (trace.getActiveRolesCount() > 0) {
            tree.branch(
                    "Active roles, held against separations of duty: " + String.join(", ", trace.getActiveRolesList()));
        }
        bindings(tree, trace.getBindingsList());
        rules(tree, "Separation of duty", "no rule covers this", "[forbids this] ", trace.getSeparationsOfDutyList());
        rules(tree, "Approvals", "no rule covers this", "[missing] ", trace.getApprovalRulesList());
    }

    private static void rules(Tree tree, String title, String none, String mark, List<RuleTrace> rules) {
        if (rules.isEmpty()) {
            tree.branch(title + ": " + none);
            return;
        }
        Tree section = tree.branch(title);
        for (RuleTrace rule : rules) {
            section.branch((rule.getDenies() ? mark : "[no objection] ") + rule.getName() + at(rule.getSource()))
                    .note(rule.getDetail());
        }
    }

    private static void bindings(Tree tree, List<BindingTrace> bindings) {
        if (bindings.isEmpty()) {
            tree.branch("Bindings: no binding of the tenant names this subject");
            return;
        }
        Tree section = tree.branch("Bindings");
        for (BindingTrace binding : bindings) {
            Tree branch = section.branch(mark(binding.getState()) + " binding " + binding.getBinding() + " gives role "
                            + binding.getRole() + " to " + binding.getMatchedSubject() + at(binding.getSource()))
                    .note(binding.getDetail());
            if (binding.getPermissionsCount() == 0) {
                branch.note("no permission of the role covers this action here");
            }
            binding.getPermissionsList()
                    .forEach(permission -> branch.branch(permission(permission)).note(permission.getDetail()));
        }
    }

    private static String permission(PermissionTrace permission) {
        return mark(permission.getState()) + (permission.getEffect() == Effect.EFFECT_DENY ? "DENY" : "allow")
                + " by role " + permission.getRole() + " " + permission.getRule() + through(permission)
                + at(permission.getSource());
    }

    private static String mark(BindingState state) {
        return switch (state) {
            case BINDING_STATE_HOLDS -> "[holds]";
            case BINDING_STATE_OUT_OF_SCOPE -> "[out of scope]";
            case BINDING_STATE_EXPIRED -> "[expired]";
            case BINDING_STATE_NOT_YET_VALID -> "[not yet valid]";
            case BINDING_STATE_CONDITION_FALSE -> "[condition false]";
            case BINDING_STATE_CONDITION_ERROR -> "[condition error]";
            case BINDING_STATE_NOT_ACTIVE -> "[not active]";
            case BINDING_STATE_UNSPECIFIED, UNRECOGNIZED -> "[unknown state]";
        };
    }

    private static String mark(PermissionState state) {
        return switch (state) {
            case PERMISSION_STATE_HOLDS, PERMISSION_STATE_UNSPECIFIED -> "";
            case PERMISSION_STATE_CONDITION_FALSE -> "[condition false] ";
            case PERMISSION_STATE_CONDITION_ERROR -> "[condition error] ";
            case PERMISSION_STATE_ROLE_FROZEN -> "[role frozen] ";
            case UNRECOGNIZED -> "[unknown state] ";
        };
    }

    private static String through(PermissionTrace permission) {
        return permission.getThroughCount() < 2
                ? ""
                : ", inherited: " + String.join(" < ", permission.getThroughList());
    }

    private static String at(String source) {
        return source.isEmpty() ? "" : "  (" + source + ")";
    }
}
