package dev.assize.server.endpoint.authzen;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.inject.Inject;
import dev.assize.server.administration.ApprovalResult.Done;
import dev.assize.server.decision.approval.ApprovalJudge;
import dev.assize.server.decision.approval.ApprovalRequest;
import dev.assize.server.decision.approval.ApprovalRequest.Vote;
import dev.assize.server.decision.approval.ApprovalState;
import dev.assize.server.decision.approval.Standing;
import dev.assize.server.model.Calendar;
import dev.assize.server.model.TenantId;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;

/**
 * Writes requests for approval as tasks. A task ends once: where a request was approved its task stays so, whether the
 * approval has run out, was used or was taken back since, and then says until when it held.
 */
final class Tasks {

    private final AuthzenConfig config;
    private final InstantSource clock;

    @Inject
    Tasks(AuthzenConfig config, InstantSource clock) {
        this.config = config;
        this.clock = clock;
    }

    ObjectNode written(TenantId tenant, Done done) {
        ApprovalRequest request = done.approval().request();
        Optional<Instant> approvedAt = approvedAt(request);
        String status = status(done.standing().state(), approvedAt.isPresent());
        ObjectNode response = JsonNodeFactory.instance.objectNode();
        response.putObject("task")
                .put("id", request.id())
                .put("status", status)
                .put("status_endpoint", config.base(tenant) + AccessRequests.PATH + "/" + request.id());
        if (status.equals("approved")) {
            ObjectNode approval = response.putObject("result")
                    .put("mode", "reevaluate")
                    .putObject("approval")
                    .put("id", request.id());
            approvedAt.ifPresent(at -> approval.put("approved_at", at.toString()));
            approval.put(
                    "approved_until", Calendar.atMostLast(approvedUntil(done)).toString());
        }
        return response;
    }

    private static String status(ApprovalState state, boolean wasApproved) {
        return switch (state) {
            case PENDING -> "pending";
            case APPROVED, USED -> "approved";
            case REJECTED -> "denied";
            case EXPIRED -> wasApproved ? "approved" : "expired";
            case CANCELLED -> wasApproved ? "approved" : "cancelled";
        };
    }

    /** When it had every approval that it pinned; empty where it never had. */
    private static Optional<Instant> approvedAt(ApprovalRequest request) {
        return request.votes().stream()
                .map(Vote::at)
                .sorted()
                .filter(at -> pinned(request, at).state() == ApprovalState.APPROVED)
                .findFirst();
    }

    /** What holds until later than now is told by the request itself; what is over held until now at the latest. */
    private Instant approvedUntil(Done done) {
        Instant until = done.standing().until();
        if (done.standing().state() == ApprovalState.APPROVED && until != null) {
            return until;
        }
        ApprovalRequest request = done.approval().request();
        Instant last = clock.instant();
        for (Instant end : List.of(
                Optional.ofNullable(request.usedAt()).orElse(last),
                Optional.ofNullable(request.cancelledAt()).orElse(last),
                approvedAt(request)
                        .flatMap(at -> Optional.ofNullable(pinned(request, at).until()))
                        .orElse(last))) {
            last = end.isBefore(last) ? end : last;
        }
        return last;
    }

    /** Where it stood by the rules that it pinned. */
    private static Standing pinned(ApprovalRequest request, Instant at) {
        return ApprovalJudge.standing(request.asOf(at), List.of(), at);
    }
}
