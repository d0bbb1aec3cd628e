package dev.assize.server.conformance;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.assize.client.Acknowledgement;
import dev.assize.client.AppendReceipt;
import dev.assize.client.AssizeClient;
import dev.assize.client.AssizeException;
import dev.assize.client.AuditEvent;
import dev.assize.client.CheckResult;
import dev.assize.client.ExecutionResult;
import dev.assize.client.Question;
import dev.assize.client.SearchResults;
import dev.assize.client.ledger.LedgerBundle;
import dev.assize.client.ledger.NotProvenException;
import dev.assize.client.ledger.SignedNote;
import dev.assize.client.ledger.VerifierKey;
import io.grpc.Context;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** The Java client, in this process: asked by threads that wait, or without any. */
final class JavaAdapter implements Adapter {

    private static final ObjectMapper JSON = new ObjectMapper();

    private final String language;
    private final boolean later;
    private @Nullable AssizeClient client;

    JavaAdapter(String language, boolean later) {
        this.language = language;
        this.later = later;
    }

    @Override
    public String language() {
        return language;
    }

    @Override
    public JsonNode ask(JsonNode line) {
        try {
            return switch (line.path("op").asText()) {
                case "open" -> open(line);
                case "check" -> result(check(line.get("request"), line));
                case "checkBatch" -> results(client().checkBatch(questions(line)));
                case "checkConcurrently" -> checkConcurrently(line);
                case "search" -> search(line);
                case "append" -> append(line);
                case "checkAndAppend" -> checkAndAppend(line);
                case "door" -> JavaDoor.answer(client(), line);
                case "verifyBundle" -> verify(line);
                case "close" -> closed();
                default -> error("unknown op " + line.path("op"));
            };
        } catch (RuntimeException | IOException broken) {
            return error(String.valueOf(broken));
        }
    }

    private static JsonNode error(String message) {
        return JSON.createObjectNode().put("error", message);
    }

    private AssizeClient client() {
        if (client == null) {
            throw new IllegalStateException("nothing is open");
        }
        return client;
    }

    private JsonNode open(JsonNode line) {
        close();
        AssizeClient.Builder opened = AssizeClient.builder()
                .target(line.get("target").asText())
                .plaintext()
                .apiKey(line.get("key").asText())
                .batching(line.get("batching").asBoolean())
                .cache(line.get("cache").asBoolean() ? 1_000 : 0)
                .checkDeadline(Duration.ofMillis(line.get("timeoutMillis").asLong()))
                .appendDeadline(Duration.ofMillis(line.get("timeoutMillis").asLong()))
                .readDeadline(Duration.ofMillis(line.get("timeoutMillis").asLong()));
        line.path("obligations").forEach(type -> opened.knowsObligation(type.asText()));
        if (line.has("tries")) {
            opened.interceptor(new MostTries(line.get("tries").asInt()));
        }
        client = opened.build();
        return JSON.createObjectNode().put("ok", true);
    }

    private JsonNode closed() {
        close();
        return JSON.createObjectNode().put("ok", true);
    }

    private CheckResult check(JsonNode request, JsonNode times) {
        Question question = question(request);
        boolean hasDeadline = times.has("timeoutMillis");
        Duration deadline = Duration.ofMillis(times.path("timeoutMillis").asLong());
        if (later) {
            return (hasDeadline ? client().checkAsync(question, deadline) : client().checkAsync(question)).join();
        }
        return hasDeadline ? client().check(question, deadline) : client().check(question);
    }

    private JsonNode checkConcurrently(JsonNode line) {
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<CompletableFuture<CheckResult>> answers = requests(line).stream()
                    .map(it -> CompletableFuture.supplyAsync(() -> checkUntilLeft(it), threads))
                    .toList();
            return results(answers.stream().map(CompletableFuture::join).toList());
        }
    }

    /** Whoever asks may leave before there is an answer. */
    private CheckResult checkUntilLeft(JsonNode request) {
        if (!request.has("cancelAfterMillis")) {
            return check(request, request);
        }
        Context.CancellableContext leaving = Context.current().withCancellation();
        CompletableFuture.delayedExecutor(request.get("cancelAfterMillis").asLong(), TimeUnit.MILLISECONDS)
                .execute(() -> leaving.cancel(null));
        try {
            return leaving.call(() -> check(request, request));
        } catch (Exception impossible) {
            throw new IllegalStateException(impossible);
        }
    }

    private static List<Question> questions(JsonNode line) {
        return requests(line).stream().map(JavaAdapter::question).toList();
    }

    private static List<JsonNode> requests(JsonNode line) {
        List<JsonNode> requests = new ArrayList<>();
        for (int i = 0; i < line.path("times").asInt(1); i++) {
            line.get("requests").forEach(requests::add);
        }
        return requests;
    }

    private static Question question(JsonNode request) {
        Question question = Question.of(
                        request.path("subject").asText(),
                        request.path("resource").asText(),
                        request.path("action").asText())
                .inTenant(request.path("tenant").asText())
                .inEnv(request.path("env").asText())
                .onBehalfOf(
                        request.path("onBehalfOf").asText(),
                        request.path("onBehalfOfTenant").asText())
                .fromTenant(request.path("subjectTenant").asText())
                .inRun(request.path("runId").asText())
                .atRevision(request.path("atRevision").asLong());
        for (JsonNode role : request.path("activeRoles")) {
            question = question.inRole(role.asText());
        }
        for (Map.Entry<String, JsonNode> it : request.path("subjectAttributes").properties()) {
            question = question.withSubjectAttribute(it.getKey(), value(it.getValue()));
        }
        for (Map.Entry<String, JsonNode> it : request.path("resourceAttributes").properties()) {
            question = question.withResourceAttribute(it.getKey(), value(it.getValue()));
        }
        for (Map.Entry<String, JsonNode> it : request.path("context").properties()) {
            question = question.withContext(it.getKey(), value(it.getValue()));
        }
        return question;
    }

    private static Object value(JsonNode value) {
        if (value.isObject()) {
            Map<String, Object> map = new LinkedHashMap<>();
            value.properties().forEach(it -> map.put(it.getKey(), value(it.getValue())));
            return map;
        }
        if (value.isArray()) {
            return value.valueStream().map(JavaAdapter::value).toList();
        }
        if (value.isIntegralNumber()) {
            return value.asLong();
        }
        return value.isNumber()
                ? (Object) value.asDouble()
                : value.isBoolean() ? (Object) value.asBoolean() : value.asText();
    }

    private static JsonNode results(List<CheckResult> results) {
        ObjectNode answer = JSON.createObjectNode();
        ArrayNode all = answer.putArray("results");
        results.forEach(it -> all.add(result(it)));
        return answer;
    }

    private static JsonNode result(CheckResult result) {
        ObjectNode answer = JSON.createObjectNode()
                .put("allowed", result.allowed())
                .put("decision", result.decision().name())
                .put("reason", result.reason())
                .put("failure", result.failure().map(Enum::name).orElse(""))
                .put("cached", result.cached());
        ArrayNode obligations = answer.putArray("obligations");
        result.obligations()
                .forEach(it -> obligations
                        .addObject()
                        .put("id", it.id())
                        .put("type", it.type())
                        .set("properties", JSON.valueToTree(it.properties())));
        return answer;
    }

    private JsonNode search(JsonNode line) {
        ObjectNode answer = JSON.createObjectNode();
        ArrayNode names = answer.putArray("names");
        try (SearchResults found = found(line)) {
            found.forEachRemaining(names::add);
            found.wildcards().forEach(answer.putArray("wildcards")::add);
            return answer.put("truncated", found.truncated())
                    .put("cursor", found.cursor())
                    .put("failure", "");
        } catch (AssizeException failure) {
            answer.putArray("wildcards");
            return answer.put("truncated", true).put("cursor", "").put("failure", failure.code());
        }
    }

    private SearchResults found(JsonNode line) {
        Question question = question(line.get("request"));
        String type = line.path("type").asText();
        int limit = line.path("limit").asInt();
        String cursor = line.path("cursor").asText();
        return switch (line.get("seek").asText()) {
            case "subjects" -> client().searchSubjects(question, type, limit, cursor);
            case "resources" -> client().searchResources(question, type, limit, cursor);
            case "actions" -> client().searchActions(question, limit, cursor);
            default -> throw new IllegalArgumentException(line.toString());
        };
    }

    private JsonNode append(JsonNode line) {
        List<AuditEvent> events = new ArrayList<>();
        line.get("events").forEach(it -> events.add(event(it)));
        ObjectNode answer = JSON.createObjectNode();
        ArrayNode receipts = answer.putArray("receipts");
        try {
            AppendReceipt receipt = client().appendAudit(
                            line.get("tenant").asText(),
                            events,
                            line.path("idempotencyKey").asText(UUID.randomUUID().toString()),
                            Acknowledgement.valueOf(line.path("acknowledgement").asText("IN_LEDGER")));
            receipt.entries()
                    .forEach(it -> receipts.addObject().put("seq", it.seq()).put("entryHash", it.entryHash()));
            answer.put("acknowledgement", receipt.acknowledgement().name());
            receipt.spooled()
                    .ifPresentOrElse(
                            it -> answer.putObject("spooled")
                                    .put("spoolId", it.spoolId())
                                    .put("number", it.number()),
                            () -> answer.putNull("spooled"));
            return answer.put("failure", "");
        } catch (AssizeException failure) {
            return answer.put("acknowledgement", "").putNull("spooled").put("failure", failure.code());
        }
    }

    private JsonNode checkAndAppend(JsonNode line) {
        ExecutionResult done = client().checkAndAppend(
                        question(line.get("request")),
                        event(line.get("event")),
                        line.path("idempotencyKey").asText(UUID.randomUUID().toString()));
        ObjectNode answer = JSON.createObjectNode();
        answer.set("result", result(done.check()));
        return answer.put("recorded", done.entry().isPresent()).put("replayed", done.replayed());
    }

    private static AuditEvent event(JsonNode event) {
        AuditEvent.Builder builder = AuditEvent.ofType(event.path("type").asText());
        text(event, "category", builder::category);
        text(event, "actor", builder::actor);
        text(event, "role", builder::role);
        text(event, "action", builder::action);
        text(event, "resource", builder::resource);
        text(event, "env", builder::env);
        text(event, "reason", builder::reason);
        text(event, "payload", builder::payload);
        text(event, "outcome", it -> builder.outcome(AuditEvent.Outcome.valueOf(it)));
        return builder.build();
    }

    private static void text(JsonNode event, String member, Consumer<String> to) {
        if (event.has(member)) {
            to.accept(event.get(member).asText());
        }
    }

    private static JsonNode verify(JsonNode line) throws IOException {
        ObjectNode answer = JSON.createObjectNode();
        try (LedgerBundle bundle = LedgerBundle.open(Path.of(line.get("file").asText()))) {
            Set<VerifierKey> keys = new HashSet<>();
            for (JsonNode key : line.get("verifierKeys")) {
                keys.add(VerifierKey.parse(key.asText()));
            }
            SignedNote kept = line.has("keptCheckpoint")
                    ? SignedNote.parse(line.get("keptCheckpoint").asText().getBytes(StandardCharsets.UTF_8))
                    : null;
            long size = bundle.verify(keys, kept, (_, _) -> {}).checkpoint().size();
            return answer.put("valid", true)
                    .put("reason", "")
                    .put("treeSize", size)
                    .putNull("firstBad");
        } catch (NotProvenException refused) {
            answer.put("valid", false).put("reason", refused.getMessage()).put("treeSize", 0);
            return refused.seq().isPresent()
                    ? answer.put("firstBad", refused.seq().getAsLong())
                    : answer.putNull("firstBad");
        }
    }

    @Override
    public void close() {
        if (client != null) {
            client.close();
            client = null;
        }
    }
}
