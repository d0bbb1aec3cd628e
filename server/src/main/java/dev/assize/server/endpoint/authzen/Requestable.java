package dev.assize.server.endpoint.authzen;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.inject.Inject;
import dev.assize.server.access.Permission;
import dev.assize.server.endpoint.authzen.Route.Endpoint;
import dev.assize.server.endpoint.call.AnswersOnRecord.Given;
import dev.assize.server.endpoint.call.CallContext;
import dev.assize.server.endpoint.call.Gate;
import dev.assize.server.model.Reason;
import dev.assize.server.model.TenantId;
import java.time.Instant;

/**
 * Says of a denial what can be done about it: to ask for the approval that it lacks, where this caller may. What a caller
 * brings along of an approval decides nothing: approvals are looked up where they are kept.
 */
final class Requestable {

    /** The member of the context in which an approval comes back. */
    private static final String APPROVAL = "approval";

    private final AuthzenConfig config;
    private final Gate gate;
    private final Denials denials;

    @Inject
    Requestable(AuthzenConfig config, Gate gate, Denials denials) {
        this.config = config;
        this.gate = gate;
        this.denials = denials;
    }

    /** The question without the approval that it comes back with, which is no attribute. */
    ObjectNode question(String prefix, ObjectNode request) {
        if (!isReturning(prefix, request)) {
            return request;
        }
        ObjectNode context = JsonNodeFactory.instance.objectNode();
        context.setAll((ObjectNode) request.path("context"));
        context.remove(APPROVAL);
        ObjectNode question = JsonNodeFactory.instance.objectNode();
        question.setAll(request);
        question.set("context", context);
        return question;
    }

    /** Writes into the context of an answer what to do about it; nothing into that of an allow. */
    void tell(ObjectNode context, ObjectNode request, TenantId tenant, Given given) {
        if (!config.accessRequests() || given.answer().reason().isAllow()) {
            return;
        }
        boolean offered = given.answer().reason() == Reason.APPROVAL_REQUIRED && mayRequest(tenant);
        if (offered) {
            offer(context, request, tenant, given);
        }
        if (isReturning("", request)) {
            context.put("next_action", offered ? "request" : "none");
        }
    }

    private void offer(ObjectNode context, ObjectNode request, TenantId tenant, Given given) {
        Instant expiresAt = Denials.expiresAt(given.decidedAt());
        context.put("evaluation_id", given.decisionId());
        context.put("evaluated_at", given.decidedAt().toString());
        context.putObject("access_request")
                .put("endpoint", config.base(tenant) + AccessRequests.PATH)
                .put("expires_at", expiresAt.toString())
                .put("binding_token", denials.token(request, tenant, given.decisionId(), expiresAt));
    }

    private boolean mayRequest(TenantId tenant) {
        return CallContext.current().caller().mayUse(Endpoint.ACCESS_REQUEST.rpc())
                && gate.permits(tenant, Permission.REQUEST_APPROVAL);
    }

    private boolean isReturning(String prefix, ObjectNode request) {
        return config.accessRequests()
                && Members.optionalObject(prefix, request, "context")
                        .flatMap(context -> Members.optionalObject(prefix + "context.", context, APPROVAL))
                        .isPresent();
    }
}
