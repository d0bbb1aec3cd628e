package dev.assize.server.administration;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.assize.server.audit.AuditEvent;
import dev.assize.server.audit.Outcome;
import dev.assize.server.decision.approval.ApprovalRequest;
import dev.assize.server.decision.approval.ApprovalRequest.PinnedRule;
import dev.assize.server.decision.approval.ApprovalRequest.Vote;
import dev.assize.server.decision.approval.ApprovalState;
import dev.assize.server.model.Action;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * What the ledger is told of approvals. The resource is the request itself and the action what was done to it, never
 * what it asks for: that was not done yet, and a separation of duty by history must not take it for done.
 */
final class ApprovalEvents {

    private static final String CATEGORY = "approval";

    private ApprovalEvents() {}

    static AuditEvent requested(ApprovalRequest request, @Nullable String reason) {
        ObjectNode payload = payload(request);
        ArrayNode rules = payload.putArray("rules");
        request.rules().forEach(rule -> rules.add(json(rule)));
        return event("requested", "request", request, request.requester(), request.requesterHome(), reason, payload);
    }

    /**
     * What one approver said.
     *
     * @param becomes where the request stands after it: an approval may be one of several that are needed
     */
    static AuditEvent voted(ApprovalRequest request, Vote vote, ApprovalState becomes) {
        ObjectNode payload = payload(request).put("state", becomes.name().toLowerCase(Locale.ROOT));
        vote.rules().forEach(payload.putArray("rules")::add);
        return event(
                vote.approves() ? "approved" : "rejected",
                vote.approves() ? "approve" : "reject",
                request,
                vote.approver(),
                vote.approverHome(),
                vote.comment(),
                payload);
    }

    /** Whose words the reason is. */
    static AuditEvent commented(ApprovalRequest request, Comment comment) {
        return event(
                "commented",
                "comment",
                request,
                comment.author().caller(),
                comment.author().home(),
                comment.text(),
                payload(request));
    }

    static AuditEvent cancelled(ApprovalRequest request, @Nullable String comment) {
        return event(
                "cancelled",
                "cancel",
                request,
                request.requester(),
                request.requesterHome(),
                comment,
                payload(request));
    }

    static AuditEvent used(ApprovalRequest request) {
        return event("used", "use", request, request.subject(), request.subjectHome(), null, payload(request));
    }

    /** Nobody did it: it is recorded for whoever came upon it. */
    static AuditEvent expired(ApprovalRequest request) {
        Recorder assize = Recorder.ASSIZE;
        return event("expired", "expire", request, assize.caller(), assize.home(), null, payload(request));
    }

    private static ObjectNode payload(ApprovalRequest request) {
        return JsonNodeFactory.instance
                .objectNode()
                .put("approval_id", request.id())
                .put("subject", request.subject().toString())
                .put("subject_tenant", request.subjectHome().value())
                .put("action", request.action().value())
                .put("resource", request.resource().value())
                .put("env", request.env().value());
    }

    private static ObjectNode json(PinnedRule rule) {
        ObjectNode node = JsonNodeFactory.instance
                .objectNode()
                .put("name", rule.name())
                .put("approvals", rule.approvals())
                .put("approver_role", rule.approverRole());
        rule.approverTypes().forEach(node.putArray("approver_types")::add);
        return node.put("pending_ttl", rule.pendingTtl().toString())
                .put("ttl", rule.ttl().toString())
                .put("single_use", rule.singleUse());
    }

    private static AuditEvent event(
            String type,
            String action,
            ApprovalRequest request,
            Subject actor,
            TenantId home,
            @Nullable String reason,
            ObjectNode payload) {
        if (!home.equals(request.tenant())) {
            payload.put("actor_tenant", home.value());
        }
        return new AuditEvent(
                "assize.approval." + type,
                CATEGORY,
                actor,
                null,
                new Action(action),
                ResourcePath.parse("tenant:" + request.tenant() + "/approval:" + request.id()),
                request.env(),
                Outcome.SUCCESS,
                null,
                null,
                null,
                reason,
                false,
                payload.toString(),
                List.of(),
                List.of(),
                null,
                null);
    }
}
