package dev.assize.server.upstream.forward;

import com.google.protobuf.Timestamp;
import dev.assize.proto.v1.Outcome;
import dev.assize.server.audit.AuditEvent;
import dev.assize.server.audit.Erasable;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** Writes audit events as they are sent. */
final class EventWire {

    private EventWire() {}

    /**
     * The event.
     *
     * @param occurredAt when it happened, where it does not say so itself; null to leave that open
     */
    static dev.assize.proto.v1.AuditEvent of(AuditEvent event, @Nullable Instant occurredAt) {
        dev.assize.proto.v1.AuditEvent.Builder wire = dev.assize.proto.v1.AuditEvent.newBuilder()
                .setType(event.type())
                .setCategory(text(event.category()))
                .setActor(event.actor().toString())
                .setRole(text(event.role()))
                .setAction(event.action().value())
                .setResource(event.resource().value())
                .setEnv(event.env().value())
                .setOutcome(outcome(event.outcome()))
                .setRunId(text(event.runId()))
                .setDecisionId(text(event.decisionId()))
                .setReason(text(event.reason()))
                .setOverride(event.override())
                .setPayload(text(event.payload()))
                .addAllReads(event.reads())
                .addAllWrites(event.writes())
                .setOnBehalfOf(text(event.onBehalfOf()))
                .setActorTenant(text(event.actorTenant()))
                .addAllErasable(event.erasable().stream().map(Erasable::text).toList());
        Instant when = event.occurredAt() == null ? occurredAt : event.occurredAt();
        if (when != null) {
            wire.setOccurredAt(
                    Timestamp.newBuilder().setSeconds(when.getEpochSecond()).setNanos(when.getNano()));
        }
        return wire.build();
    }

    private static Outcome outcome(dev.assize.server.audit.Outcome outcome) {
        return switch (outcome) {
            case SUCCESS -> Outcome.OUTCOME_SUCCESS;
            case FAILURE -> Outcome.OUTCOME_FAILURE;
            case DENIED -> Outcome.OUTCOME_DENIED;
            case PARTIAL -> Outcome.OUTCOME_PARTIAL;
        };
    }

    private static String text(@Nullable Object value) {
        return value == null ? "" : value.toString();
    }
}
