package dev.assize.server.conformance;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.protobuf.Timestamp;
import dev.assize.client.AssizeClient;
import dev.assize.client.AuditQuery;
import dev.assize.client.CheckResult;
import dev.assize.client.Failure;
import dev.assize.client.PolicyChange;
import dev.assize.proto.v1.AccessServiceGrpc;
import dev.assize.proto.v1.CreateKeyRequest;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.Metadata;
import io.grpc.stub.MetadataUtils;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.StreamSupport;
import org.jspecify.annotations.Nullable;

/** What one adapter is tried with: tenants and keys of its own on the server, the network to it, a scripted server. */
final class Bench implements AutoCloseable {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Path WORLDS = Path.of("..", "client-sdk", "conformance", "worlds");
    private static final Duration LONGEST_WAIT = Duration.ofSeconds(60);
    private static final Duration KEY_LIVES = Duration.ofMillis(1_500);

    /** Of a call whose case does not say how long it may take: longer than any takes, on a machine with much else to do, too. */
    private static final Duration DEADLINE = Duration.ofSeconds(20);

    private static final String CALLER = "service:conformance";
    private static final String SIDECAR = "service:conformance-sidecar";

    private final Adapter adapter;
    private final Path directory;
    private final Conformance.Served served;
    private final String adminKey;
    private final ConcurrentMap<JsonNode, MadeBundle> made;
    private final FaultProxy network = new FaultProxy();

    /** Between a sidecar and the server. */
    private final FaultProxy upstream = new FaultProxy();

    private final ScriptedServer scripted = new ScriptedServer();
    private final Map<String, String> variables = new HashMap<>();
    private String server;
    private JsonNode lastAnswer = JSON.createObjectNode();
    private Conformance.@Nullable Sidecar sidecar;
    private int unpacked;

    /** Of the last script or client, by which a case counts. */
    private long countedFrom = System.nanoTime();

    private boolean tooLate;

    /**
     * One of several.
     *
     * @param made the bundles of the case, by what is wished for, for all of them
     */
    Bench(Adapter adapter, Path directory, Conformance.Served served, ConcurrentMap<JsonNode, MadeBundle> made) {
        this.adapter = adapter;
        this.directory = directory;
        this.made = made;
        this.served = served;
        this.adminKey = served.adminKey();
        this.server = served.address();
        leadTo(server);
    }

    /** Lets a caller named {@code service:conformance} do what services do, and search, in every tenant. */
    static void admit(String server, String adminKey) {
        try (AssizeClient admin = admin(server, adminKey, "assize")) {
            var _ = admin.policy().apply(PolicyChange.of("""
                apiVersion: assize.dev/v1
                kind: RoleBinding
                metadata: {tenant: assize, name: conformance}
                spec: {subjects: ["%1$s"], role: service}
                ---
                apiVersion: assize.dev/v1
                kind: Role
                metadata: {tenant: assize, name: searcher}
                spec: {permissions: [{resources: [policy], actions: [search]}]}
                ---
                apiVersion: assize.dev/v1
                kind: RoleBinding
                metadata: {tenant: assize, name: conformance-searches}
                spec: {subjects: ["%1$s"], role: searcher}
                ---
                apiVersion: assize.dev/v1
                kind: Role
                metadata: {tenant: assize, name: speaking-sidecar}
                spec: {inherits: [sidecar], permissions: [{resources: [subject], actions: [act-as]}]}
                ---
                apiVersion: assize.dev/v1
                kind: RoleBinding
                metadata: {tenant: assize, name: conformance-sidecars}
                spec: {subjects: ["%2$s"], role: speaking-sidecar}
                """.formatted(CALLER, SIDECAR), "conformance"));
        }
    }

    String language() {
        return adapter.language();
    }

    /** The answer to what was asked last. */
    JsonNode lastAnswer() {
        return lastAnswer;
    }

    /** Whether the case took longer than what it expects holds, so that it has shown nothing. */
    boolean wasTooLate() {
        return tooLate;
    }

    /** The server is somewhere else now. */
    void leadTo(String server) {
        this.server = server;
        network.leadTo(server);
        upstream.leadTo(server);
    }

    /** A tenant of its own for a case. */
    void begin(String tenant) {
        stopSidecar();
        network.whole();
        upstream.whole();
        variables.clear();
        tooLate = false;
        variables.put("tenant", tenant);
        variables.put("target", network.address());
        variables.put("scripted", scripted.address());
        variables.put("nowhere", "127.0.0.1:1");
        variables.put("inAMinute", Instant.now().plusSeconds(60).toString());
        variables.put("inAnHour", Instant.now().plusSeconds(3_600).toString());
        variables.put("now", Instant.now().toString());
        variables.put("4000 bytes", "x".repeat(4_000));
        variables.put("aMinuteAgo", Instant.now().minusSeconds(60).toString());
    }

    /** Does one step; what is not as the step expects is the failure. */
    Optional<String> take(JsonNode step) {
        try {
            return switch (step.fieldNames().next()) {
                case "policy" -> apply(step.get("policy").asText());
                case "open" -> open(step.get("open"));
                case "ask" -> ask(step);
                case "script" -> play(step.get("script"));
                case "say" -> say(step.get("say"));
                case "heard" -> heard(step.get("heard"));
                case "network" -> shape(network, step, "network");
                case "upstream" -> shape(upstream, step, "upstream");
                case "sidecar" -> startSidecar();
                case "ledger" -> ledger(step);
                case "awaitKeyEnd" -> awaitKeyEnd();
                case "bundle" -> bundle(step.get("bundle"));
                default -> Optional.of("no step: " + step);
            };
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Optional<String> apply(String world) throws IOException {
        String yaml = Files.readString(WORLDS.resolve(world + ".yaml"));
        try (AssizeClient admin = admin(server, adminKey, tenant())) {
            var _ = admin.policy().apply(PolicyChange.of(filled(yaml), "conformance"));
        }
        return Optional.empty();
    }

    private Optional<String> open(JsonNode options) {
        countedFrom = System.nanoTime();
        ObjectNode line = JSON.createObjectNode()
                .put("op", "open")
                .put("target", "${target}")
                .put("key", "${key}")
                .put("timeoutMillis", DEADLINE.toMillis())
                .put("cache", false)
                .put("batching", false);
        line.set("obligations", JSON.createArrayNode());
        options.properties().forEach(it -> line.set(it.getKey(), it.getValue()));
        String key = line.get("key").asText();
        if (key.startsWith("${") && !variables.containsKey(key.substring(2, key.length() - 1))) {
            variables.put(key.substring(2, key.length() - 1), makeKey(key));
        }
        return differs(JSON.createObjectNode().put("ok", true), adapter.ask(filled(line)));
    }

    private Optional<String> ask(JsonNode step) {
        JsonNode line = filled(step.get("ask"));
        JsonNode expected = filled(step.path("expect"));
        long patience = Duration.ofMillis(step.path("withinMillis").asLong()).toNanos();
        long begun = System.nanoTime();
        while (true) {
            long asked = System.nanoTime();
            lastAnswer = inOrder(step, adapter.ask(line));
            long tookMillis = Duration.ofNanos(System.nanoTime() - asked).toMillis();
            if (isTooLate(step)) {
                return Optional.of("it holds no longer: " + line);
            }
            Optional<String> difference = differs(expected, lastAnswer);
            if (difference.isEmpty()
                    && tookMillis > step.path("endsWithinMillis").asLong(Long.MAX_VALUE)) {
                return Optional.of("it took " + tookMillis + " ms: " + line);
            }
            if (difference.isEmpty() || System.nanoTime() - begun >= patience) {
                variables.put("lastCursor", lastAnswer.path("cursor").asText());
                return difference.map(it -> it + "\n  asked " + line + "\n  answered " + lastAnswer);
            }
            rest();
        }
    }

    private boolean isTooLate(JsonNode step) {
        Duration since = Duration.ofNanos(System.nanoTime() - countedFrom);
        tooLate = since.toMillis() > step.path("untilMillis").asLong(Long.MAX_VALUE);
        return tooLate;
    }

    /** Of concurrent questions nobody knows which comes first: {@code "unordered"} has the results sorted by their text. */
    private static JsonNode inOrder(JsonNode step, JsonNode answer) {
        if (!step.path("unordered").asBoolean() || !answer.has("results")) {
            return answer;
        }
        ArrayNode sorted = JSON.createArrayNode();
        answer.get("results")
                .valueStream()
                .sorted(Comparator.comparing(JsonNode::toString))
                .forEach(sorted::add);
        return JSON.createObjectNode().set("results", sorted);
    }

    private static Optional<String> differs(JsonNode expected, JsonNode answer) {
        return answer.has("error")
                ? Optional.of("the adapter failed: " + answer)
                : Expectation.differs(expected, answer);
    }

    private Optional<String> play(JsonNode answers) {
        countedFrom = System.nanoTime();
        variables.put("inThreeSeconds", Instant.now().plusSeconds(3).toString());
        scripted.play(filled(answers));
        return Optional.empty();
    }

    private Optional<String> say(JsonNode messages) {
        scripted.say(filled(messages));
        return Optional.empty();
    }

    private Optional<String> heard(JsonNode expected) {
        ObjectNode heard = JSON.createObjectNode();
        expected.fieldNames().forEachRemaining(method -> heard.put(method, scripted.heard(method)));
        if (expected.has("knownRevision")) {
            heard.put("knownRevision", scripted.knownRevision());
        }
        if (expected.has("acknowledgement")) {
            heard.put("acknowledgement", scripted.acknowledgement());
        }
        if (expected.has("idempotencyKey")) {
            long different = scripted.idempotencyKeys().stream().distinct().count();
            heard.put(
                    "idempotencyKey",
                    different == 1 ? scripted.idempotencyKeys().getFirst() : different + " different ones");
        }
        return Expectation.differs(expected, heard).map(it -> "the server heard " + it);
    }

    /** One for the tenant of the case. */
    private Optional<String> startSidecar() {
        Conformance.Sidecar started = served.sidecar(upstream.address(), createKey(SIDECAR, tenant(), null), tenant());
        sidecar = started;
        variables.put("sidecar", started.address());
        variables.put("sidecarKey", started.key());
        return Optional.empty();
    }

    private void stopSidecar() {
        if (sidecar != null) {
            sidecar.close();
            sidecar = null;
        }
    }

    private static Optional<String> shape(FaultProxy network, JsonNode step, String name) {
        switch (step.get(name).asText()) {
            case "whole" -> network.whole();
            case "slow" -> network.slow(Duration.ofMillis(step.get("millis").asLong()));
            case "silent" -> network.silent();
            case "cut" -> network.cut();
            case "break" -> network.breakAll();
            case "loseNextAnswer" -> network.loseNextAnswer();
            default -> {
                return Optional.of("no network: " + step);
            }
        }
        return Optional.empty();
    }

    /** What is forwarded is there some time after it was spooled. */
    private Optional<String> ledger(JsonNode step) {
        JsonNode expected = step.get("ledger");
        long patience = Duration.ofMillis(step.path("withinMillis").asLong()).toNanos();
        long begun = System.nanoTime();
        Optional<String> difference = counted(expected);
        while (difference.isPresent() && System.nanoTime() - begun < patience) {
            rest();
            difference = counted(expected);
        }
        return difference;
    }

    private Optional<String> counted(JsonNode expected) {
        try (AssizeClient admin = admin(server, adminKey, tenant())) {
            long count = StreamSupport.stream(
                            admin.queryAudit(AuditQuery.ALL.ofType(
                                            expected.get("type").asText()))
                                    .spliterator(),
                            false)
                    .count();
            return Expectation.differs(
                            expected,
                            JSON.createObjectNode()
                                    .put("count", count)
                                    .put("type", expected.get("type").asText()))
                    .map(it -> "the ledger: " + it);
        }
    }

    /** A key that does what its name says. */
    private String makeKey(String variable) {
        return switch (variable) {
            case "${key}" -> createKey(CALLER, tenant(), null);
            case "${expiringKey}" -> createKey(CALLER, tenant(), Instant.now().plus(KEY_LIVES));
            case "${foreignKey}" -> createKey(CALLER, "assize", null);
            case "${wrongKey}" -> "asz_0000000000000000_0000000000000000000000000000000000000000000";
            default -> throw new IllegalArgumentException(variable);
        };
    }

    private String createKey(String subject, String tenant, @Nullable Instant expires) {
        Metadata headers = new Metadata();
        headers.put(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), "Bearer " + adminKey);
        ManagedChannel channel =
                ManagedChannelBuilder.forTarget(server).usePlaintext().build();
        try {
            CreateKeyRequest.Builder request = CreateKeyRequest.newBuilder()
                    .setTenant("assize")
                    .setSubject(subject)
                    .addTenants(tenant);
            if (expires != null) {
                request.setExpiresAt(Timestamp.newBuilder()
                        .setSeconds(expires.getEpochSecond())
                        .setNanos(expires.getNano()));
            }
            return AccessServiceGrpc.newBlockingStub(channel)
                    .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers))
                    .createKey(request.build())
                    .getCredential();
        } finally {
            channel.shutdownNow();
        }
    }

    /** Waits, with a client of its own, until the server refuses the key. */
    private Optional<String> awaitKeyEnd() {
        try (AssizeClient client = AssizeClient.builder()
                .target(server)
                .plaintext()
                .apiKey(Objects.requireNonNull(variables.get("expiringKey")))
                .tenant(tenant())
                .build()) {
            long end = System.nanoTime() + LONGEST_WAIT.toNanos();
            while (System.nanoTime() < end) {
                CheckResult result = client.check("user:alice", "doc:1", "read");
                if (result.failure().equals(Optional.of(Failure.UNAUTHENTICATED))) {
                    return Optional.empty();
                }
                rest();
            }
            return Optional.of("the key does not end");
        }
    }

    /** What all adapters verify is made once. */
    private Optional<String> bundle(JsonNode wanted) throws IOException {
        MadeBundle bundle = made.computeIfAbsent(wanted, MadeBundle::of);
        variables.putAll(bundle.variables());
        Path place = directory.resolve(adapter.language() + (bundle.isTar() ? ".tar" : "-" + ++unpacked));
        if (bundle.isTar()) {
            Files.write(place, bundle.tar());
        } else {
            for (Map.Entry<String, byte[]> file : bundle.files().entrySet()) {
                Path path = place.resolve(file.getKey());
                Files.createDirectories(path.getParent());
                Files.write(path, file.getValue());
            }
        }
        variables.put("bundle", place.toString());
        return Optional.empty();
    }

    private String tenant() {
        return Objects.requireNonNull(variables.get("tenant"));
    }

    private JsonNode filled(JsonNode node) {
        try {
            return node.isMissingNode() ? JSON.createObjectNode() : JSON.readTree(filled(node.toString()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private String filled(String text) {
        String filled = text;
        for (Map.Entry<String, String> variable : variables.entrySet()) {
            filled = filled.replace("${" + variable.getKey() + "}", variable.getValue());
        }
        return filled;
    }

    private static AssizeClient admin(String server, String key, String tenant) {
        return AssizeClient.builder()
                .target(server)
                .plaintext()
                .apiKey(key)
                .tenant(tenant)
                .build();
    }

    private static void rest() {
        rest(Duration.ofMillis(25));
    }

    static void rest(Duration time) {
        long end = System.nanoTime() + time.toNanos();
        for (long left = time.toNanos(); left > 0; left = end - System.nanoTime()) {
            LockSupport.parkNanos(left);
        }
    }

    @Override
    public void close() {
        adapter.close();
        stopSidecar();
        network.close();
        upstream.close();
        scripted.close();
    }
}
