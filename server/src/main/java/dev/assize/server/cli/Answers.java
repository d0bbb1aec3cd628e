package dev.assize.server.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.protobuf.Timestamp;
import dev.assize.proto.v1.BindingTrace;
import dev.assize.proto.v1.CheckResponse;
import dev.assize.proto.v1.DecidedBy;
import dev.assize.proto.v1.Decision;
import dev.assize.proto.v1.Explanation;
import dev.assize.proto.v1.Obligation;
import dev.assize.proto.v1.PermissionTrace;
import dev.assize.proto.v1.Reason;
import dev.assize.proto.v1.RuleTrace;
import java.io.PrintWriter;
import java.time.Instant;
import java.util.List;

/** How answers of the decision service are shown. */
final class Answers {

    private Answers() {}

    static boolean isAllow(CheckResponse answer) {
        return answer.getDecision() == Decision.DECISION_ALLOW;
    }

    static String decision(CheckResponse answer) {
        return decision(answer.getDecision());
    }

    static String decision(Decision decision) {
        return decision == Decision.DECISION_ALLOW ? "ALLOW" : "DENY";
    }

    static String reason(CheckResponse answer) {
        return bare(answer.getReason().name(), "REASON_");
    }

    static String bare(String constant, String prefix) {
        return constant.startsWith(prefix) ? constant.substring(prefix.length()) : constant;
    }

    static String time(Timestamp timestamp) {
        return Instant.ofEpochSecond(timestamp.getSeconds(), timestamp.getNanos())
                .toString();
    }

    static void print(CheckResponse answer, PrintWriter out) {
        out.println(decision(answer) + "  " + reason(answer));
        if (answer.getHistorical()) {
            out.println("HISTORICAL: this is how it was. Nobody may act on it.");
        }
        Table table = new Table();
        if (!answer.getDecidedBy().getBinding().isEmpty()) {
            table.row("binding", answer.getDecidedBy().getBinding());
            table.row("role", answer.getDecidedBy().getRole());
            table.row("rule", answer.getDecidedBy().getRule());
        }
        DecidedBy by = answer.getDecidedBy();
        optional(table, "freeze", by.getFreeze());
        optional(table, "separation of duty", by.getSeparationOfDuty());
        optional(table, "approval rule", by.getApprovalRule());
        optional(table, "delegator's reason", delegatorReason(answer));
        optional(table, "approval", answer.getApprovalId());
        table.row("revision", answer.getRevision() + " (platform " + answer.getPlatformRevision() + ")");
        if (!answer.getDecisionId().isEmpty()) {
            table.row("decision id", answer.getDecisionId());
        }
        if (answer.hasValidUntil()) {
            table.row("valid until", time(answer.getValidUntil()));
        }
        for (Obligation obligation : answer.getObligationsList()) {
            table.row(isAllow(answer) ? "obligation" : "advice", describe(obligation));
        }
        table.print(out);
    }

    private static void optional(Table table, String name, String value) {
        if (!value.isEmpty()) {
            table.row(name, value);
        }
    }

    private static String delegatorReason(CheckResponse answer) {
        return answer.getDelegatorReason() == Reason.REASON_UNSPECIFIED
                ? ""
                : bare(answer.getDelegatorReason().name(), "REASON_");
    }

    private static String describe(Obligation obligation) {
        StringBuilder text = new StringBuilder(obligation.getType());
        obligation.getPropertiesMap().entrySet().stream()
                .sorted(java.util.Map.Entry.comparingByKey())
                .forEach(it -> text.append(' ').append(it.getKey()).append('=').append(it.getValue()));
        return text.toString();
    }

    static ObjectNode json(CheckResponse answer) {
        ObjectNode json = ClientCommand.object();
        json.put("decision", decision(answer));
        json.put("allowed", isAllow(answer));
        json.put("reason", reason(answer));
        json.put("binding", answer.getDecidedBy().getBinding());
        json.put("role", answer.getDecidedBy().getRole());
        json.put("rule", answer.getDecidedBy().getRule());
        json.put("freeze", answer.getDecidedBy().getFreeze());
        json.put("separationOfDuty", answer.getDecidedBy().getSeparationOfDuty());
        json.put("approvalRule", answer.getDecidedBy().getApprovalRule());
        json.put("delegatorReason", delegatorReason(answer));
        json.put("approvalId", answer.getApprovalId());
        json.put("historical", answer.getHistorical());
        json.put("revision", answer.getRevision());
        json.put("platformRevision", answer.getPlatformRevision());
        json.put("decisionId", answer.getDecisionId());
        json.put("validUntil", answer.hasValidUntil() ? time(answer.getValidUntil()) : "");
        ArrayNode obligations = json.putArray("obligations");
        for (Obligation obligation : answer.getObligationsList()) {
            ObjectNode to =
                    obligations.addObject().put("id", obligation.getId()).put("type", obligation.getType());
            ObjectNode properties = to.putObject("properties");
            obligation.getPropertiesMap().entrySet().stream()
                    .sorted(java.util.Map.Entry.comparingByKey())
                    .forEach(it -> properties.put(it.getKey(), it.getValue()));
        }
        if (answer.hasExplanation()) {
            json.set("explanation", json(answer.getExplanation()));
        }
        return json;
    }

    private static ObjectNode json(Explanation explanation) {
        ObjectNode json = ClientCommand.object();
        json.put("decision", decision(explanation.getDecision()));
        json.put("reason", bare(explanation.getReason().name(), "REASON_"));
        ArrayNode groups = json.putArray("groups");
        explanation.getGroupsList().forEach(groups::add);
        ArrayNode activeRoles = json.putArray("activeRoles");
        explanation.getActiveRolesList().forEach(activeRoles::add);
        rules(json.putArray("freezes"), explanation.getFreezesList());
        rules(json.putArray("separationsOfDuty"), explanation.getSeparationsOfDutyList());
        rules(json.putArray("approvalRules"), explanation.getApprovalRulesList());
        ArrayNode bindings = json.putArray("bindings");
        for (BindingTrace binding : explanation.getBindingsList()) {
            ObjectNode to = bindings.addObject()
                    .put("binding", binding.getBinding())
                    .put("role", binding.getRole())
                    .put("matchedSubject", binding.getMatchedSubject())
                    .put("state", bare(binding.getState().name(), "BINDING_STATE_"))
                    .put("detail", binding.getDetail())
                    .put("source", binding.getSource());
            ArrayNode permissions = to.putArray("permissions");
            for (PermissionTrace permission : binding.getPermissionsList()) {
                ObjectNode one = permissions
                        .addObject()
                        .put("role", permission.getRole())
                        .put("rule", permission.getRule())
                        .put("effect", bare(permission.getEffect().name(), "EFFECT_"))
                        .put("state", bare(permission.getState().name(), "PERMISSION_STATE_"))
                        .put("detail", permission.getDetail())
                        .put("source", permission.getSource());
                ArrayNode through = one.putArray("through");
                permission.getThroughList().forEach(through::add);
            }
        }
        if (explanation.hasDelegator()) {
            json.set("delegator", json(explanation.getDelegator()));
        }
        return json;
    }

    private static void rules(ArrayNode to, List<RuleTrace> rules) {
        for (RuleTrace rule : rules) {
            to.addObject()
                    .put("name", rule.getName())
                    .put("denies", rule.getDenies())
                    .put("detail", rule.getDetail())
                    .put("source", rule.getSource());
        }
    }
}
