package dev.assize.server.cli;

import dev.assize.client.AuditEvent;
import dev.assize.proto.v1.ExportAuditRequest;
import dev.assize.proto.v1.Outcome;
import dev.assize.proto.v1.QueryAuditRequest;
import java.time.Instant;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Which entries are wanted. All conditions given must hold. */
final class AuditConditions {

    @Option(names = "--from", paramLabel = "TIME", description = "Recorded at or after, as 2026-02-22T14:02:00Z.")
    private @Nullable Instant from;

    @Option(names = "--to", paramLabel = "TIME", description = "Recorded before.")
    private @Nullable Instant to;

    @Option(names = "--actor", paramLabel = "SUBJECT", description = "Who did it.")
    private String actor = "";

    @Option(names = "--action", paramLabel = "ACTION", description = "What was done.")
    private String action = "";

    @Option(names = "--resource", paramLabel = "RESOURCE", description = "On what, with everything under it.")
    private String resource = "";

    @Option(names = "--outcome", paramLabel = "OUTCOME", description = "success, failure, denied or partial.")
    private AuditEvent.@Nullable Outcome outcome;

    @Option(names = "--run-id", paramLabel = "ID", description = "Of which run.")
    private String runId = "";

    @Option(names = "--type", paramLabel = "TYPE", description = "Of which type.")
    private String type = "";

    /** As a query of a tenant's ledger. */
    QueryAuditRequest.Builder query(String tenant) {
        QueryAuditRequest.Builder request = QueryAuditRequest.newBuilder()
                .setTenant(tenant)
                .setActor(actor)
                .setAction(action)
                .setResource(resource)
                .setRunId(runId)
                .setType(type);
        if (from != null) {
            request.setFrom(Times.timestamp(from));
        }
        if (to != null) {
            request.setTo(Times.timestamp(to));
        }
        if (outcome != null) {
            request.setOutcome(Outcome.valueOf("OUTCOME_" + outcome.name().toUpperCase(Locale.ROOT)));
        }
        return request;
    }

    /** As an export of a tenant's ledger. */
    ExportAuditRequest.Builder export(String tenant) {
        QueryAuditRequest query = query(tenant).build();
        ExportAuditRequest.Builder request = ExportAuditRequest.newBuilder()
                .setTenant(tenant)
                .setActor(query.getActor())
                .setAction(query.getAction())
                .setResource(query.getResource())
                .setOutcome(query.getOutcome())
                .setRunId(query.getRunId())
                .setType(query.getType());
        if (query.hasFrom()) {
            request.setFrom(query.getFrom());
        }
        if (query.hasTo()) {
            request.setTo(query.getTo());
        }
        return request;
    }

    boolean isEmpty() {
        return query("").build().equals(QueryAuditRequest.getDefaultInstance());
    }
}
