package dev.assize.server.retention;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.assize.server.anchor.Prefixes;
import dev.assize.server.audit.AuditEvent;
import dev.assize.server.audit.Outcome;
import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.TenantId;
import dev.assize.server.retention.PruningRepository.Removal;
import dev.assize.server.retention.PruningRepository.Statement;
import java.util.List;

/** What the ledger is told of pruning. */
public final class PruningEvents {

    /** The type of entries that say that something may be pruned, once another agrees. */
    public static final String PROPOSED = AuditEvent.OWN_TYPES + "ledger.prune-proposed";

    private PruningEvents() {}

    public static AuditEvent proposed(TenantId tenant, Recorder by, String id, long from, long to, String reason) {
        ObjectNode json = JsonNodeFactory.instance
                .objectNode()
                .put("pruning_id", id)
                .put("from", from)
                .put("to", to);
        return event(PROPOSED, "propose-prune", tenant, by, from, to, reason, json);
    }

    /** The whole signed note, so that the ledger alone says where it begins. */
    public static AuditEvent pruned(Removal removal, Statement statement) {
        Pruning pruning = removal.pruning();
        ObjectNode json = JsonNodeFactory.instance
                .objectNode()
                .put("pruning_id", pruning.id())
                .put("from", removal.fromSeq())
                .put("to", removal.toSeq())
                .put("root", statement.root().toString())
                .put("object", statement.object())
                .put("digest", statement.digest().toString())
                .put("proposed_by", pruning.by().caller().toString())
                .put("proposed_by_tenant", pruning.by().home().value())
                .put("proposed_seq", pruning.seq())
                .put(Prefixes.NOTE, statement.note());
        return event(
                Prefixes.TYPE,
                "prune",
                pruning.tenant(),
                removal.by(),
                removal.fromSeq(),
                removal.toSeq(),
                pruning.reason(),
                json);
    }

    private static AuditEvent event(
            String type,
            String action,
            TenantId tenant,
            Recorder by,
            long from,
            long to,
            String reason,
            ObjectNode json) {
        return new AuditEvent(
                type,
                "ledger",
                by.caller(),
                null,
                new Action(action),
                ResourcePath.parse("tenant:" + tenant + "/entries:" + from + "-" + (to - 1)),
                Environment.DEFAULT,
                Outcome.SUCCESS,
                null,
                null,
                null,
                reason,
                false,
                json.toString(),
                List.of(),
                List.of(),
                null,
                null);
    }
}
