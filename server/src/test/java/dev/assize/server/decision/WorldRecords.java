package dev.assize.server.decision;

import dev.assize.server.decision.approval.ApprovalRequest;
import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What a tenant's ledger shows to have been done, and what was asked to be approved with all that became of it; as the
 * engine's ports it tells what a moment could know of that.
 *
 * @param entries by position
 */
record WorldRecords(List<Entry> entries, List<ApprovalRequest> approvals) implements HistorySource, ApprovalSource {

    static final WorldRecords NONE = new WorldRecords(List.of(), List.of());

    /** What there is of it at a moment: what is recorded later is not there yet. */
    WorldRecords at(Instant now) {
        return new WorldRecords(
                entries.stream()
                        .filter(entry -> !entry.recordedAt().isAfter(now))
                        .toList(),
                approvals.stream()
                        .filter(request -> !request.requestedAt().isAfter(now))
                        .map(request -> asOf(request, now))
                        .toList());
    }

    /** An entry, as far as a separation of duty looks at it. */
    record Entry(
            long seq,
            Subject actor,
            Action action,
            ResourcePath resource,
            Environment env,
            String outcome,
            Instant recordedAt) {}

    @Override
    public Optional<Performed> firstPerformed(
            TenantId tenant, Subject actor, ResourcePath resource, Set<Action> actions, Instant until) {
        return entries.stream()
                .filter(entry -> entry.actor().equals(actor))
                .filter(entry -> entry.resource().equals(resource))
                .filter(entry -> actions.contains(entry.action()))
                .filter(entry ->
                        entry.outcome().equals("SUCCESS") || entry.outcome().equals("PARTIAL"))
                .filter(entry -> !entry.recordedAt().isAfter(until))
                .findFirst()
                .map(entry -> new Performed(entry.action(), entry.seq(), entry.recordedAt()));
    }

    @Override
    public List<ApprovalRequest> find(
            TenantId tenant,
            Subject subject,
            TenantId subjectHome,
            Action action,
            ResourcePath resource,
            Environment env,
            Instant until) {
        return approvals.stream()
                .filter(request -> request.tenant().equals(tenant))
                .filter(request -> request.subject().equals(subject))
                .filter(request -> request.subjectHome().equals(subjectHome))
                .filter(request -> request.action().equals(action))
                .filter(request -> request.resource().equals(resource))
                .filter(request -> request.env().equals(env))
                .filter(request -> !request.requestedAt().isAfter(until))
                .sorted(Comparator.comparing(ApprovalRequest::requestedAt))
                .map(request -> asOf(request, until))
                .toList();
    }

    private static ApprovalRequest asOf(ApprovalRequest request, Instant until) {
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
                request.votes().stream()
                        .filter(vote -> !vote.at().isAfter(until))
                        .toList(),
                request.requestedAt(),
                by(request.cancelledAt(), until),
                by(request.usedAt(), until));
    }

    private static @Nullable Instant by(@Nullable Instant moment, Instant until) {
        return moment == null || moment.isAfter(until) ? null : moment;
    }
}
