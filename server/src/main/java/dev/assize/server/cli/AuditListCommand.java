package dev.assize.server.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.assize.proto.v1.AuditEntry;
import dev.assize.proto.v1.AuditEvent;
import dev.assize.proto.v1.Outcome;
import dev.assize.proto.v1.QueryAuditRequest;
import dev.assize.proto.v1.QueryAuditResponse;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Finds entries. */
@Command(
        name = "list",
        description =
                "Finds entries of --tenant, newest first. All conditions given must hold. The documents of one policy change"
                        + " are one row; JSON has each entry.")
public final class AuditListCommand extends ClientCommand {

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
    private dev.assize.client.AuditEvent.@Nullable Outcome outcome;

    @Option(names = "--run-id", paramLabel = "ID", description = "Of which run.")
    private String runId = "";

    @Option(names = "--type", paramLabel = "TYPE", description = "Of which type.")
    private String type = "";

    @Option(names = "--oldest-first", description = "From the beginning.")
    private boolean ascending;

    @Option(names = "--frames", description = "With the exact bytes that are hashed, in JSON as Base64.")
    private boolean frames;

    @Option(names = "--limit", paramLabel = "N", description = "At most so many; default: ${DEFAULT-VALUE}.")
    private int limit = 100;

    AuditListCommand(Surroundings surroundings) {
        super(surroundings);
    }

    @Override
    int run(Connection connection) {
        List<AuditEntry> entries = fetch(connection);
        if (wantsJson()) {
            print(json(entries));
        } else {
            AuditRows.table(entries).print(out());
        }
        return ExitCodes.DONE;
    }

    private List<AuditEntry> fetch(Connection connection) {
        QueryAuditRequest.Builder request = QueryAuditRequest.newBuilder()
                .setTenant(tenant())
                .setActor(actor)
                .setAction(action)
                .setResource(resource)
                .setRunId(runId)
                .setType(type)
                .setAscending(ascending)
                .setIncludeFrames(frames);
        if (from != null) {
            request.setFrom(Times.timestamp(from));
        }
        if (to != null) {
            request.setTo(Times.timestamp(to));
        }
        if (outcome != null) {
            request.setOutcome(Outcome.valueOf("OUTCOME_" + outcome.name().toUpperCase(Locale.ROOT)));
        }
        List<AuditEntry> entries = new ArrayList<>();
        do {
            QueryAuditResponse response = connection
                    .ledger()
                    .queryAudit(request.setPageSize(Math.clamp(limit - entries.size(), 1, 1000))
                            .build());
            entries.addAll(response.getEntriesList());
            request.setPageToken(response.getNextPageToken());
        } while (!request.getPageToken().isEmpty() && entries.size() < limit);
        return entries;
    }

    private static String outcome(AuditEvent event) {
        return Answers.bare(event.getOutcome().name(), "OUTCOME_");
    }

    private ObjectNode json(List<AuditEntry> entries) {
        ObjectNode json = object();
        ArrayNode array = json.putArray("entries");
        for (AuditEntry entry : entries) {
            AuditEvent event = entry.getEvent();
            ObjectNode node = array.addObject()
                    .put("seq", entry.getSeq())
                    .put("entryHash", PolicyChange.hex(entry.getEntryHash()))
                    .put("recordedAt", Answers.time(entry.getRecordedAt()))
                    .put("recordedBy", entry.getRecordedBy())
                    .put("recordedByTenant", entry.getRecordedByTenant())
                    .put("type", event.getType())
                    .put("category", event.getCategory())
                    .put("actor", event.getActor())
                    .put("actorTenant", event.getActorTenant())
                    .put("onBehalfOf", event.getOnBehalfOf())
                    .put("role", event.getRole())
                    .put("action", event.getAction())
                    .put("resource", event.getResource())
                    .put("env", event.getEnv())
                    .put("outcome", outcome(event))
                    .put("occurredAt", event.hasOccurredAt() ? Answers.time(event.getOccurredAt()) : "")
                    .put("runId", event.getRunId())
                    .put("decisionId", event.getDecisionId())
                    .put("reason", event.getReason())
                    .put("override", event.getOverride())
                    .put("payload", event.getPayload());
            ArrayNode reads = node.putArray("reads");
            event.getReadsList().forEach(reads::add);
            ArrayNode writes = node.putArray("writes");
            event.getWritesList().forEach(writes::add);
            if (frames) {
                node.put(
                        "frame",
                        Base64.getEncoder().encodeToString(entry.getFrame().toByteArray()));
            }
        }
        return json;
    }
}
