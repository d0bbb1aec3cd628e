package dev.assize.server.endpoint.grpc;

import com.google.protobuf.ByteString;
import dev.assize.proto.v1.AuditEntry;
import dev.assize.proto.v1.ExportAuditRequest;
import dev.assize.proto.v1.QueryAuditRequest;
import dev.assize.server.audit.AuditEvent;
import dev.assize.server.audit.AuditFilter;
import dev.assize.server.audit.Erasable;
import dev.assize.server.audit.Outcome;
import dev.assize.server.audit.RecordedEvent;
import dev.assize.server.endpoint.call.Fields;
import dev.assize.server.endpoint.call.RefusedException;
import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.Limits;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Reads audit events and queries from the wire, and writes recorded events to it. */
final class AuditTranslator {

    private AuditTranslator() {}

    /**
     * Names of their form; what makes a whole event right is the audit room's to say.
     *
     * @param prefix of field names, for example `events[3].`
     */
    static AuditEvent event(String prefix, dev.assize.proto.v1.AuditEvent wire, Subject caller) {
        Fields.requireKnown(prefix + "event", wire);
        return new AuditEvent(
                Fields.read(prefix + "type", wire.getType(), AuditTranslator::type),
                emptyToNull(wire.getCategory()),
                wire.getActor().isEmpty()
                        ? caller
                        : Fields.read(prefix + "actor", wire.getActor(), Subject::parseOfRequest),
                emptyToNull(wire.getRole()),
                Fields.read(prefix + "action", wire.getAction(), Action::new),
                Fields.read(prefix + "resource", wire.getResource(), ResourcePath::parse),
                Fields.read(prefix + "env", wire.getEnv(), Environment::ofRequest),
                outcome(prefix + "outcome", wire.getOutcomeValue()),
                wire.hasOccurredAt() ? Fields.instant(prefix + "occurred_at", wire.getOccurredAt()) : null,
                emptyToNull(wire.getRunId()),
                emptyToNull(wire.getDecisionId()),
                emptyToNull(wire.getReason()),
                wire.getOverride(),
                emptyToNull(wire.getPayload()),
                wire.getReadsList(),
                wire.getWritesList(),
                Fields.readOptional(prefix + "on_behalf_of", wire.getOnBehalfOf(), Subject::parseOfRequest),
                Fields.readOptional(prefix + "actor_tenant", wire.getActorTenant(), TenantId::new),
                erasable(prefix + "erasable", wire.getErasableList()));
    }

    /** Names of what can be erased; at most as many as there are, each once. */
    static Set<Erasable> erasable(String field, List<String> names) {
        Set<Erasable> parts = EnumSet.noneOf(Erasable.class);
        for (String name : names) {
            Optional<Erasable> part = Erasable.ofText(name);
            if (part.isEmpty() || !parts.add(part.get())) {
                throw RefusedException.invalid(field, name, "`payload`, `reason` or `on_behalf_of`, each once");
            }
        }
        return parts;
    }

    static AuditFilter filter(QueryAuditRequest request, Set<Environment> envs, @Nullable Long afterSeq, int limit) {
        return new AuditFilter(
                request.hasFrom() ? Fields.instant("from", request.getFrom()) : null,
                request.hasTo() ? Fields.instant("to", request.getTo()) : null,
                text(Fields.readOptional("actor", request.getActor(), Subject::parse)),
                text(Fields.readOptional("action", request.getAction(), Action::new)),
                Fields.readOptional("resource", request.getResource(), ResourcePath::parse),
                request.getOutcomeValue() == dev.assize.proto.v1.Outcome.OUTCOME_UNSPECIFIED_VALUE
                        ? null
                        : outcome("outcome", request.getOutcomeValue()),
                Fields.text("run_id", request.getRunId(), Limits.ID_BYTES),
                Fields.readOptional("type", request.getType(), AuditTranslator::type),
                envs,
                request.getAscending(),
                afterSeq,
                limit);
    }

    /** From a position on, oldest first. */
    static AuditFilter filter(ExportAuditRequest request, Set<Environment> envs) {
        QueryAuditRequest.Builder query = QueryAuditRequest.newBuilder()
                .setActor(request.getActor())
                .setAction(request.getAction())
                .setResource(request.getResource())
                .setOutcomeValue(request.getOutcomeValue())
                .setRunId(request.getRunId())
                .setType(request.getType())
                .setAscending(true);
        if (request.hasFrom()) {
            query.setFrom(request.getFrom());
        }
        if (request.hasTo()) {
            query.setTo(request.getTo());
        }
        Long before = request.getFromSeq() == 0 ? null : Long.valueOf(request.getFromSeq() - 1);
        return filter(query.build(), envs, before, Limits.PAGE_ITEMS);
    }

    static AuditEntry entry(RecordedEvent recorded, boolean withFrame) {
        AuditEntry.Builder entry = AuditEntry.newBuilder()
                .setSeq(recorded.seq())
                .setEntryHash(ByteString.copyFrom(recorded.entryHash().bytes()))
                .setRecordedAt(Fields.timestamp(recorded.recordedAt()))
                .setRecordedBy(recorded.recorder().caller().toString())
                .setRecordedByTenant(recorded.recorder().home().value())
                .setEvent(wire(recorded.event()))
                .addAllMasked(recorded.masked())
                .addAllErased(recorded.erased())
                .setTraceContext(nullToEmpty(recorded.event().traceContext()));
        if (withFrame) {
            entry.setFrame(ByteString.copyFrom(recorded.frame()));
        }
        return entry.build();
    }

    private static dev.assize.proto.v1.AuditEvent wire(AuditEvent event) {
        dev.assize.proto.v1.AuditEvent.Builder wire = dev.assize.proto.v1.AuditEvent.newBuilder()
                .setType(event.type())
                .setCategory(nullToEmpty(event.category()))
                .setActor(event.actor().toString())
                .setRole(nullToEmpty(event.role()))
                .setAction(event.action().value())
                .setResource(event.resource().value())
                .setEnv(event.env().value())
                .setOutcome(outcome(event.outcome()))
                .setRunId(nullToEmpty(event.runId()))
                .setDecisionId(nullToEmpty(event.decisionId()))
                .setReason(nullToEmpty(event.reason()))
                .setOverride(event.override())
                .setPayload(nullToEmpty(event.payload()))
                .addAllReads(event.reads())
                .addAllWrites(event.writes())
                .setOnBehalfOf(nullToEmpty(text(event.onBehalfOf())))
                .setActorTenant(nullToEmpty(text(event.actorTenant())))
                .addAllErasable(event.erasable().stream().map(Erasable::text).toList());
        if (event.occurredAt() != null) {
            wire.setOccurredAt(Fields.timestamp(event.occurredAt()));
        }
        return wire.build();
    }

    /** Types of events have the form of actions. */
    private static String type(String text) {
        return new Action(text).value();
    }

    private static Outcome outcome(String field, int number) {
        return switch (dev.assize.proto.v1.Outcome.forNumber(number)) {
            case OUTCOME_SUCCESS -> Outcome.SUCCESS;
            case OUTCOME_FAILURE -> Outcome.FAILURE;
            case OUTCOME_DENIED -> Outcome.DENIED;
            case OUTCOME_PARTIAL -> Outcome.PARTIAL;
            case OUTCOME_UNSPECIFIED, UNRECOGNIZED -> throw noOutcome(field, number);
            case null -> throw noOutcome(field, number);
        };
    }

    private static RefusedException noOutcome(String field, int number) {
        return RefusedException.invalid(
                field, Integer.toString(number), "OUTCOME_SUCCESS, OUTCOME_FAILURE, OUTCOME_DENIED or OUTCOME_PARTIAL");
    }

    static dev.assize.proto.v1.Outcome outcome(Outcome outcome) {
        return switch (outcome) {
            case SUCCESS -> dev.assize.proto.v1.Outcome.OUTCOME_SUCCESS;
            case FAILURE -> dev.assize.proto.v1.Outcome.OUTCOME_FAILURE;
            case DENIED -> dev.assize.proto.v1.Outcome.OUTCOME_DENIED;
            case PARTIAL -> dev.assize.proto.v1.Outcome.OUTCOME_PARTIAL;
        };
    }

    private static @Nullable String text(@Nullable Object value) {
        return value == null ? null : value.toString();
    }

    private static @Nullable String emptyToNull(String text) {
        return text.isEmpty() ? null : text;
    }

    private static String nullToEmpty(@Nullable String text) {
        return text == null ? "" : text;
    }
}
