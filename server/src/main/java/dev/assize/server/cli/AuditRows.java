package dev.assize.server.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import dev.assize.proto.v1.AuditEntry;
import dev.assize.proto.v1.AuditEvent;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.SequencedSet;

/**
 * Entries as rows for reading. What a policy change tells document by document is one row for each revision, which says
 * how many entries it stands for.
 */
final class AuditRows {

    /** One entry for each part of each document of a policy change. */
    private static final String DIFF = "assize.policy.diff";

    /** Documents that are named; the others are counted. */
    private static final int NAMED = 3;

    private static final ObjectMapper JSON = new ObjectMapper();

    private AuditRows() {}

    static Table table(List<AuditEntry> entries) {
        Table table = new Table("SEQ", "RECORDED", "ACTOR", "TYPE", "ACTION", "RESOURCE", "ENV", "OUTCOME", "REASON");
        for (int first = 0; first < entries.size(); ) {
            int end = endOfRun(entries, first);
            add(table, entries.subList(first, end));
            first = end;
        }
        return table;
    }

    private static int endOfRun(List<AuditEntry> entries, int first) {
        int end = first + 1;
        if (isDiff(entries.get(first))) {
            String change = revision(entries.get(first));
            while (end < entries.size()
                    && isDiff(entries.get(end))
                    && revision(entries.get(end)).equals(change)) {
                end++;
            }
        }
        return end;
    }

    private static void add(Table table, List<AuditEntry> run) {
        AuditEntry first = run.getFirst();
        AuditEvent event = first.getEvent();
        table.row(
                run.size() == 1
                        ? first.getSeq()
                        : first.getSeq() + ".." + run.getLast().getSeq(),
                Answers.time(first.getRecordedAt()),
                actor(event),
                event.getType(),
                event.getAction(),
                event.getResource(),
                event.getEnv(),
                Answers.bare(event.getOutcome().name(), "OUTCOME_"),
                isDiff(first) ? documents(run) : reason(first));
    }

    private static String actor(AuditEvent event) {
        return event.getActor()
                + (event.getActorTenant().isEmpty() ? "" : " of " + event.getActorTenant())
                + (event.getOnBehalfOf().isEmpty() ? "" : " for " + event.getOnBehalfOf());
    }

    private static String reason(AuditEntry entry) {
        return entry.getErasedList().contains("reason")
                ? "(erased)"
                : entry.getEvent().getReason();
    }

    private static boolean isDiff(AuditEntry entry) {
        return entry.getEvent().getType().equals(DIFF);
    }

    private static String revision(AuditEntry entry) {
        JsonNode payload = payload(entry);
        return payload.path("scope").asText() + "@" + payload.path("revision").asText();
    }

    private static String documents(List<AuditEntry> run) {
        SequencedSet<String> all = new LinkedHashSet<>();
        for (AuditEntry entry : run) {
            JsonNode payload = payload(entry);
            all.add(payload.path("change").asText("?") + " "
                    + payload.path("kind").asText("?") + "/"
                    + payload.path("name").asText("?"));
        }
        List<String> named = new ArrayList<>(all).subList(0, Math.min(NAMED, all.size()));
        return String.join(", ", named)
                + (all.size() > NAMED ? " and " + (all.size() - NAMED) + " more" : "")
                + (run.size() > 1 ? " (" + run.size() + " entries, each in --output json)" : "");
    }

    private static JsonNode payload(AuditEntry entry) {
        try {
            return JSON.readTree(entry.getEvent().getPayload());
        } catch (JsonProcessingException noJson) {
            return MissingNode.getInstance();
        }
    }
}
