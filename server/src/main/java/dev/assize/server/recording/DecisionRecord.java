package dev.assize.server.recording;

import dev.assize.server.decision.check.Answer.DecidedBy;
import dev.assize.server.model.Reason;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a record says of a decision. Names are as recorded.
 *
 * @param onBehalfOf null where the subject acted for itself; then so is its tenant
 * @param decidedBy null where nothing in the policy decided
 * @param delegatorReason why the one on whose behalf it was asked is denied; null otherwise
 * @param approvalId of the single-use approval that an allow rests on; null otherwise
 * @param obligations their ids
 * @param attributesDigest stands for the attributes that the request brought; empty where it brought none
 * @param traceContext W3C `traceparent`; null where the call had none
 */
public record DecisionRecord(
        String decisionId,
        Instant decidedAt,
        String caller,
        String callerTenant,
        String subject,
        String subjectTenant,
        @Nullable String onBehalfOf,
        @Nullable String onBehalfOfTenant,
        String action,
        String resource,
        String env,
        @Nullable String runId,
        List<String> activeRoles,
        Reason reason,
        @Nullable Reason delegatorReason,
        @Nullable DecidedBy decidedBy,
        long revision,
        long platformRevision,
        @Nullable String approvalId,
        List<String> obligations,
        byte[] attributesDigest,
        @Nullable String traceContext) {}
