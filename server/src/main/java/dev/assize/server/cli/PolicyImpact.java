package dev.assize.server.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.assize.proto.v1.AnswerChange;
import dev.assize.proto.v1.ApplyPolicyResponse;
import dev.assize.proto.v1.DecidedBy;
import dev.assize.proto.v1.Outlook;
import dev.assize.proto.v1.OutlookEffect;
import dev.assize.proto.v1.PolicyFinding;
import dev.assize.proto.v1.Reason;
import dev.assize.proto.v1.SelfEscalation;
import dev.assize.proto.v1.TenantImpact;
import java.util.ArrayList;
import java.util.List;

/** Shows whose answers a change would alter. */
final class PolicyImpact {

    private PolicyImpact() {}

    static void print(ApplyPolicyResponse response, ClientCommand command) {
        response.getImpactsList().forEach(impact -> print(impact, command));
        if (response.getImpactsLeftOut() > 0) {
            command.out().println(response.getImpactsLeftOut() + " more tenants are not compared");
        }
        for (SelfEscalation escalation : response.getSelfEscalationsList()) {
            command.err().println(Printable.text(escalation.getMessage()));
        }
        if (response.getSelfEscalationsCount() > 0) {
            command.err().println("nobody gives themselves anything; this would be refused");
        }
    }

    private static void print(TenantImpact impact, ClientCommand command) {
        String atLeast = impact.getComplete() ? "" : "at least ";
        command.out()
                .println(Printable.text("tenant " + impact.getTenant() + ": " + atLeast + impact.getChangeCount()
                        + (impact.getChangeCount() == 1 ? " answer changes" : " answers change")));
        if (impact.getChangesCount() > 0) {
            Table table = new Table("SUBJECT", "ACTION", "RESOURCE", "ENV", "FROM", "TO", "BY");
            for (AnswerChange change : impact.getChangesList()) {
                table.row(
                        subject(change, impact.getTenant()),
                        change.getAction(),
                        change.getResource(),
                        change.getEnv() + (change.getRunId().isEmpty() ? "" : ", run " + change.getRunId()),
                        text(change.getFrom()),
                        text(change.getTo()),
                        by(change));
            }
            table.print(command.out());
        }
        if (impact.getTruncated()) {
            command.out()
                    .println("  (" + (impact.getChangeCount() - impact.getChangesCount())
                            + " or more answers are not shown)");
        }
        for (PolicyFinding finding : impact.getFindingsList()) {
            command.out().println(Printable.text("  ! " + finding.getMessage()));
        }
    }

    static String subject(AnswerChange change, String tenant) {
        return change.getSubjectTenant().equals(tenant)
                ? change.getSubject()
                : change.getSubject() + " of " + change.getSubjectTenant();
    }

    static String text(Outlook outlook) {
        StringBuilder text = new StringBuilder(effect(outlook));
        if (outlook.getEffect() == OutlookEffect.OUTLOOK_EFFECT_DENY
                && outlook.getReason() != Reason.REASON_UNSPECIFIED) {
            text.append(' ').append(Answers.bare(outlook.getReason().name(), "REASON_"));
        }
        outlook.getApprovalRulesList()
                .forEach(rule -> text.append(", approval ").append(rule));
        outlook.getHistoryRulesList().forEach(rule -> text.append(", unless ").append(rule));
        return text.toString();
    }

    private static String effect(Outlook outlook) {
        return Answers.bare(outlook.getEffect().name(), "OUTLOOK_EFFECT_");
    }

    /** What decides afterwards, or what no longer does; of a conditional answer what it depends on. */
    static String by(AnswerChange change) {
        Outlook to = change.getTo();
        List<String> conditions = new ArrayList<>();
        to.getAllowedIfList().forEach(condition -> conditions.add("if " + condition));
        to.getDeniedIfList().forEach(condition -> conditions.add("not if " + condition));
        if (!conditions.isEmpty()) {
            return String.join("; ", conditions);
        }
        return to.hasDecidedBy()
                ? by(to.getDecidedBy())
                : change.getFrom().hasDecidedBy()
                        ? "no longer " + by(change.getFrom().getDecidedBy())
                        : "";
    }

    private static String by(DecidedBy decidedBy) {
        if (!decidedBy.getBinding().isEmpty()) {
            return decidedBy.getBinding() + ", " + decidedBy.getRole() + " " + decidedBy.getRule();
        }
        return !decidedBy.getFreeze().isEmpty()
                ? "freeze " + decidedBy.getFreeze()
                : decidedBy.getSeparationOfDuty() + decidedBy.getApprovalRule();
    }

    static void addTo(ObjectNode json, ApplyPolicyResponse response) {
        ArrayNode impacts = json.putArray("impacts");
        for (TenantImpact impact : response.getImpactsList()) {
            ObjectNode to = impacts.addObject()
                    .put("tenant", impact.getTenant())
                    .put("changeCount", impact.getChangeCount())
                    .put("complete", impact.getComplete())
                    .put("truncated", impact.getTruncated());
            ArrayNode changes = to.putArray("changes");
            impact.getChangesList().forEach(change -> json(change, changes.addObject()));
            ArrayNode findings = to.putArray("findings");
            for (PolicyFinding finding : impact.getFindingsList()) {
                findings.addObject()
                        .put("type", Answers.bare(finding.getType().name(), "POLICY_FINDING_TYPE_"))
                        .put("kind", finding.getKind())
                        .put("name", finding.getName())
                        .put("message", finding.getMessage());
            }
            to.put("findingCount", impact.getFindingCount());
        }
        json.put("impactsLeftOut", response.getImpactsLeftOut());
        ArrayNode escalations = json.putArray("selfEscalations");
        for (SelfEscalation escalation : response.getSelfEscalationsList()) {
            escalations
                    .addObject()
                    .put("tenant", escalation.getTenant())
                    .put("subject", escalation.getSubject())
                    .put("message", escalation.getMessage());
        }
    }

    static ObjectNode json(AnswerChange change, ObjectNode to) {
        to.put("subject", change.getSubject())
                .put("subjectTenant", change.getSubjectTenant())
                .put("action", change.getAction())
                .put("resource", change.getResource())
                .put("env", change.getEnv())
                .put("runId", change.getRunId());
        add(to.putObject("from"), change.getFrom());
        add(to.putObject("to"), change.getTo());
        return to;
    }

    private static void add(ObjectNode to, Outlook outlook) {
        to.put("effect", effect(outlook));
        if (outlook.getReason() != Reason.REASON_UNSPECIFIED) {
            to.put("reason", Answers.bare(outlook.getReason().name(), "REASON_"));
        }
        if (outlook.hasDecidedBy()) {
            to.put("decidedBy", by(outlook.getDecidedBy()));
        }
        outlook.getAllowedIfList().forEach(to.putArray("allowedIf")::add);
        outlook.getDeniedIfList().forEach(to.putArray("deniedIf")::add);
        outlook.getApprovalRulesList().forEach(to.putArray("approvalRules")::add);
        outlook.getHistoryRulesList().forEach(to.putArray("historyRules")::add);
    }
}
