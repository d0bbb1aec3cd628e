package dev.assize.client;

import com.google.protobuf.Duration;
import dev.assize.proto.v1.ApprovalComment;
import dev.assize.proto.v1.ApprovalState;
import dev.assize.proto.v1.ApprovalVote;
import dev.assize.proto.v1.PinnedApprovalRule;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Between requests for approval in the client's vocabulary and on the wire. */
final class ApprovalWire {

    private ApprovalWire() {}

    static Approval approval(dev.assize.proto.v1.Approval from) {
        return new Approval(
                from.getApprovalId(),
                from.getTenant(),
                state(from.getState()),
                from.getRequester(),
                from.getRequesterTenant(),
                from.getSubject(),
                from.getSubjectTenant(),
                from.getAction(),
                from.getResource(),
                from.getEnv(),
                from.getReason(),
                Wire.instant(from.getRequestedAt()),
                from.hasExpiresAt() ? Optional.of(Wire.instant(from.getExpiresAt())) : Optional.empty(),
                from.getRulesList().stream().map(ApprovalWire::rule).toList(),
                from.getVotesList().stream().map(ApprovalWire::vote).toList(),
                from.getCommentsList().stream().map(ApprovalWire::comment).toList());
    }

    static ApprovalState state(Approval.@Nullable State state) {
        return switch (state) {
            case null -> ApprovalState.APPROVAL_STATE_UNSPECIFIED;
            case PENDING -> ApprovalState.APPROVAL_STATE_PENDING;
            case APPROVED -> ApprovalState.APPROVAL_STATE_APPROVED;
            case REJECTED -> ApprovalState.APPROVAL_STATE_REJECTED;
            case EXPIRED -> ApprovalState.APPROVAL_STATE_EXPIRED;
            case USED -> ApprovalState.APPROVAL_STATE_USED;
            case CANCELLED -> ApprovalState.APPROVAL_STATE_CANCELLED;
            case UNKNOWN -> throw new IllegalArgumentException("State UNKNOWN is for reading only");
        };
    }

    private static Approval.State state(ApprovalState state) {
        return switch (state) {
            case APPROVAL_STATE_PENDING -> Approval.State.PENDING;
            case APPROVAL_STATE_APPROVED -> Approval.State.APPROVED;
            case APPROVAL_STATE_REJECTED -> Approval.State.REJECTED;
            case APPROVAL_STATE_EXPIRED -> Approval.State.EXPIRED;
            case APPROVAL_STATE_USED -> Approval.State.USED;
            case APPROVAL_STATE_CANCELLED -> Approval.State.CANCELLED;
            case APPROVAL_STATE_UNSPECIFIED, UNRECOGNIZED -> Approval.State.UNKNOWN;
        };
    }

    private static Approval.Rule rule(PinnedApprovalRule rule) {
        return new Approval.Rule(
                rule.getName(),
                rule.getApprovals(),
                rule.getApproverRole(),
                rule.getApproverTypesList(),
                duration(rule.getPendingTtl()),
                duration(rule.getTtl()),
                rule.getSingleUse());
    }

    private static Approval.Vote vote(ApprovalVote vote) {
        return new Approval.Vote(
                vote.getApprover(),
                vote.getApproverTenant(),
                vote.getApprove(),
                vote.getComment(),
                Wire.instant(vote.getAt()),
                vote.getRulesList());
    }

    private static Approval.Comment comment(ApprovalComment comment) {
        return new Approval.Comment(
                comment.getAuthor(), comment.getAuthorTenant(), comment.getComment(), Wire.instant(comment.getAt()));
    }

    private static java.time.Duration duration(Duration duration) {
        return java.time.Duration.ofSeconds(duration.getSeconds(), duration.getNanos());
    }
}
