package dev.assize.server.endpoint.grpc;

import com.google.protobuf.Duration;
import dev.assize.proto.v1.Approval;
import dev.assize.proto.v1.ApprovalComment;
import dev.assize.proto.v1.ApprovalState;
import dev.assize.proto.v1.ApprovalVote;
import dev.assize.proto.v1.PinnedApprovalRule;
import dev.assize.server.administration.ApprovalRepository.Position;
import dev.assize.server.administration.ApprovalResult;
import dev.assize.server.administration.ApprovalResult.Done;
import dev.assize.server.administration.Approvals;
import dev.assize.server.administration.Comment;
import dev.assize.server.administration.FiledApproval;
import dev.assize.server.decision.approval.ApprovalRequest;
import dev.assize.server.decision.approval.ApprovalRequest.PinnedRule;
import dev.assize.server.decision.approval.ApprovalRequest.Vote;
import dev.assize.server.decision.approval.ProposedAction;
import dev.assize.server.endpoint.call.ErrorReason;
import dev.assize.server.endpoint.call.Fields;
import dev.assize.server.endpoint.call.RefusedException;
import dev.assize.server.model.Calendar;
import dev.assize.server.model.Reason;
import java.time.Instant;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Writes requests for approval to the wire, and refusals as errors. */
final class ApprovalTranslator {

    private ApprovalTranslator() {}

    /** The request as it is, or the refusal. */
    static Approval approval(ApprovalResult result, String id) {
        return switch (result) {
            case Done done -> wire(done);
            case ApprovalResult.NotFound() -> throw notFound(id);
            case ApprovalResult.OwnRequest() ->
                throw RefusedException.of(
                        ErrorReason.APPROVAL_OWN,
                        "approver: neither who asked nor the subject that benefits resolves a request",
                        Map.of("approval_id", id));
            case ApprovalResult.VotedAlready() ->
                throw RefusedException.of(
                        ErrorReason.APPROVAL_VOTED,
                        "approver: was heard on this request already, and nobody counts twice",
                        Map.of("approval_id", id));
            case ApprovalResult.KeyReused() -> throw keyReused("nothing was resolved");
            case ApprovalResult.NotEligible refusal ->
                throw RefusedException.of(
                        ErrorReason.APPROVER_NOT_ELIGIBLE,
                        "approver: " + String.join("; ", refusal.why()),
                        Map.of("approval_id", id));
            case ApprovalResult.NotTheirs(String expected) ->
                throw RefusedException.of(
                        ErrorReason.APPROVAL_NOT_THEIRS, "expected " + expected, Map.of("approval_id", id));
            case ApprovalResult.WrongState refusal ->
                throw RefusedException.precondition(
                        ErrorReason.APPROVAL_STATE,
                        "approval `" + id + "`",
                        "the request is " + refusal.state().name().toLowerCase(Locale.ROOT) + ", expected "
                                + refusal.expected());
            case ApprovalResult.CommentsFull() -> throw commentsFull("approval", id);
            case ApprovalResult.NotSingleUse() ->
                throw RefusedException.precondition(
                        ErrorReason.APPROVAL_STATE,
                        "approval `" + id + "`",
                        "no rule of the request is for a single use, so it is not used up");
            case ApprovalResult.Unknown _,
                    ApprovalResult.NotNeeded _,
                    ApprovalResult.TooManyRules _,
                    ApprovalResult.Full _ ->
                throw new IllegalStateException("Only a new request is refused so: " + result);
        };
    }

    /** A new request as it is, or the refusal. */
    static Approval newApproval(ApprovalResult result, ProposedAction proposed) {
        return switch (result) {
            case ApprovalResult.Unknown(Reason reason) -> throw unknown(reason, proposed);
            case ApprovalResult.NotNeeded() ->
                throw RefusedException.precondition(
                        ErrorReason.APPROVAL_NOT_NEEDED,
                        "approval rules of `" + proposed.tenant() + "`",
                        "no approval rule covers action `" + proposed.action() + "` on `" + proposed.resource()
                                + "` in environment `" + proposed.env() + "`: it needs no approval");
            case ApprovalResult.TooManyRules(int count) ->
                throw RefusedException.precondition(
                        ErrorReason.APPROVAL_RULES_TOO_MANY,
                        "approval rules of `" + proposed.tenant() + "`",
                        count + " approval rules cover it: expected at most " + Approvals.PINNED_RULES);
            case ApprovalResult.Full() ->
                throw RefusedException.of(
                        ErrorReason.APPROVALS_FULL,
                        "the tenant has " + Approvals.OPEN_REQUESTS
                                + " open requests, which is as many as it may have: resolve or cancel some",
                        Map.of());
            case ApprovalResult.KeyReused() -> throw keyReused("nothing was requested");
            case Done _,
                    ApprovalResult.NotFound _,
                    ApprovalResult.OwnRequest _,
                    ApprovalResult.VotedAlready _,
                    ApprovalResult.NotEligible _,
                    ApprovalResult.NotTheirs _,
                    ApprovalResult.WrongState _,
                    ApprovalResult.CommentsFull _,
                    ApprovalResult.NotSingleUse _ -> approval(result, "");
        };
    }

    private static RefusedException keyReused(String effect) {
        return RefusedException.of(
                ErrorReason.IDEMPOTENCY_KEY_REUSED,
                "idempotency_key: was used with other content; " + effect,
                Map.of("field", "idempotency_key"));
    }

    static RefusedException commentsFull(String what, String id) {
        return RefusedException.of(
                ErrorReason.COMMENTS_FULL,
                what + " `" + id + "` has " + Comment.MOST + " comments, which is as many as are kept: decide it",
                Map.of("limit", Integer.toString(Comment.MOST)));
    }

    static RefusedException notFound(String id) {
        return RefusedException.notFound(ErrorReason.APPROVAL_NOT_FOUND, "approval", id);
    }

    static Approval wire(Done done) {
        FiledApproval filed = done.approval();
        ApprovalRequest request = filed.request();
        Approval.Builder wire = Approval.newBuilder()
                .setApprovalId(request.id())
                .setTenant(request.tenant().value())
                .setState(state(done.standing().state()))
                .setRequester(request.requester().toString())
                .setRequesterTenant(request.requesterHome().value())
                .setSubject(request.subject().toString())
                .setSubjectTenant(request.subjectHome().value())
                .setAction(request.action().value())
                .setResource(request.resource().value())
                .setEnv(request.env().value())
                .setReason(nullToEmpty(filed.reason()))
                .setRequestedAt(Fields.timestamp(request.requestedAt()));
        Instant until = done.standing().until();
        if (until != null) {
            wire.setExpiresAt(Fields.timestamp(Calendar.atMostLast(until)));
        }
        request.rules().forEach(rule -> wire.addRules(wire(rule)));
        request.votes().forEach(vote -> wire.addVotes(wire(vote)));
        filed.comments()
                .forEach(comment -> wire.addComments(ApprovalComment.newBuilder()
                        .setAuthor(comment.author().caller().toString())
                        .setAuthorTenant(comment.author().home().value())
                        .setComment(comment.text())
                        .setAt(Fields.timestamp(comment.at()))));
        return wire.build();
    }

    static dev.assize.server.decision.approval.@Nullable ApprovalState state(String field, int number) {
        return switch (ApprovalState.forNumber(number)) {
            case APPROVAL_STATE_UNSPECIFIED -> null;
            case APPROVAL_STATE_PENDING -> dev.assize.server.decision.approval.ApprovalState.PENDING;
            case APPROVAL_STATE_APPROVED -> dev.assize.server.decision.approval.ApprovalState.APPROVED;
            case APPROVAL_STATE_REJECTED -> dev.assize.server.decision.approval.ApprovalState.REJECTED;
            case APPROVAL_STATE_EXPIRED -> dev.assize.server.decision.approval.ApprovalState.EXPIRED;
            case APPROVAL_STATE_USED -> dev.assize.server.decision.approval.ApprovalState.USED;
            case APPROVAL_STATE_CANCELLED -> dev.assize.server.decision.approval.ApprovalState.CANCELLED;
            case UNRECOGNIZED -> throw noState(field, number);
            case null -> throw noState(field, number);
        };
    }

    /** As it stands in a page token. */
    static String text(Position position) {
        return position.requestedAt() + "/" + position.id();
    }

    static @Nullable Position position(@Nullable String text) {
        if (text == null) {
            return null;
        }
        int slash = text.indexOf('/');
        return new Position(Instant.parse(text.substring(0, slash)), text.substring(slash + 1));
    }

    private static RefusedException noState(String field, int number) {
        return RefusedException.invalid(field, Integer.toString(number), "a state of a request, or none");
    }

    private static RefusedException unknown(Reason reason, ProposedAction proposed) {
        return switch (reason) {
            case TENANT_UNKNOWN ->
                RefusedException.notFound(
                        ErrorReason.TENANT_NOT_FOUND,
                        "tenant",
                        proposed.tenant().value());
            case ENVIRONMENT_UNKNOWN ->
                RefusedException.invalid("env", proposed.env().value(), "an environment that the tenant declares");
            case TYPE_UNKNOWN ->
                RefusedException.invalid("resource", proposed.resource().value(), "a declared resource type");
            case ACTION_UNKNOWN ->
                RefusedException.invalid(
                        "action",
                        proposed.action().value(),
                        "an action that resource type `" + proposed.resource().type() + "` declares");
            case ALLOWED,
                    FROZEN,
                    EXPLICIT_DENY,
                    CONDITION_ERROR,
                    CONDITION_FALSE,
                    GRANT_EXPIRED,
                    GRANT_NOT_YET_VALID,
                    OUT_OF_SCOPE,
                    NO_GRANT,
                    SEPARATION_OF_DUTY,
                    APPROVAL_REQUIRED,
                    DELEGATOR_DENIED -> throw new IllegalStateException("Nothing is unknown: " + reason);
        };
    }

    private static ApprovalState state(dev.assize.server.decision.approval.ApprovalState state) {
        return switch (state) {
            case PENDING -> ApprovalState.APPROVAL_STATE_PENDING;
            case APPROVED -> ApprovalState.APPROVAL_STATE_APPROVED;
            case REJECTED -> ApprovalState.APPROVAL_STATE_REJECTED;
            case EXPIRED -> ApprovalState.APPROVAL_STATE_EXPIRED;
            case USED -> ApprovalState.APPROVAL_STATE_USED;
            case CANCELLED -> ApprovalState.APPROVAL_STATE_CANCELLED;
        };
    }

    private static PinnedApprovalRule wire(PinnedRule rule) {
        return PinnedApprovalRule.newBuilder()
                .setName(rule.name())
                .setApprovals(rule.approvals())
                .setApproverRole(rule.approverRole())
                .addAllApproverTypes(rule.approverTypes())
                .setPendingTtl(wire(rule.pendingTtl()))
                .setTtl(wire(rule.ttl()))
                .setSingleUse(rule.singleUse())
                .build();
    }

    private static ApprovalVote wire(Vote vote) {
        return ApprovalVote.newBuilder()
                .setApprover(vote.approver().toString())
                .setApproverTenant(vote.approverHome().value())
                .setApprove(vote.approves())
                .setComment(nullToEmpty(vote.comment()))
                .setAt(Fields.timestamp(vote.at()))
                .addAllRules(vote.rules())
                .build();
    }

    private static Duration wire(java.time.Duration duration) {
        return Duration.newBuilder()
                .setSeconds(duration.getSeconds())
                .setNanos(duration.getNano())
                .build();
    }

    private static String nullToEmpty(@Nullable String text) {
        return text == null ? "" : text;
    }
}
