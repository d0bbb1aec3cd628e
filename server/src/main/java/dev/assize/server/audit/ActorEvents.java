package dev.assize.server.audit;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import java.util.List;

/** What the ledger is told of those who stand behind pseudonyms: that somebody asked, or that their names were erased. */
public final class ActorEvents {

    /** The type of entries that say that a name was erased. */
    public static final String ERASED = AuditEvent.OWN_TYPES + "ledger.actor-erased";

    /** What they say was done. */
    public static final String ERASE = "erase";

    private static final String IDENTIFIED = AuditEvent.OWN_TYPES + "ledger.identified";

    private ActorEvents() {}

    /** Says that somebody was told who stands behind pseudonyms, without saying it. */
    public static AuditEvent identified(TenantId tenant, Recorder by, List<Subject> pseudonyms, String reason) {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        ArrayNode names = json.putArray("pseudonyms");
        pseudonyms.forEach(pseudonym -> names.add(pseudonym.toString()));
        return event(IDENTIFIED, "identify", by, ResourcePath.parse("tenant:" + tenant + "/ledger"), json, reason);
    }

    /** Says that nobody knows any more who stands behind a pseudonym. */
    public static AuditEvent erased(TenantId tenant, Recorder by, Subject pseudonym, String basis) {
        ObjectNode json = JsonNodeFactory.instance.objectNode().put("pseudonym", pseudonym.toString());
        return event(ERASED, ERASE, by, resource(tenant, pseudonym), json, basis);
    }

    /** What such an entry is about. */
    public static ResourcePath resource(TenantId tenant, Subject pseudonym) {
        return ResourcePath.parse("tenant:" + tenant + "/" + pseudonym);
    }

    private static AuditEvent event(
            String type, String action, Recorder by, ResourcePath resource, ObjectNode payload, String reason) {
        return new AuditEvent(
                type,
                "ledger",
                by.caller(),
                null,
                new Action(action),
                resource,
                Environment.DEFAULT,
                Outcome.SUCCESS,
                null,
                null,
                null,
                reason,
                false,
                payload.toString(),
                List.of(),
                List.of(),
                null,
                null);
    }
}
