package dev.assize.server.decision;

import static dev.assize.server.decision.ReferencePolicy.BYTES;

import dev.assize.server.decision.approval.ApprovalRequest;
import dev.assize.server.decision.approval.ApprovalRequest.PinnedRule;
import dev.assize.server.decision.approval.ApprovalRequest.Vote;
import dev.assize.server.decision.check.Answer.DecidedBy;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.model.Action;
import dev.assize.server.policy.AnyOf;
import dev.assize.server.policy.Document.ApprovalRuleDocument;
import dev.assize.server.policy.Document.Duty;
import dev.assize.server.policy.Document.Obligation;
import dev.assize.server.policy.Document.SeparationOfDutyDocument;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;

/** What still stands in the way of a request that the policy allows: what was done, and what was not approved. */
final class ReferenceSettlement {

    private static final String USE = "assize/use-approval";

    private final ReferencePolicy policy;
    private final WorldRecords records;

    ReferenceSettlement(ReferencePolicy policy, WorldRecords records) {
        this.policy = policy;
        this.records = records;
    }

    /** Step 6: "whom the tenant's ledger shows to have done another of the rule's actions on the same resource path". */
    Optional<DecidedBy> performed(CheckQuery query, Instant now, Instant committedBy) {
        return duties(query)
                .filter(rule -> rule.duty() instanceof Duty.PerformedActions(List<Action> actions, var resources)
                        && didAnother(actions, query, now, committedBy))
                .map(rule -> (DecidedBy) new DecidedBy.Duty(rule.name()))
                .findFirst();
    }

    /** "A `performed-actions` rule that names the action and covers type(r) and env." */
    private Stream<SeparationOfDutyDocument> duties(CheckQuery query) {
        return policy.all(SeparationOfDutyDocument.class).stream()
                .filter(rule -> rule.environments().contains(query.env()))
                .filter(rule ->
                        rule.duty() instanceof Duty.PerformedActions(List<Action> actions, AnyOf<String> resources)
                                && actions.contains(query.action())
                                && resources.contains(query.resource().type()));
    }

    /** Whether there is any rule to settle. */
    boolean covers(CheckQuery query) {
        return duties(query).findAny().isPresent() || !rules(query).isEmpty();
    }

    boolean needsApproval(CheckQuery query) {
        return !rules(query).isEmpty();
    }

    private boolean didAnother(List<Action> actions, CheckQuery query, Instant now, Instant committedBy) {
        return records.entries().stream()
                .anyMatch(entry -> entry.actor().equals(query.subject())
                        && entry.resource().equals(query.resource())
                        && actions.contains(entry.action())
                        && !entry.action().equals(query.action())
                        && Set.of("SUCCESS", "PARTIAL").contains(entry.outcome())
                        && !entry.recordedAt().isAfter(now)
                        && !entry.recordedAt().isAfter(committedBy));
    }

    /** Step 7: "every `ApprovalRule` that covers (type(r), action, env) needs an approved, unexpired, unused request". */
    Optional<DecidedBy> missing(CheckQuery query, Instant now, Instant committedBy) {
        return rules(query).stream()
                .filter(rule -> serving(rule, query, now, committedBy).isEmpty())
                .map(rule -> (DecidedBy) new DecidedBy.Approval(rule.name()))
                .findFirst();
    }

    /** "An allow through a single-use approval carries `approval_id`": of those that serve a rule the first by id counts. */
    Optional<String> singleUse(CheckQuery query, Instant now, Instant committedBy) {
        return rules(query).stream()
                .flatMap(rule -> serving(rule, query, now, committedBy).stream()
                        .limit(1)
                        .filter(request ->
                                rule.singleUse() || pinned(request, rule.name()).singleUse()))
                .map(ApprovalRequest::id)
                .min(BYTES);
    }

    static Obligation useOf(String approvalId) {
        return new Obligation(USE, USE, new TreeMap<>(Map.of("approval_id", approvalId)));
    }

    private List<ApprovalRuleDocument> rules(CheckQuery query) {
        return policy.all(ApprovalRuleDocument.class).stream()
                .filter(rule -> rule.resources().contains(query.resource().type()))
                .filter(rule -> rule.actions().contains(query.action()))
                .filter(rule -> rule.environments().contains(query.env()))
                .toList();
    }

    /** The requests that serve a rule, by id: "for this subject, action, resource and env". */
    private List<ApprovalRequest> serving(
            ApprovalRuleDocument rule, CheckQuery query, Instant now, Instant committedBy) {
        Instant until = now.isBefore(committedBy) ? now : committedBy;
        return records.approvals().stream()
                .filter(request -> request.tenant().equals(query.tenant()))
                .filter(request -> request.subject().equals(query.subject()))
                .filter(request -> request.subjectHome().equals(query.subjectTenant()))
                .filter(request -> request.action().equals(query.action()))
                .filter(request -> request.resource().equals(query.resource()))
                .filter(request -> request.env().equals(query.env()))
                .filter(request -> !request.requestedAt().isAfter(until))
                .filter(request ->
                        request.cancelledAt() == null || request.cancelledAt().isAfter(until))
                .filter(request -> request.usedAt() == null || request.usedAt().isAfter(until))
                .filter(request -> request.votes().stream()
                        .allMatch(vote -> vote.approves() || vote.at().isAfter(until)))
                .filter(request -> request.rules().stream()
                        .anyMatch(pinned -> pinned.name().equals(rule.name())
                                && pinned.approverRole().equals(rule.approverRole())
                                && isApproved(request, stricter(pinned, rule), now, until)))
                .sorted((one, other) -> BYTES.compare(one.id(), other.id()))
                .toList();
    }

    private static PinnedRule pinned(ApprovalRequest request, String rule) {
        return request.rules().stream()
                .filter(pinned -> pinned.name().equals(rule))
                .findAny()
                .orElseThrow();
    }

    /** "At use the stricter of then and now holds." */
    private static PinnedRule stricter(PinnedRule then, ApprovalRuleDocument now) {
        return new PinnedRule(
                then.name(),
                Math.max(then.approvals(), now.approvals()),
                then.approverRole(),
                then.approverTypes().stream()
                        .filter(now.approverTypes()::contains)
                        .toList(),
                shorter(then.pendingTtl(), now.pendingTtl()),
                shorter(then.ttl(), now.ttl()),
                then.singleUse() || now.singleUse());
    }

    private static Duration shorter(Duration one, Duration other) {
        return one.compareTo(other) < 0 ? one : other;
    }

    /** "Nobody counts twice"; "`pendingTtl` bounds waiting, `ttl` runs from the last approval" of those needed. */
    private static boolean isApproved(ApprovalRequest request, PinnedRule rule, Instant now, Instant until) {
        Instant waitsUntil = request.requestedAt().plus(rule.pendingTtl());
        List<Vote> counting = request.votes().stream()
                .filter(Vote::approves)
                .filter(vote -> vote.rules().contains(rule.name()))
                .filter(vote -> rule.approverTypes().contains(vote.approver().type()))
                .filter(vote -> vote.at().isBefore(waitsUntil) && !vote.at().isAfter(until))
                .sorted(Comparator.comparing(Vote::at))
                .toList();
        Set<Object> approvers = new HashSet<>();
        for (Vote vote : counting) {
            approvers.add(List.of(vote.approver(), vote.approverHome()));
            if (approvers.size() == rule.approvals()) {
                return now.isBefore(vote.at().plus(rule.ttl()));
            }
        }
        return false;
    }
}
