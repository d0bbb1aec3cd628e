package dev.assize.server.testing;

import com.google.errorprone.annotations.CanIgnoreReturnValue;
import dev.assize.server.audit.AuditEvent;
import dev.assize.server.audit.Outcome;
import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** An event of which a test says only what it is about: it succeeded in production, and the rest is empty. */
public final class EventBuilder {

    private final String type;
    private final Subject actor;
    private final Action action;
    private final ResourcePath resource;

    private Environment env = new Environment("production");
    private Outcome outcome = Outcome.SUCCESS;
    private @Nullable String category;
    private @Nullable String role;
    private @Nullable Instant occurredAt;
    private @Nullable String runId;
    private @Nullable String decisionId;
    private @Nullable String reason;
    private @Nullable String payload;
    private List<String> reads = List.of();
    private List<String> writes = List.of();

    private EventBuilder(String type, Subject actor, Action action, ResourcePath resource) {
        this.type = type;
        this.actor = actor;
        this.action = action;
        this.resource = resource;
    }

    public static EventBuilder event(String type, Subject actor, Action action, ResourcePath resource) {
        return new EventBuilder(type, actor, action, resource);
    }

    @CanIgnoreReturnValue
    public EventBuilder env(Environment value) {
        env = value;
        return this;
    }

    @CanIgnoreReturnValue
    public EventBuilder outcome(Outcome value) {
        outcome = value;
        return this;
    }

    @CanIgnoreReturnValue
    public EventBuilder category(@Nullable String value) {
        category = value;
        return this;
    }

    @CanIgnoreReturnValue
    public EventBuilder role(@Nullable String value) {
        role = value;
        return this;
    }

    @CanIgnoreReturnValue
    public EventBuilder occurredAt(@Nullable Instant value) {
        occurredAt = value;
        return this;
    }

    @CanIgnoreReturnValue
    public EventBuilder runId(@Nullable String value) {
        runId = value;
        return this;
    }

    @CanIgnoreReturnValue
    public EventBuilder decisionId(@Nullable String value) {
        decisionId = value;
        return this;
    }

    @CanIgnoreReturnValue
    public EventBuilder reason(@Nullable String value) {
        reason = value;
        return this;
    }

    @CanIgnoreReturnValue
    public EventBuilder payload(@Nullable String value) {
        payload = value;
        return this;
    }

    @CanIgnoreReturnValue
    public EventBuilder reads(List<String> value) {
        reads = value;
        return this;
    }

    @CanIgnoreReturnValue
    public EventBuilder writes(List<String> value) {
        writes = value;
        return this;
    }

    public AuditEvent build() {
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
                reason,
                false,
                payload,
                reads,
                writes,
                null,
                null);
    }
}
