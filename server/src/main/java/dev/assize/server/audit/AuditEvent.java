package dev.assize.server.audit;

import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Something that was done, or tried, and is to be remembered. The server's own events have types that begin with
 * `assize.`; all share this shape, so that one query finds them.
 *
 * @param type what kind of event
 * @param category a coarser class
 * @param actor who did it
 * @param role in which it was done
 * @param resource what it was done to
 * @param occurredAt by the actor's clock; null means when it was recorded
 * @param override whether elevated privileges were used
 * @param payload a JSON value as text
 * @param reads URIs of records read
 * @param writes URIs of records written
 * @param onBehalfOf for whom it was done; null where the actor acted for itself
 * @param actorTenant the actor's home; null means what the recorder says of itself, else the ledger's tenant
 */
public record AuditEvent(
        String type,
        @Nullable String category,
        Subject actor,
        @Nullable String role,
        Action action,
        ResourcePath resource,
        Environment env,
        Outcome outcome,
        @Nullable Instant occurredAt,
        @Nullable String runId,
        @Nullable String decisionId,
        @Nullable String reason,
        boolean override,
        @Nullable String payload,
        List<String> reads,
        List<String> writes,
        @Nullable Subject onBehalfOf,
        @Nullable TenantId actorTenant) {

    /** The prefix of types that only the server writes. */
    public static final String OWN_TYPES = "assize.";

    public AuditEvent {
        reads = List.copyOf(reads);
        writes = List.copyOf(writes);
    }
}
