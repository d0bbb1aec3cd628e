package dev.assize.server.anchor;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.assize.server.anchor.AnchorRepository.MetaSize;
import dev.assize.server.anchor.Rebinding.Findings;
import dev.assize.server.audit.AuditEvent;
import dev.assize.server.audit.Outcome;
import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.TenantId;
import java.time.Instant;
import java.util.List;

/** That the heads are kept in another place from now on, because the one before is lost. */
final class RebindRecord {

    private static final String TYPE = AuditEvent.OWN_TYPES + "ledger.anchor-rebound";

    /** So that the entry stays within its bound. */
    private static final int FAULTS_NAMED = 20;

    private static final int FAULT_LENGTH = 200;

    private RebindRecord() {}

    /** The entry in the ledger of tenant `assize`. */
    static AuditEvent event(Findings findings, MetaSize lost, OutsideCopy copy, String reason, Instant now) {
        return new AuditEvent(
                TYPE,
                "ledger",
                Recorder.ASSIZE.caller(),
                null,
                new Action("rebind-anchor"),
                ResourcePath.parse("tenant:" + TenantId.ASSIZE + "/ledger"),
                Environment.DEFAULT,
                Outcome.SUCCESS,
                now,
                null,
                null,
                reason,
                true,
                payload(findings, lost, copy),
                List.of(),
                List.of(),
                null,
                null);
    }

    private static String payload(Findings findings, MetaSize lost, OutsideCopy copy) {
        ObjectNode json = JsonNodeFactory.instance
                .objectNode()
                .put("from", findings.from())
                .put("to", copy.anchorId())
                .put("place", findings.place());
        ObjectNode heads = json.putObject("log_of_heads");
        heads.put("incarnation", copy.incarnation());
        heads.putObject("before")
                .put("incarnation", lost.incarnation())
                .put("size", lost.size())
                .put("root", lost.root().toString());
        findings.metaFault().ifPresent(fault -> heads.put("fault", fault));
        json.put("ledgers", findings.ledgers()).put("entries", findings.entries());
        json.put("halted", findings.faults().size());
        ObjectNode faults = json.putObject("faults");
        findings.faults().entrySet().stream()
                .limit(FAULTS_NAMED)
                .forEach(fault -> faults.put(fault.getKey().value(), shortened(fault.getValue())));
        return json.toString();
    }

    private static String shortened(String text) {
        return text.length() <= FAULT_LENGTH ? text : text.substring(0, FAULT_LENGTH) + "…";
    }
}
