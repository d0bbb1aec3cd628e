package dev.assize.server.decision.approval;

import dev.assize.server.decision.approval.ApprovalRequest.Vote;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document.ApprovalRuleDocument;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Judges requests for approval at a moment, each rule by itself.
 *
 * <p>A request waits in [requested, requested + pendingTtl) for as many approvals as the rule needs, each from another
 * approver, of a type that the rule admits, in a vote given to this rule. The one that makes them enough, at t, approves
 * it for [t, t + ttl); what is said later prolongs nothing. A rejection, a cancellation or a use ends it for every rule.
 * Numbers, times and types are the {@link StricterRule}'s. What happened after the moment that is judged has not
 * happened.
 */
public final class ApprovalJudge {

    private static final Comparator<ApprovalRequest> BY_ID = Comparator.comparing(ApprovalRequest::id);

    private ApprovalJudge() {}

    /** The first, by id, of the requests that satisfies the rule at the moment. */
    public static Optional<ApprovalRequest> judge(
            ApprovalRuleDocument rule, List<ApprovalRequest> requests, Instant at) {
        return requests.stream().filter(request -> satisfies(request, rule, at)).min(BY_ID);
    }

    /** Whether one use of the request is all that there is, by the rule as it was pinned or as it is now. */
    public static boolean isSingleUse(ApprovalRuleDocument rule, ApprovalRequest request) {
        return StricterRule.of(request, rule).map(StricterRule::singleUse).orElse(rule.singleUse());
    }

    /**
     * Where a request stands: approved where it is for all of the rules that it pinned and that still cover it, expired
     * where it is for one.
     *
     * @param current the rules that cover what it asks for now
     */
    public static Standing standing(ApprovalRequest request, List<ApprovalRuleDocument> current, Instant at) {
        ApprovalState over = over(request, at);
        if (over != null) {
            return new Standing(over, null);
        }
        Standing whole = new Standing(ApprovalState.APPROVED, Instant.MAX);
        for (StricterRule rule : StricterRule.all(request, current)) {
            whole = worse(whole, standing(request, rule, at));
        }
        return whole;
    }

    /** Where a request that is not over stands with one rule. */
    static Standing standing(ApprovalRequest request, StricterRule rule, Instant at) {
        Instant deadline = plus(request.requestedAt(), rule.pendingTtl());
        Instant complete = complete(request, rule, deadline, at);
        if (complete == null) {
            return standing(ApprovalState.PENDING, deadline, at);
        }
        return standing(ApprovalState.APPROVED, plus(complete, rule.ttl()), at);
    }

    private static boolean satisfies(ApprovalRequest request, ApprovalRuleDocument current, Instant at) {
        return !request.requestedAt().isAfter(at)
                && over(request, at) == null
                && StricterRule.of(request, current)
                        .filter(rule -> standing(request, rule, at).state() == ApprovalState.APPROVED)
                        .isPresent();
    }

    /** How the request ended; null where nothing ended it. */
    private static @Nullable ApprovalState over(ApprovalRequest request, Instant at) {
        if (hasHappened(request.usedAt(), at)) {
            return ApprovalState.USED;
        }
        if (hasHappened(request.cancelledAt(), at)) {
            return ApprovalState.CANCELLED;
        }
        boolean rejected = request.votes().stream().anyMatch(vote -> !vote.approves() && hasHappened(vote.at(), at));
        return rejected ? ApprovalState.REJECTED : null;
    }

    private static boolean hasHappened(@Nullable Instant event, Instant at) {
        return event != null && !event.isAfter(at);
    }

    /** When the last of the approvals that the rule needs was given; null where that has not happened. */
    private static @Nullable Instant complete(
            ApprovalRequest request, StricterRule rule, Instant deadline, Instant at) {
        record Approver(Subject subject, TenantId home) {}
        Set<Approver> approvers = new HashSet<>();
        List<Vote> inTime = request.votes().stream()
                .filter(vote -> hasHappened(vote.at(), at) && vote.at().isBefore(deadline))
                .filter(vote -> counts(vote, rule))
                .sorted(Comparator.comparing(Vote::at))
                .toList();
        for (Vote vote : inTime) {
            approvers.add(new Approver(vote.approver(), vote.approverHome()));
            if (approvers.size() >= rule.approvals()) {
                return vote.at();
            }
        }
        return null;
    }

    private static boolean counts(Vote vote, StricterRule rule) {
        return vote.approves()
                && rule.approverRole() != null
                && vote.rules().contains(rule.name())
                && rule.approverTypes().contains(vote.approver().type());
    }

    private static Standing standing(ApprovalState state, Instant until, Instant at) {
        return at.isBefore(until) ? new Standing(state, until) : new Standing(ApprovalState.EXPIRED, null);
    }

    /** Expired is worse than pending, pending than approved; of two alike, the one that ends first. */
    private static Standing worse(Standing one, Standing other) {
        int byState = Integer.compare(rank(one.state()), rank(other.state()));
        if (byState != 0) {
            return byState > 0 ? one : other;
        }
        return one.until() == null || other.until() == null || one.until().isBefore(other.until()) ? one : other;
    }

    private static int rank(ApprovalState state) {
        return switch (state) {
            case APPROVED -> 0;
            case PENDING -> 1;
            case EXPIRED, REJECTED, USED, CANCELLED -> 2;
        };
    }

    /** Durations are bounded where they are read, but not so low that a sum could not leave the calendar. */
    private static Instant plus(Instant from, Duration duration) {
        return Duration.between(from, Instant.MAX).compareTo(duration) <= 0 ? Instant.MAX : from.plus(duration);
    }
}
