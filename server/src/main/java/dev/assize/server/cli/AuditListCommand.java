package dev.assize.server.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.assize.proto.v1.AuditEntry;
import dev.assize.proto.v1.AuditEvent;
import dev.assize.proto.v1.QueryAuditRequest;
import dev.assize.proto.v1.QueryAuditResponse;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Finds entries. */
@Command(
        name = "list",
        description =
                "Finds entries of --tenant, newest first. All conditions given must hold. The documents of one policy change"
                        + " are one row; JSON has each entry.")
public final class AuditListCommand extends ClientCommand {

    @Mixin
    private AuditConditions conditions = new AuditConditions();

    @Option(names = "--oldest-first", description = "From the beginning.")
    private boolean ascending;

    @Option(names = "--frames", description = "With the exact bytes that are hashed, in JSON as Base64.")
    private boolean frames;

    @Option(
            names = "--limit",
            paramLabel = "N",
            converter = Count.class,
            description = "At most so many; default: ${DEFAULT-VALUE}.")
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
        QueryAuditRequest.Builder request =
                conditions.query(tenant()).setAscending(ascending).setIncludeFrames(frames);
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
            ArrayNode masked = node.putArray("masked");
            entry.getMaskedList().forEach(masked::add);
            ArrayNode erased = node.putArray("erased");
            entry.getErasedList().forEach(erased::add);
            node.put("traceContext", entry.getTraceContext());
            if (frames) {
                node.put(
                        "frame",
                        Base64.getEncoder().encodeToString(entry.getFrame().toByteArray()));
            }
        }
        return json;
    }
}
