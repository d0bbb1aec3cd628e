package dev.assize.server.retention;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.assize.server.audit.AuditEvent;
import dev.assize.server.audit.Outcome;
import dev.assize.server.audit.RecordedEvent;
import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.MalformedException;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** What the ledger is told of holds, and what it tells of them. */
public final class HoldEvents {

    private static final String PREFIX = AuditEvent.OWN_TYPES + "ledger.hold-";

    /** The type of entries that say that a hold was placed. */
    public static final String PLACED = PREFIX + "placed";

    /** The type of entries that say that one was released. */
    public static final String RELEASED = PREFIX + "released";

    private static final String ID = "hold_id";

    private static final ObjectMapper JSON = new ObjectMapper();

    private HoldEvents() {}

    public static AuditEvent placed(Hold.Placing placing, String id) {
        return event(PLACED, "place-hold", placing.tenant(), placing.by(), id, placing.scope(), placing.reason());
    }

    public static AuditEvent released(Hold.Release release, Hold hold) {
        return event(
                RELEASED, "release-hold", release.tenant(), release.by(), hold.id(), hold.scope(), release.reason());
    }

    private static AuditEvent event(
            String type, String action, TenantId tenant, Recorder by, String id, HoldScope scope, String reason) {
        return new AuditEvent(
                type,
                "ledger",
                by.caller(),
                null,
                new Action(action),
                ResourcePath.parse("tenant:" + tenant + "/hold:" + id),
                Environment.DEFAULT,
                Outcome.SUCCESS,
                null,
                null,
                null,
                reason,
                false,
                payload(id, scope),
                List.of(),
                List.of(),
                null,
                null);
    }

    /**
     * The hold as such entries tell of it.
     *
     * @param before as those before this one have told; null where they have not
     * @throws MalformedException where it is no such entry
     */
    public static Hold read(RecordedEvent entry, @Nullable Hold before) {
        JsonNode json = payload(entry);
        Hold.Act act = new Hold.Act(entry.recorder(), entry.recordedAt(), entry.seq());
        HoldScope scope = new HoldScope(
                value(json, "actor", Subject::parse),
                value(json, "resource", ResourcePath::parse),
                value(json, "from", Instant::parse),
                value(json, "to", Instant::parse));
        String id = json.path(ID).textValue();
        String reason = entry.event().reason();
        if (id == null || reason == null) {
            throw new MalformedException(String.valueOf(entry.event().payload()), "an entry about a hold");
        }
        if (entry.event().type().equals(PLACED)) {
            return new Hold(id, scope, reason, act, null);
        }
        return before == null
                ? new Hold(id, scope, reason, act, act)
                : new Hold(id, scope, before.reason(), before.placed(), act);
    }

    private static JsonNode payload(RecordedEvent entry) {
        try {
            return JSON.readTree(entry.event().payload());
        } catch (JsonProcessingException | IllegalArgumentException e) {
            throw new MalformedException(String.valueOf(entry.event().payload()), "an entry about a hold");
        }
    }

    private static <T> @Nullable T value(JsonNode json, String name, Function<String, T> form) {
        String text = json.path(name).textValue();
        try {
            return text == null ? null : form.apply(text);
        } catch (DateTimeParseException e) {
            throw new MalformedException(text, "a time");
        }
    }

    private static String payload(String id, HoldScope scope) {
        ObjectNode json = JsonNodeFactory.instance.objectNode().put(ID, id);
        put(json, "actor", scope.actor());
        put(json, "resource", scope.resource());
        put(json, "from", scope.from());
        put(json, "to", scope.to());
        return json.toString();
    }

    private static void put(ObjectNode json, String name, @Nullable Object value) {
        if (value != null) {
            json.put(name, value.toString());
        }
    }
}
