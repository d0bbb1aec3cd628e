package dev.assize.server.audit;

import java.time.Instant;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What an exported entry says, in the order in which it is written. */
enum AuditColumn {
    SEQ,
    ENTRY_HASH,
    RECORDED_AT,
    RECORDED_BY,
    RECORDED_BY_TENANT,
    TYPE,
    CATEGORY,
    ACTOR,
    ACTOR_TENANT,
    ON_BEHALF_OF,
    ROLE,
    ACTION,
    RESOURCE,
    ENV,
    OUTCOME,
    OCCURRED_AT,
    RUN_ID,
    DECISION_ID,
    REASON,
    OVERRIDE,
    PAYLOAD,
    READS,
    WRITES,
    MASKED,
    ERASED,
    TRACE_CONTEXT;

    /** As its field is named in the frame. */
    String title() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** A number, a flag, a text or a list of texts; empty where the entry says nothing. */
    Optional<Object> of(RecordedEvent entry) {
        return Optional.ofNullable(value(entry, entry.event()));
    }

    private @Nullable Object value(RecordedEvent entry, AuditEvent event) {
        return switch (this) {
            case SEQ -> entry.seq();
            case ENTRY_HASH -> entry.entryHash().toString();
            case RECORDED_AT -> time(entry.recordedAt());
            case RECORDED_BY -> entry.recorder().caller().toString();
            case RECORDED_BY_TENANT -> entry.recorder().home().value();
            case TYPE -> event.type();
            case CATEGORY -> event.category();
            case ACTOR -> event.actor().toString();
            case ACTOR_TENANT -> text(event.actorTenant());
            case ON_BEHALF_OF -> text(event.onBehalfOf());
            case ROLE -> event.role();
            case ACTION -> event.action().value();
            case RESOURCE -> event.resource().value();
            case ENV -> event.env().value();
            case OUTCOME -> event.outcome().name();
            case OCCURRED_AT -> time(event.occurredAt());
            case RUN_ID -> event.runId();
            case DECISION_ID -> event.decisionId();
            case REASON -> event.reason();
            case OVERRIDE -> event.override() ? true : null;
            case PAYLOAD -> event.payload();
            case READS -> list(event.reads());
            case WRITES -> list(event.writes());
            case MASKED -> list(entry.masked());
            case ERASED -> list(entry.erased());
            case TRACE_CONTEXT -> event.traceContext();
        };
    }

    private static @Nullable String time(@Nullable Instant time) {
        return time == null ? null : DateTimeFormatter.ISO_INSTANT.format(time);
    }

    private static @Nullable String text(@Nullable Object value) {
        return value == null ? null : value.toString();
    }

    private static @Nullable List<String> list(List<String> texts) {
        return texts.isEmpty() ? null : texts;
    }
}
