package dev.assize.server.endpoint.authzen;

import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.inject.Inject;
import dev.assize.server.administration.ApprovalResult;
import dev.assize.server.administration.ApprovalResult.Done;
import dev.assize.server.administration.Approvals;
import dev.assize.server.administration.Approvals.Party;
import dev.assize.server.administration.Approvals.Wish;
import dev.assize.server.authentication.Caller;
import dev.assize.server.decision.approval.ProposedAction;
import dev.assize.server.decision.search.Search.Surroundings;
import dev.assize.server.endpoint.call.CallContext;
import dev.assize.server.endpoint.call.ErrorReason;
import dev.assize.server.endpoint.call.Fields;
import dev.assize.server.endpoint.call.Gate;
import dev.assize.server.endpoint.call.RefusedException;
import dev.assize.server.model.Limits;
import dev.assize.server.model.TenantId;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Asks for approvals in the name of whoever calls, by what was denied to it for want of one, and tells what became of
 * them. Who approves, and that it is somebody else, is a matter of the approvals themselves.
 */
final class AccessRequests {

    /** Behind a tenant's base. */
    static final String PATH = "requests";

    private static final String JUSTIFICATION = "business_justification";
    private static final int JUSTIFICATION_BYTES = 1_024;

    private final Approvals approvals;
    private final Gate gate;
    private final Denials denials;
    private final Tasks tasks;

    @Inject
    AccessRequests(Approvals approvals, Gate gate, Denials denials, Tasks tasks) {
        this.approvals = approvals;
        this.gate = gate;
        this.denials = denials;
        this.tasks = tasks;
    }

    /** Asks for what was denied; of the same denial there is one request, unless a key of the caller's own says otherwise. */
    ObjectNode submit(ObjectNode request, TenantId tenant, @Nullable String idempotencyKey) {
        requireNothingMore(request);
        Question question = new Question("", request, tenant);
        Surroundings around = question.surroundings();
        Party beneficiary = new Party(question.subject(), around.subjectTenant());
        ProposedAction proposed = new ProposedAction(tenant, question.action(), question.resource(), around.env());
        gate.requireEnvironment(around.env());
        String evaluationId = denials.verified(request, tenant);
        String key = Fields.text(
                "Idempotency-Key", idempotencyKey == null ? "" : idempotencyKey, Limits.IDEMPOTENCY_KEY_BYTES);
        Wish wish = new Wish(
                requester(),
                beneficiary,
                proposed,
                justification(request),
                key == null ? "denial-" + evaluationId : key);
        return tasks.written(
                tenant, filed(approvals.request(wish, CallContext.current().recorder())));
    }

    /** What became of a request. */
    ObjectNode status(TenantId tenant, String task) {
        Optional<Done> found =
                task.length() > Limits.IDEMPOTENCY_KEY_BYTES ? Optional.empty() : approvals.find(tenant, task);
        Done done = found.filter(each -> CallContext.current()
                        .caller()
                        .mayAskAbout(each.approval().request().env()))
                .orElseThrow(() -> Problem.UNKNOWN_TASK.because("there is no such task"));
        return tasks.written(tenant, done);
    }

    private static Party requester() {
        Caller caller = CallContext.current().caller();
        return new Party(caller.subject(), caller.home());
    }

    /** What this server does not do is refused where to overlook it could be to overlook a restriction. */
    private static void requireNothingMore(ObjectNode request) {
        refuse(request, "", "items", "one subject, action and resource a request");
        refuse(request, "", "callback", "nothing: no callback is allowed here, look at the task's status instead");
        Members.optionalObject("", request, "requested_access")
                .ifPresent(access -> refuse(
                        access,
                        "requested_access.",
                        "requested_until",
                        "nothing: an approval holds as long as its rules say"));
        Members.optionalObject("", request, "client")
                .flatMap(client -> Members.optionalObject("client.", client, "actor"))
                .ifPresent(AccessRequests::requireCaller);
    }

    private static void refuse(ObjectNode parent, String prefix, String name, String expected) {
        Members.present(parent, name).ifPresent(value -> {
            throw Members.wrong(prefix + name, value, expected);
        });
    }

    /** Of nobody else is it known here that it acts. */
    private static void requireCaller(ObjectNode actor) {
        String caller = CallContext.current().caller().subject().toString();
        refuse(actor, "client.actor.", "act", "nothing: a chain of actors cannot be verified here");
        if (!Members.text("client.actor.", actor, "id").equals(caller)) {
            throw RefusedException.invalid(
                    "client.actor.id", actor.path("id").textValue(), "the caller itself, `" + caller + "`, or nothing");
        }
    }

    private static @Nullable String justification(ObjectNode request) {
        return Members.optionalObject("", request, "context")
                .flatMap(context -> Members.optionalText("context.", context, JUSTIFICATION))
                .map(text -> Fields.text("context." + JUSTIFICATION, text, JUSTIFICATION_BYTES))
                .orElse(null);
    }

    private static Done filed(ApprovalResult result) {
        return switch (result) {
            case Done done -> done;
            case ApprovalResult.Unknown(var reason) ->
                throw Problem.NOT_REQUESTABLE.because("the tenant has no such thing any more: " + reason);
            case ApprovalResult.NotNeeded() ->
                throw Problem.NOT_REQUESTABLE.because("no approval rule covers it any more: ask for a decision again");
            case ApprovalResult.TooManyRules(int count) ->
                throw Problem.NOT_REQUESTABLE.because(
                        count + " approval rules cover it: expected at most " + Approvals.PINNED_RULES);
            case ApprovalResult.KeyReused() ->
                throw Problem.DUPLICATE_REQUEST.because("the Idempotency-Key, or the denial, came with another request"
                        + " before; nothing was requested");
            case ApprovalResult.Full() ->
                throw RefusedException.of(
                        ErrorReason.APPROVALS_FULL,
                        "the tenant has " + Approvals.OPEN_REQUESTS + " open requests, which is as many as it may have",
                        Map.of());
            case ApprovalResult.NotFound _,
                    ApprovalResult.OwnRequest _,
                    ApprovalResult.VotedAlready _,
                    ApprovalResult.NotEligible _,
                    ApprovalResult.NotTheirs _,
                    ApprovalResult.WrongState _,
                    ApprovalResult.CommentsFull _,
                    ApprovalResult.NotSingleUse _ ->
                throw new IllegalStateException("No new request is refused so: " + result);
        };
    }
}
