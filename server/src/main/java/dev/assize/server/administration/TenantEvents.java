package dev.assize.server.administration;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.assize.server.administration.ChangeResult.DocumentChange;
import dev.assize.server.administration.ChangeResult.ScopeChange;
import dev.assize.server.audit.AuditEvent;
import dev.assize.server.audit.Outcome;
import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Kind;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What the ledger of tenant `assize` is told of the life of the others: that one was made, changed, suspended, resumed or
 * deleted. What was changed in it stands in its own ledger, at the revision that is named here.
 */
final class TenantEvents {

    private static final String CATEGORY = "tenant";

    private TenantEvents() {}

    /**
     * Of a change that makes, changes or deletes the document of the tenant, to be written with it; none of a step of
     * {@link TenantLife}, which records itself, and none of tenant `assize`, whose own ledger has it anyway.
     */
    static List<AuditEvent> of(ScopeChange change, Recorder by, @Nullable String reason, ChangeOrigin origin) {
        TenantId tenant = change.scope().tenantOrNull();
        if (tenant == null || tenant.equals(TenantId.ASSIZE) || TenantLife.isStep(origin)) {
            return List.of();
        }
        return change.changed().stream()
                .filter(document -> document.key().kind() == Kind.TENANT)
                .map(document -> event(
                        verb(document),
                        tenant,
                        by,
                        reason,
                        payload(tenant)
                                .put("revision", change.revision().value())
                                .put("policy_digest", change.policyDigest().toString())
                                .put("origin", origin.text())))
                .toList();
    }

    /** Of a step that is committed already, by its manifest. */
    static AuditEvent of(
            String step, TenantId tenant, Recorder by, @Nullable String reason, ShorthandResult.Done done) {
        return event(
                step,
                tenant,
                by,
                reason,
                payload(tenant).put("revision", done.revision().value()).put("seq", done.seq()));
    }

    private static ObjectNode payload(TenantId tenant) {
        return JsonNodeFactory.instance.objectNode().put("tenant", tenant.value());
    }

    private static String verb(DocumentChange document) {
        return switch (document.type()) {
            case CREATED -> "create";
            case REPLACED -> "change";
            case DELETED -> TenantLife.DELETE;
            case UNCHANGED -> throw new IllegalArgumentException("Not changed: " + document.key());
        };
    }

    private static AuditEvent event(
            String verb, TenantId tenant, Recorder by, @Nullable String reason, ObjectNode payload) {
        return new AuditEvent(
                AuditEvent.OWN_TYPES + "tenant." + verb,
                CATEGORY,
                by.caller(),
                null,
                new Action(verb),
                ResourcePath.parse("tenant:" + tenant),
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
