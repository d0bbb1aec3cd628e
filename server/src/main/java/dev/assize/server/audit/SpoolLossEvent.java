package dev.assize.server.audit;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.assize.server.audit.SpoolRepository.Loss;
import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.ResourcePath;
import java.util.List;

/** What the ledger is told of records that are missing for good. */
public final class SpoolLossEvent {

    /** The type of these entries. */
    public static final String TYPE = AuditEvent.OWN_TYPES + "spool.lost";

    private SpoolLossEvent() {}

    /**
     * The entry.
     *
     * @param fromNumber the first number that is missing
     */
    public static AuditEvent of(Loss loss, long fromNumber) {
        return new AuditEvent(
                TYPE,
                "ledger",
                loss.by().caller(),
                null,
                new Action("declare-spool-loss"),
                ResourcePath.parse("tenant:" + loss.tenant() + "/spool:" + loss.spoolId()),
                Environment.DEFAULT,
                Outcome.SUCCESS,
                null,
                null,
                null,
                loss.reason(),
                true,
                JsonNodeFactory.instance
                        .objectNode()
                        .put("recorded_by", loss.recorder().caller().toString())
                        .put("recorded_by_tenant", loss.recorder().home().value())
                        .put("from_number", fromNumber)
                        .put("through_number", loss.throughNumber())
                        .toString(),
                List.of(),
                List.of(),
                null,
                null);
    }
}
