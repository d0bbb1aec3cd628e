package dev.assize.server.anchor;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.assize.server.audit.AuditEvent;
import dev.assize.server.audit.Outcome;
import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.ResourcePath;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Who begins an incarnation, and why.
 *
 * @param by the caller
 * @param reason in the operator's words
 */
public record IncarnationRecord(Recorder by, String reason) {

    /** The type of the entry that begins one. */
    public static final String TYPE = AuditEvent.OWN_TYPES + "ledger.incarnation";

    /** The entry that says what was lost. */
    AuditEvent event(
            AnchorRepository.Standing kept,
            @Nullable SignedHead signed,
            AnchorRepository.LeftBeside removed,
            int incarnation,
            Instant now) {
        return new AuditEvent(
                TYPE,
                "ledger",
                by.caller(),
                null,
                new Action("begin-incarnation"),
                ResourcePath.parse("tenant:" + kept.tenant() + "/ledger"),
                Environment.DEFAULT,
                Outcome.SUCCESS,
                now,
                null,
                null,
                reason,
                true,
                payload(kept, signed, removed, incarnation),
                List.of(),
                List.of(),
                null,
                null);
    }

    private static String payload(
            AnchorRepository.Standing kept,
            @Nullable SignedHead signed,
            AnchorRepository.LeftBeside removed,
            int incarnation) {
        ObjectNode json = JsonNodeFactory.instance.objectNode().put("incarnation", incarnation);
        json.putObject("kept")
                .put("incarnation", kept.incarnation())
                .put("size", kept.size())
                .put("last_hash", kept.lastHash().toString());
        if (signed != null) {
            json.putObject("signed")
                    .put("incarnation", signed.incarnation())
                    .put("size", signed.size())
                    .put("root", signed.root().toString());
        }
        json.putObject("removed")
                .put("lineage", removed.lineage())
                .put("values", removed.values())
                .put("decisions", removed.decisions())
                .put("keys", removed.keys());
        if (kept.halted() != null) {
            json.put("halted", kept.halted());
        }
        return json.toString();
    }
}
