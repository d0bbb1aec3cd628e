package dev.assize.server.administration;

import dev.assize.server.decision.approval.ApprovalJudge;
import dev.assize.server.decision.approval.ApprovalRequest;
import dev.assize.server.decision.approval.ApprovalRequest.Vote;
import dev.assize.server.decision.approval.ApprovalState;
import dev.assize.server.decision.approval.ProposedAction;
import dev.assize.server.decision.approval.Standing;
import dev.assize.server.model.Recorder;
import dev.assize.server.policy.Document.ApprovalRuleDocument;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A request for approval as it is kept.
 *
 * @param reason in the requester's words; null where there is none
 * @param expiredAt when it was found expired; null while nobody found it so
 * @param use null while it is not used up
 */
public record FiledApproval(
        ApprovalRequest request,
        @Nullable String reason,
        @Nullable Instant expiredAt,
        @Nullable Use use) {

    /** By which call it was used up. */
    public record Use(Recorder caller, String idempotencyKey) {}

    /** What a transition adds. */
    public sealed interface Change {

        Instant at();

        record Voted(Vote vote) implements Change {
            @Override
            public Instant at() {
                return vote.at();
            }
        }

        record Cancelled(Instant at) implements Change {}

        record Used(Instant at, Use use) implements Change {}

        /** It was found to have expired. */
        record Expired(Instant at) implements Change {}
    }

    /** Where it stands, by the rules that cover what it asks for now. */
    public Standing standing(List<ApprovalRuleDocument> current, Instant at) {
        return expiredAt != null && !expiredAt.isAfter(at)
                ? new Standing(ApprovalState.EXPIRED, null)
                : ApprovalJudge.standing(request, current, at);
    }

    public ProposedAction proposed() {
        return new ProposedAction(request.tenant(), request.action(), request.resource(), request.env());
    }

    /** The last moment at which something happened to it; whatever comes next is not before. */
    public Instant lastChangedAt() {
        Instant last = request.requestedAt();
        for (Vote vote : request.votes()) {
            last = later(last, vote.at());
        }
        return later(later(later(last, request.cancelledAt()), request.usedAt()), expiredAt);
    }

    /** As it is after a transition. */
    public FiledApproval after(Change change) {
        return switch (change) {
            case Change.Voted(Vote vote) -> {
                List<Vote> votes = new ArrayList<>(request.votes());
                votes.add(vote);
                yield new FiledApproval(with(votes, request.cancelledAt(), request.usedAt()), reason, expiredAt, use);
            }
            case Change.Cancelled(Instant at) ->
                new FiledApproval(with(request.votes(), at, request.usedAt()), reason, expiredAt, use);
            case Change.Used(Instant at, Use by) ->
                new FiledApproval(with(request.votes(), request.cancelledAt(), at), reason, expiredAt, by);
            case Change.Expired(Instant at) -> new FiledApproval(request, reason, at, use);
        };
    }

    private ApprovalRequest with(List<Vote> votes, @Nullable Instant cancelledAt, @Nullable Instant usedAt) {
        return new ApprovalRequest(
                request.id(),
                request.tenant(),
                request.requester(),
                request.requesterHome(),
                request.subject(),
                request.subjectHome(),
                request.action(),
                request.resource(),
                request.env(),
                request.rules(),
                votes,
                request.requestedAt(),
                cancelledAt,
                usedAt);
    }

    private static Instant later(Instant one, @Nullable Instant other) {
        return other == null || one.isAfter(other) ? one : other;
    }
}
