package dev.assize.server.audit;

import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import java.time.Instant;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Something that was done, or tried, and is to be remembered. The server's own events have types that begin with
 * `assize.`; all share this shape, so that one query finds them.
 *
 * @param type what kind of event
 * @param category a coarser class
 * @param actor who did it
 * @param role in which it was done
 * @param resource what it was done to
 * @param occurredAt by the actor's clock; null means when it was recorded
 * @param override whether elevated privileges were used
 * @param payload a JSON value as text
 * @param reads URIs of records read
 * @param writes URIs of records written
 * @param onBehalfOf for whom it was done; null where the actor acted for itself
 * @param actorTenant the actor's home; null means what the recorder says of itself, else the ledger's tenant
 * @param erasable what of it is kept beside the frame, so that it can be erased; where it has none of it that says nothing
 * @param traceContext W3C `traceparent` of the call that brought it; null where that had none. It is no part of what a retry
 *     is compared by
 */
public record AuditEvent(
        String type,
        @Nullable String category,
        Subject actor,
        @Nullable String role,
        Action action,
        ResourcePath resource,
        Environment env,
        Outcome outcome,
        @Nullable Instant occurredAt,
        @Nullable String runId,
        @Nullable String decisionId,
        @Nullable String reason,
        boolean override,
        @Nullable String payload,
        List<String> reads,
        List<String> writes,
        @Nullable Subject onBehalfOf,
        @Nullable TenantId actorTenant,
        Set<Erasable> erasable,
        @Nullable String traceContext) {

    /** The prefix of types that only the server writes. */
    public static final String OWN_TYPES = "assize.";

    public AuditEvent {
        reads = List.copyOf(reads);
        writes = List.copyOf(writes);
        erasable = erasable.isEmpty() ? Set.of() : Collections.unmodifiableSet(EnumSet.copyOf(erasable));
    }

    /** An event of nobody's trace. */
    public AuditEvent(
            String type,
            @Nullable String category,
            Subject actor,
            @Nullable String role,
            Action action,
            ResourcePath resource,
            Environment env,
            Outcome outcome,
            @Nullable Instant occurredAt,
            @Nullable String runId,
            @Nullable String decisionId,
            @Nullable String reason,
            boolean override,
            @Nullable String payload,
            List<String> reads,
            List<String> writes,
            @Nullable Subject onBehalfOf,
            @Nullable TenantId actorTenant,
            Set<Erasable> erasable) {
        this(
                type,
                category,
                actor,
                role,
                action,
                resource,
                env,
                outcome,
                occurredAt,
                runId,
                decisionId,
                reason,
                override,
                payload,
                reads,
                writes,
                onBehalfOf,
                actorTenant,
                erasable,
                null);
    }

    /** An event of which nothing can be erased. */
    public AuditEvent(
            String type,
            @Nullable String category,
            Subject actor,
            @Nullable String role,
            Action action,
            ResourcePath resource,
            Environment env,
            Outcome outcome,
            @Nullable Instant occurredAt,
            @Nullable String runId,
            @Nullable String decisionId,
            @Nullable String reason,
            boolean override,
            @Nullable String payload,
            List<String> reads,
            List<String> writes,
            @Nullable Subject onBehalfOf,
            @Nullable TenantId actorTenant) {
        this(
                type,
                category,
                actor,
                role,
                action,
                resource,
                env,
                outcome,
                occurredAt,
                runId,
                decisionId,
                reason,
                override,
                payload,
                reads,
                writes,
                onBehalfOf,
                actorTenant,
                Set.of());
    }

    /** The same with other free texts. */
    AuditEvent withTexts(@Nullable String otherReason, @Nullable String otherPayload) {
        return with(otherReason, otherPayload, traceContext);
    }

    /** The same, done by others. */
    AuditEvent withSubjects(Subject otherActor, @Nullable Subject otherOnBehalfOf) {
        if (otherActor.equals(actor) && Objects.equals(otherOnBehalfOf, onBehalfOf)) {
            return this;
        }
        return new AuditEvent(
                type,
                category,
                otherActor,
                role,
                action,
                resource,
                env,
                outcome,
                occurredAt,
                runId,
                decisionId,
                reason,
                override,
                payload,
                reads,
                writes,
                otherOnBehalfOf,
                actorTenant,
                erasable,
                traceContext);
    }

    /** The same as a call brought it that is part of this trace, or of none. */
    public AuditEvent inTrace(@Nullable String otherTraceContext) {
        return with(reason, payload, otherTraceContext);
    }

    private AuditEvent with(
            @Nullable String otherReason, @Nullable String otherPayload, @Nullable String otherTraceContext) {
        return new AuditEvent(
                type,
                category,
                actor,
                role,
                action,
                resource,
                env,
                outcome,
                occurredAt,
                runId,
                decisionId,
                otherReason,
                override,
                otherPayload,
                reads,
                writes,
                onBehalfOf,
                actorTenant,
                erasable,
                otherTraceContext);
    }

    /** What is to be kept beside the frame, of what there is. */
    @Nullable
    String erasableValue(Erasable which) {
        if (!erasable.contains(which)) {
            return null;
        }
        return switch (which) {
            case ON_BEHALF_OF -> onBehalfOf == null ? null : onBehalfOf.toString();
            case REASON -> reason;
            case PAYLOAD -> payload;
        };
    }
}
