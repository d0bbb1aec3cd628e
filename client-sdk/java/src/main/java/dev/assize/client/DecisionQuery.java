package dev.assize.client;

import com.google.protobuf.Timestamp;
import dev.assize.proto.v1.Decision;
import dev.assize.proto.v1.QueryDecisionsRequest;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * Which decisions on record are wanted; all conditions given must hold. Immutable; each method gives a changed copy.
 *
 * @param tenant empty means the client's default
 * @param from decided at or after
 * @param to decided before
 * @param subject empty for any
 * @param action empty for any
 * @param resource the path and everything under it; empty for any
 * @param allowed null for any
 * @param decisionId empty for any
 * @param ascending oldest first
 */
public record DecisionQuery(
        String tenant,
        @Nullable Instant from,
        @Nullable Instant to,
        String subject,
        String action,
        String resource,
        @Nullable Boolean allowed,
        String decisionId,
        boolean ascending) {

    /** Everything in the client's default tenant, newest first. */
    public static final DecisionQuery ALL = new DecisionQuery("", null, null, "", "", "", null, "", false);

    private static final int PAGE = 500;

    public DecisionQuery inTenant(String tenant) {
        return new DecisionQuery(tenant, from, to, subject, action, resource, allowed, decisionId, ascending);
    }

    public DecisionQuery decidedFrom(Instant from) {
        return new DecisionQuery(tenant, from, to, subject, action, resource, allowed, decisionId, ascending);
    }

    public DecisionQuery decidedBefore(Instant to) {
        return new DecisionQuery(tenant, from, to, subject, action, resource, allowed, decisionId, ascending);
    }

    public DecisionQuery about(String subject) {
        return new DecisionQuery(tenant, from, to, subject, action, resource, allowed, decisionId, ascending);
    }

    public DecisionQuery ofAction(String action) {
        return new DecisionQuery(tenant, from, to, subject, action, resource, allowed, decisionId, ascending);
    }

    public DecisionQuery under(String resource) {
        return new DecisionQuery(tenant, from, to, subject, action, resource, allowed, decisionId, ascending);
    }

    public DecisionQuery allowsOnly() {
        return new DecisionQuery(tenant, from, to, subject, action, resource, true, decisionId, ascending);
    }

    public DecisionQuery deniesOnly() {
        return new DecisionQuery(tenant, from, to, subject, action, resource, false, decisionId, ascending);
    }

    public DecisionQuery withId(String decisionId) {
        return new DecisionQuery(tenant, from, to, subject, action, resource, allowed, decisionId, ascending);
    }

    public DecisionQuery oldestFirst() {
        return new DecisionQuery(tenant, from, to, subject, action, resource, allowed, decisionId, true);
    }

    QueryDecisionsRequest toRequest(String defaultTenant) {
        QueryDecisionsRequest.Builder request = QueryDecisionsRequest.newBuilder()
                .setTenant(tenant.isEmpty() ? defaultTenant : tenant)
                .setSubject(subject)
                .setAction(action)
                .setResource(resource)
                .setDecisionId(decisionId)
                .setAscending(ascending)
                .setIncludeRecords(true)
                .setPageSize(PAGE);
        if (allowed != null) {
            request.setDecision(allowed ? Decision.DECISION_ALLOW : Decision.DECISION_DENY);
        }
        if (from != null) {
            request.setFrom(timestamp(from));
        }
        if (to != null) {
            request.setTo(timestamp(to));
        }
        return request.build();
    }

    private static Timestamp timestamp(Instant instant) {
        return Timestamp.newBuilder()
                .setSeconds(instant.getEpochSecond())
                .setNanos(instant.getNano())
                .build();
    }
}
