package dev.assize.server.verification;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.assize.server.anchor.SignedHead;
import dev.assize.server.audit.AuditEvent;
import dev.assize.server.audit.Outcome;
import dev.assize.server.ledger.Verification.Fault;
import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.TenantId;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;

/** What the patrol has recorded in the ledger of tenant `assize`; its key makes it one entry, whoever finds it how often. */
record PatrolRecord(AuditEvent event, String key) {

    private static final String FAILED = AuditEvent.OWN_TYPES + "ledger.verification-failed";
    private static final String VERIFIED = AuditEvent.OWN_TYPES + "ledger.verified";

    static PatrolRecord of(TenantId ledger, int incarnation, Fault fault) {
        String payload = JsonNodeFactory.instance
                .objectNode()
                .put("tenant", ledger.value())
                .put("incarnation", incarnation)
                .put("seq", fault.seq())
                .put("fault", fault.kind().name())
                .put("message", fault.message())
                .toString();
        return new PatrolRecord(
                event(ledger, FAILED, Outcome.FAILURE, payload),
                "broken/" + ledger + "/" + incarnation + "/" + fault.seq() + "/" + fault.kind());
    }

    /** One a day. */
    static PatrolRecord of(SignedHead verified, Instant when) {
        String payload = JsonNodeFactory.instance
                .objectNode()
                .put("tenant", verified.tenant().value())
                .put("incarnation", verified.incarnation())
                .put("size", verified.size())
                .put("root", verified.root().toString())
                .toString();
        return new PatrolRecord(
                event(verified.tenant(), VERIFIED, Outcome.SUCCESS, payload),
                "verified/" + verified.tenant() + "/"
                        + when.atOffset(ZoneOffset.UTC).toLocalDate());
    }

    private static AuditEvent event(TenantId ledger, String type, Outcome outcome, String payload) {
        return new AuditEvent(
                type,
                "ledger",
                Recorder.ASSIZE.caller(),
                null,
                new Action("verify"),
                ResourcePath.parse("tenant:" + ledger + "/ledger"),
                Environment.DEFAULT,
                outcome,
                null,
                null,
                null,
                null,
                false,
                payload,
                List.of(),
                List.of(),
                null,
                null);
    }
}
