package dev.assize.server.cli;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.assize.client.Acknowledgement;
import dev.assize.client.AppendReceipt;
import dev.assize.client.AssizeClient;
import dev.assize.client.AuditEvent;
import dev.assize.client.SpoolPosition;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.UUID;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
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

    /** What stands twice, or behind the end, would be lost without a word. */
    private static final ObjectMapper JSON = new ObjectMapper()
            .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

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
            "writes",
            "erasable");

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

    @Option(
            names = "--erasable",
            paramLabel = "FIELD",
            description = "What can be erased later: payload, reason or on_behalf_of; may be repeated.")
    private List<String> erasable = new ArrayList<>();

    @Option(names = "--file", paramLabel = "FILE", description = "Events, one JSON object a line.")
    private @Nullable Path file;

    @Option(
            names = "--idempotency-key",
            paramLabel = "KEY",
            description = "Repeating the command with the same key records nothing twice; default: a new one.")
    private String idempotencyKey = "";

    @Option(
            names = "--acknowledgement",
            paramLabel = "WHEN",
            converter = AcknowledgementConverter.class,
            description =
                    "When to return: in-ledger, which is the default, or spooled: when the events are on the disk of"
                            + " the sidecar that --server names.")
    private Acknowledgement acknowledgement = Acknowledgement.IN_LEDGER;

    AuditAppendCommand(Surroundings surroundings) {
        super(surroundings);
    }

    @Override
    int run(Connection connection) {
        List<AuditEvent> events = file == null ? List.of(eventOfOptions()) : eventsOf(file);
        String key = idempotencyKey.isEmpty() ? UUID.randomUUID().toString() : idempotencyKey;
        AppendReceipt receipt;
        try (AssizeClient client = client()) {
            receipt = client.appendAudit(tenant(), events, key, acknowledgement);
        }
        if (wantsJson()) {
            print(json(receipt));
        } else if (receipt.spooled().isPresent()) {
            SpoolPosition spooled = receipt.spooled().get();
            out().println("spooled as record " + spooled.number() + " of spool " + spooled.spoolId()
                    + ", to be forwarded to the ledger");
            tellReplay(receipt);
        } else {
            Table table = new Table("SEQ", "RECORDED", "ENTRY HASH");
            receipt.entries().forEach(it -> table.row(it.seq(), it.recordedAt(), it.entryHash()));
            table.print(out());
            tellReplay(receipt);
        }
        return ExitCodes.DONE;
    }

    private void tellReplay(AppendReceipt receipt) {
        if (receipt.replayed()) {
            out().println("recorded before under this idempotency key");
        }
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
                actorTenant,
                erasable);
    }

    private List<AuditEvent> eventsOf(Path file) {
        List<AuditEvent> events = new ArrayList<>();
        int number = 0;
        for (String line : lines(file)) {
            number++;
            if (!line.isBlank()) {
                events.add(event(line, file + ":" + number));
            }
        }
        return events;
    }

    private List<String> lines(Path file) {
        try {
            return Files.readAllLines(file);
        } catch (CharacterCodingException malformed) {
            throw usage(file + ": expected UTF-8");
        } catch (IOException unreadable) {
            throw new CommandException("cannot read " + file + ": " + unreadable.getMessage(), unreadable);
        }
    }

    private AuditEvent event(String line, String place) {
        try {
            return event(JSON.readTree(line), place);
        } catch (JsonProcessingException malformed) {
            throw usage(place + ": expected a JSON object: " + malformed.getOriginalMessage());
        }
    }

    private AuditEvent event(JsonNode json, String place) {
        if (!json.isObject()) {
            throw usage(place + ": expected a JSON object");
        }
        json.fieldNames().forEachRemaining(name -> {
            if (!NAMES.contains(name)) {
                throw usage(place + ": unknown name `" + name + "`: expected one of "
                        + String.join(", ", NAMES.stream().sorted().toList()));
            }
        });
        UnaryOperator<String> text = name -> text(json, name, place);
        return new AuditEvent(
                text.apply("type"),
                text.apply("category"),
                text.apply("actor"),
                text.apply("role"),
                text.apply("action"),
                text.apply("resource"),
                text.apply("env"),
                outcome(text.apply("outcome"), place),
                time(text.apply("occurredAt"), place),
                text.apply("runId"),
                text.apply("decisionId"),
                text.apply("reason"),
                override(json, place),
                json.has("payload") ? json.get("payload").toString() : "",
                texts(json, "reads", place),
                texts(json, "writes", place),
                text.apply("onBehalfOf"),
                text.apply("actorTenant"),
                texts(json, "erasable", place));
    }

    private String text(JsonNode json, String name, String place) {
        JsonNode value = json.path(name);
        if (isGiven(value) && !value.isTextual()) {
            throw usage(place + ": " + name + " `" + value + "`: expected a string");
        }
        return value.asText("");
    }

    private boolean override(JsonNode json, String place) {
        JsonNode value = json.path("override");
        if (isGiven(value) && !value.isBoolean()) {
            throw usage(place + ": override `" + value + "`: expected true or false");
        }
        return value.asBoolean(false);
    }

    private List<String> texts(JsonNode json, String name, String place) {
        JsonNode array = json.path(name);
        List<String> texts = new ArrayList<>();
        array.forEach(value -> texts.add(value.asText()));
        boolean ofStrings = array.isArray() && array.valueStream().allMatch(JsonNode::isTextual);
        if (isGiven(array) && !ofStrings) {
            throw usage(place + ": " + name + " `" + array + "`: expected an array of strings");
        }
        return texts;
    }

    private static boolean isGiven(JsonNode value) {
        return !value.isMissingNode() && !value.isNull();
    }

    private AuditEvent.Outcome outcome(String text, String place) {
        return switch (text.toLowerCase(Locale.ROOT)) {
            case "", "success" -> AuditEvent.Outcome.SUCCESS;
            case "failure" -> AuditEvent.Outcome.FAILURE;
            case "denied" -> AuditEvent.Outcome.DENIED;
            case "partial" -> AuditEvent.Outcome.PARTIAL;
            default -> throw usage(place + ": outcome `" + text + "`: expected success, failure, denied or partial");
        };
    }

    private @Nullable Instant time(String text, String place) {
        try {
            return text.isEmpty() ? null : Times.parse(text);
        } catch (TypeConversionException malformed) {
            throw usage(place + ": occurredAt " + malformed.getMessage());
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
        receipt.spooled()
                .ifPresent(spooled -> json.putObject("spooled")
                        .put("spoolId", spooled.spoolId())
                        .put("number", spooled.number()));
        return json.put("replayed", receipt.replayed())
                .put("idempotencyKey", receipt.idempotencyKey())
                .put("acknowledgement", receipt.acknowledgement().name());
    }

    /** As the option has them. */
    static final class AcknowledgementConverter implements ITypeConverter<Acknowledgement> {

        @Override
        public Acknowledgement convert(String text) {
            return switch (text.toLowerCase(Locale.ROOT)) {
                case "in-ledger" -> Acknowledgement.IN_LEDGER;
                case "spooled" -> Acknowledgement.SPOOLED;
                default -> throw new TypeConversionException("`" + text + "`: expected in-ledger or spooled");
            };
        }
    }
}
