package dev.assize.server.anchor;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.assize.server.audit.AuditEvent;
import dev.assize.server.audit.Outcome;
import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.TenantId;
import java.time.Instant;
import java.util.List;

/** That another key signs from now on. */
final class KeyRecord {

    private static final String TYPE = AuditEvent.OWN_TYPES + "ledger.signing-key";

    private KeyRecord() {}

    /** The entry in the ledger of tenant `assize`. */
    static AuditEvent event(String key, String before, Instant now) {
        return new AuditEvent(
                TYPE,
                "ledger",
                Recorder.ASSIZE.caller(),
                null,
                new Action("rotate-signing-key"),
                ResourcePath.parse("tenant:" + TenantId.ASSIZE + "/ledger"),
                Environment.DEFAULT,
                Outcome.SUCCESS,
                now,
                null,
                null,
                null,
                false,
                JsonNodeFactory.instance
                        .objectNode()
                        .put("key", key)
                        .put("before", before)
                        .toString(),
                List.of(),
                List.of(),
                null,
                null);
    }
}
