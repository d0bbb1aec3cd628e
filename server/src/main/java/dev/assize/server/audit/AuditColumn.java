package dev.assize.server.audit;

import java.time.Instant;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** What an exported entry says, in the order in which it is written. */
enum AuditColumn {
    SEQ(entry -> entry.seq()),
    ENTRY_HASH(entry -> entry.entryHash().toString()),
    RECORDED_AT(entry -> time(entry.recordedAt())),
    RECORDED_BY(entry -> entry.recorder().caller().toString()),
    RECORDED_BY_TENANT(entry -> entry.recorder().home().value()),
    TYPE(entry -> entry.event().type()),
    CATEGORY(entry -> entry.event().category()),
    ACTOR(entry -> entry.event().actor().toString()),
    ACTOR_TENANT(entry -> text(entry.event().actorTenant())),
    ON_BEHALF_OF(entry -> text(entry.event().onBehalfOf())),
    ROLE(entry -> entry.event().role()),
    ACTION(entry -> entry.event().action().value()),
    RESOURCE(entry -> entry.event().resource().value()),
    ENV(entry -> entry.event().env().value()),
    OUTCOME(entry -> entry.event().outcome().name()),
    OCCURRED_AT(entry -> time(entry.event().occurredAt())),
    RUN_ID(entry -> entry.event().runId()),
    DECISION_ID(entry -> entry.event().decisionId()),
    REASON(entry -> entry.event().reason()),
    OVERRIDE(entry -> entry.event().override() ? true : null),
    PAYLOAD(entry -> entry.event().payload()),
    READS(entry -> list(entry.event().reads())),
    WRITES(entry -> list(entry.event().writes()));

    private final Function<RecordedEvent, @Nullable Object> value;

    AuditColumn(Function<RecordedEvent, @Nullable Object> value) {
        this.value = value;
    }

    /** As its field is named in the frame. */
    String title() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** A number, a flag, a text or a list of texts; empty where the entry says nothing. */
    Optional<Object> of(RecordedEvent entry) {
        return Optional.ofNullable(value.apply(entry));
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
