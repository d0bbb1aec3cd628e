package dev.assize.server.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.assize.client.AppendReceipt;
import dev.assize.client.AssizeClient;
import dev.assize.client.AuditEvent;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** Records what was done. */
@Command(
        name = "append",
        description = {
            "Records what was done, and returns when it is durable: one event from the options, or up to 500 from a"
                    + " file with one JSON object a line, whose names are those of the options in camelCase."
        })
public final class AuditAppendCommand extends ClientCommand {

    private static final Set<String> NAMES = Set.of(
            "type",
            "category",
            "actor",
            "actorTenant",
            "onBehalfOf",
            "role",
            "action",
            "resource",
            "env",
            "outcome",
            "occurredAt",
            "runId",
            "decisionId",
            "reason",
            "override",
            "payload",
            "reads",
            "writes");

    @Option(names = "--type", paramLabel = "TYPE", description = "What kind of event, for example replay.executed.")
    private @Nullable String type;

    @Option(names = "--category", paramLabel = "TEXT", description = "A coarser class.")
    private String category = "";

    @Option(names = "--actor", paramLabel = "SUBJECT", description = "Who did it; default: the caller.")
    private String actor = "";

    @Option(
            names = "--actor-tenant",
            paramLabel = "TENANT",
            description = "The home tenant of --actor, where it is another than --tenant.")
    private String actorTenant = "";

    @Option(names = "--on-behalf-of", paramLabel = "SUBJECT", description = "For whom the actor acted.")
    private String onBehalfOf = "";

    @Option(names = "--role", paramLabel = "ROLE", description = "In which role.")
    private String role = "";

    @Option(names = "--action", paramLabel = "ACTION", description = "The action, as a check names it.")
    private String action = "";

    @Option(names = "--resource", paramLabel = "RESOURCE", description = "The resource, as a check names it.")
    private String resource = "";

    @Option(
            names = "--outcome",
            paramLabel = "OUTCOME",
            description = "success, failure, denied or partial; default: success.")
    private AuditEvent.Outcome outcome = AuditEvent.Outcome.SUCCESS;

    @Option(names = "--occurred-at", paramLabel = "TIME", description = "When, as 2026-02-22T14:02:00Z.")
    private @Nullable Instant occurredAt;

    @Option(names = "--run-id", paramLabel = "ID", description = "The run it belongs to.")
    private String runId = "";

    @Option(names = "--decision-id", paramLabel = "ID", description = "The decision it rests on.")
    private String decisionId = "";

    @Option(names = "--reason", paramLabel = "TEXT", description = "Free text.")
    private String reason = "";

    @Option(names = "--override", description = "Elevated privileges were used.")
    private boolean override;

    @Option(names = "--payload", paramLabel = "JSON", description = "A JSON value of at most 8 KiB.")
    private String payload = "";

    @Option(names = "--reads", paramLabel = "URI", description = "A record that was read; may be repeated.")
    private List<String> reads = new ArrayList<>();

    @Option(names = "--writes", paramLabel = "URI", description = "A record that was written; may be repeated.")
    private List<String> writes = new ArrayList<>();

    @Option(names = "--file", paramLabel = "FILE", description = "Events, one JSON object a line.")
    private @Nullable Path file;

    @Option(
            names = "--idempotency-key",
            paramLabel = "KEY",
            description = "Repeating the command with the same key records nothing twice; default: a new one.")
    private String idempotencyKey = "";

    AuditAppendCommand(Surroundings surroundings) {
        super(surroundings);
    }

    @Override
    int run(Connection connection) {
        List<AuditEvent> events = file == null ? List.of(eventOfOptions()) : eventsOf(file);
        String key = idempotencyKey.isEmpty() ? UUID.randomUUID().toString() : idempotencyKey;
        AppendReceipt receipt;
        try (AssizeClient client = client()) {
            receipt = client.appendAudit(tenant(), events, key);
        }
        if (wantsJson()) {
            print(json(receipt));
        } else {
            Table table = new Table("SEQ", "RECORDED", "ENTRY HASH");
            receipt.entries().forEach(it -> table.row(it.seq(), it.recordedAt(), it.entryHash()));
            table.print(out());
            if (receipt.replayed()) {
                out().println("recorded before under this idempotency key");
            }
        }
        return ExitCodes.DONE;
    }

    private AuditEvent eventOfOptions() {
        if (type == null) {
            throw usage("Missing required option: '--type=TYPE' (or '--file=FILE')");
        }
        return new AuditEvent(
                type,
                category,
                actor,
                role,
                action,
                resource,
                env(),
                outcome,
                occurredAt,
                runId,
                decisionId,
                reason,
                override,
                payload,
                reads,
                writes,
                onBehalfOf,
                actorTenant);
    }

    private static List<AuditEvent> eventsOf(Path file) {
        List<AuditEvent> events = new ArrayList<>();
        try {
            int number = 0;
            for (String line : Files.readAllLines(file)) {
                number++;
                if (!line.isBlank()) {
                    events.add(event(new ObjectMapper().readTree(line), file + ":" + number));
                }
            }
        } catch (IOException unreadable) {
            throw new CommandException("cannot read " + file + ": " + unreadable.getMessage(), unreadable);
        }
        return events;
    }

    private static AuditEvent event(JsonNode json, String place) {
        if (!json.isObject()) {
            throw new CommandException(place + ": expected a JSON object");
        }
        json.fieldNames().forEachRemaining(name -> {
            if (!NAMES.contains(name)) {
                throw new CommandException(place + ": unknown name `" + name + "`: expected one of "
                        + String.join(", ", NAMES.stream().sorted().toList()));
            }
        });
        return new AuditEvent(
                text(json, "type"),
                text(json, "category"),
                text(json, "actor"),
                text(json, "role"),
                text(json, "action"),
                text(json, "resource"),
                text(json, "env"),
                outcome(text(json, "outcome"), place),
                time(text(json, "occurredAt"), place),
                text(json, "runId"),
                text(json, "decisionId"),
                text(json, "reason"),
                json.path("override").asBoolean(false),
                json.has("payload") ? json.get("payload").toString() : "",
                texts(json.path("reads")),
                texts(json.path("writes")),
                text(json, "onBehalfOf"),
                text(json, "actorTenant"));
    }

    private static String text(JsonNode json, String name) {
        return json.path(name).asText("");
    }

    private static List<String> texts(JsonNode array) {
        List<String> texts = new ArrayList<>();
        array.forEach(it -> texts.add(it.asText()));
        return texts;
    }

    private static AuditEvent.Outcome outcome(String text, String place) {
        return switch (text.toLowerCase(Locale.ROOT)) {
            case "", "success" -> AuditEvent.Outcome.SUCCESS;
            case "failure" -> AuditEvent.Outcome.FAILURE;
            case "denied" -> AuditEvent.Outcome.DENIED;
            case "partial" -> AuditEvent.Outcome.PARTIAL;
            default ->
                throw new CommandException(
                        place + ": outcome `" + text + "`: expected success, failure, denied or partial");
        };
    }

    private static @Nullable Instant time(String text, String place) {
        try {
            return text.isEmpty() ? null : Times.parse(text);
        } catch (TypeConversionException malformed) {
            throw new CommandException(place + ": occurredAt " + malformed.getMessage(), malformed);
        }
    }

    private static ObjectNode json(AppendReceipt receipt) {
        ObjectNode json = object();
        ArrayNode entries = json.putArray("entries");
        receipt.entries()
                .forEach(it -> entries.addObject()
                        .put("seq", it.seq())
                        .put("entryHash", it.entryHash())
                        .put("recordedAt", it.recordedAt().toString()));
        return json.put("replayed", receipt.replayed()).put("idempotencyKey", receipt.idempotencyKey());
    }
}
