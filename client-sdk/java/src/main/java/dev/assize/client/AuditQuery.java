package dev.assize.client;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * Which entries are wanted; all conditions given must hold. Immutable; each method gives a changed copy.
 *
 * @param tenant empty means the client's default
 * @param from recorded at or after
 * @param to recorded before
 * @param actor empty for any
 * @param action empty for any
 * @param resource the path and everything under it; empty for any
 * @param outcome null for any
 * @param runId empty for any
 * @param type empty for any
 * @param ascending oldest first
 */
public record AuditQuery(
        String tenant,
        @Nullable Instant from,
        @Nullable Instant to,
        String actor,
        String action,
        String resource,
        AuditEvent.@Nullable Outcome outcome,
        String runId,
        String type,
        boolean ascending) {

    /** Everything in the client's default tenant, newest first. */
    public static final AuditQuery ALL = new AuditQuery("", null, null, "", "", "", null, "", "", false);

    public AuditQuery inTenant(String tenant) {
        return new AuditQuery(tenant, from, to, actor, action, resource, outcome, runId, type, ascending);
    }

    public AuditQuery recordedFrom(Instant from) {
        return new AuditQuery(tenant, from, to, actor, action, resource, outcome, runId, type, ascending);
    }

    public AuditQuery recordedBefore(Instant to) {
        return new AuditQuery(tenant, from, to, actor, action, resource, outcome, runId, type, ascending);
    }

    public AuditQuery byActor(String actor) {
        return new AuditQuery(tenant, from, to, actor, action, resource, outcome, runId, type, ascending);
    }

    public AuditQuery ofAction(String action) {
        return new AuditQuery(tenant, from, to, actor, action, resource, outcome, runId, type, ascending);
    }

    public AuditQuery under(String resource) {
        return new AuditQuery(tenant, from, to, actor, action, resource, outcome, runId, type, ascending);
    }

    public AuditQuery withOutcome(AuditEvent.Outcome outcome) {
        return new AuditQuery(tenant, from, to, actor, action, resource, outcome, runId, type, ascending);
    }

    public AuditQuery ofRun(String runId) {
        return new AuditQuery(tenant, from, to, actor, action, resource, outcome, runId, type, ascending);
    }

    public AuditQuery ofType(String type) {
        return new AuditQuery(tenant, from, to, actor, action, resource, outcome, runId, type, ascending);
    }

    public AuditQuery oldestFirst() {
        return new AuditQuery(tenant, from, to, actor, action, resource, outcome, runId, type, true);
    }
}
