package dev.assize.server.retention;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.assize.server.audit.AuditEvent;
import dev.assize.server.audit.Outcome;
import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.TenantId;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What the ledger is told of holds. */
public final class HoldEvents {

    private static final String PREFIX = AuditEvent.OWN_TYPES + "ledger.hold-";

    private HoldEvents() {}

    public static AuditEvent placed(Hold.Placing placing, String id) {
        return event("placed", "place-hold", placing.tenant(), placing.by(), id, placing.scope(), placing.reason());
    }

    public static AuditEvent released(Hold.Release release, Hold hold) {
        return event(
                "released", "release-hold", release.tenant(), release.by(), hold.id(), hold.scope(), release.reason());
    }

    private static AuditEvent event(
            String what, String action, TenantId tenant, Recorder by, String id, HoldScope scope, String reason) {
        return new AuditEvent(
                PREFIX + what,
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

    private static String payload(String id, HoldScope scope) {
        ObjectNode json = JsonNodeFactory.instance.objectNode().put("hold_id", id);
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
