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
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A request for approval as it is kept.
 *
 * @param reason in the requester's words; null where there is none
 * @param expiredAt when it was found expired; null while nobody found it so
 * @param use null while it is not used up
 * @param keyedVotes those of its votes that were given under an idempotency key
 * @param comments in their order
 */
public record FiledApproval(
        ApprovalRequest request,
        @Nullable String reason,
        @Nullable Instant expiredAt,
        @Nullable Call use,
        List<KeyedVote> keyedVotes,
        List<Comment> comments) {

    public FiledApproval {
        keyedVotes = List.copyOf(keyedVotes);
        comments = List.copyOf(comments);
    }

    /** A new request, to which nothing has happened yet. */
    static FiledApproval of(ApprovalRequest request, @Nullable String reason) {
        return new FiledApproval(request, reason, null, null, List.of(), List.of());
    }

    /** What a caller did once, and may try again. */
    public record Call(Recorder caller, String idempotencyKey) {}

    /** A vote, and the call it came with. */
    public record KeyedVote(Call call, Vote vote) {}

    /** What a transition adds. */
    public sealed interface Change {

        Instant at();

        /**
         * Somebody said something to it.
         *
         * @param call null where a retry is not to be recognised
         */
        record Voted(Vote vote, @Nullable Call call) implements Change {
            @Override
            public Instant at() {
                return vote.at();
            }
        }

        /** Somebody said something to it, and left it where it stands. */
        record Commented(Comment comment) implements Change {
            @Override
            public Instant at() {
                return comment.at();
            }
        }

        record Cancelled(Instant at) implements Change {}

        record Used(Instant at, Call call) implements Change {}

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
        for (Comment comment : comments) {
            last = later(last, comment.at());
        }
        return later(later(later(last, request.cancelledAt()), request.usedAt()), expiredAt);
    }

    /** How much was said to it, in votes and without deciding; about as many bytes. */
    int saidBytes() {
        return Comment.bytes(comments)
                + request.votes().stream()
                        .mapToInt(vote ->
                                Objects.requireNonNullElse(vote.comment(), "").length())
                        .sum();
    }

    /** As it is after a transition. */
    public FiledApproval after(Change change) {
        return switch (change) {
            case Change.Voted(Vote vote, Call call) ->
                new FiledApproval(
                        with(appended(request.votes(), vote), request.cancelledAt(), request.usedAt()),
                        reason,
                        expiredAt,
                        use,
                        call == null ? keyedVotes : appended(keyedVotes, new KeyedVote(call, vote)),
                        comments);
            case Change.Commented(Comment comment) ->
                new FiledApproval(request, reason, expiredAt, use, keyedVotes, appended(comments, comment));
            case Change.Cancelled(Instant at) ->
                new FiledApproval(
                        with(request.votes(), at, request.usedAt()), reason, expiredAt, use, keyedVotes, comments);
            case Change.Used(Instant at, Call by) ->
                new FiledApproval(
                        with(request.votes(), request.cancelledAt(), at), reason, expiredAt, by, keyedVotes, comments);
            case Change.Expired(Instant at) -> new FiledApproval(request, reason, at, use, keyedVotes, comments);
        };
    }

    /** The vote that came with this call; empty where none did. */
    Optional<Vote> voteOf(Call call) {
        return keyedVotes.stream()
                .filter(keyed -> keyed.call().equals(call))
                .map(KeyedVote::vote)
                .findFirst();
    }

    private static <T> List<T> appended(List<T> list, T last) {
        List<T> longer = new ArrayList<>(list);
        longer.add(last);
        return longer;
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
