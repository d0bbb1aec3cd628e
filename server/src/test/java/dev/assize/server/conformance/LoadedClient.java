package dev.assize.server.conformance;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.assize.client.AssizeClient;
import dev.assize.client.PolicyChange;
import dev.assize.proto.v1.AccessServiceGrpc;
import dev.assize.proto.v1.CreateKeyRequest;
import dev.assize.server.conformance.ProcessAdapter.MissingException;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.Metadata;
import io.grpc.stub.MetadataUtils;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;

/**
 * One language's client under load, through its adapter: it asks as fast as it is answered, sixteen questions at a time and no
 * two the same, appends an event after each time, and notes what did not come back as it must. A check is tried twice at most.
 */
public final class LoadedClient implements AutoCloseable {

    /** The type of the events that it appends. */
    public static final String EVENT = "rolling.done";

    private static final String CALLER = "service:conformance";
    private static final int AT_ONCE = 16;
    private static final int TRIES = 2;
    private static final int TIMEOUT_MILLIS = 10_000;
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Adapter adapter;
    private final String tenant;
    private final AtomicInteger checks = new AtomicInteger();
    private final AtomicInteger appends = new AtomicInteger();
    private final List<String> failures = new CopyOnWriteArrayList<>();

    private LoadedClient(Adapter adapter, String tenant) {
        this.adapter = adapter;
        this.tenant = tenant;
    }

    /** Makes what the clients ask about, and a key for them. */
    public static String prepare(String server, String adminKey, String tenant) {
        Bench.admit(server, adminKey);
        try (AssizeClient admin = AssizeClient.builder()
                .target(server)
                .plaintext()
                .apiKey(adminKey)
                .tenant(tenant)
                .build()) {
            var _ = admin.policy().apply(PolicyChange.of("""
                    apiVersion: assize.dev/v1
                    kind: Tenant
                    metadata: {name: %1$s}
                    spec: {environments: [default]}
                    ---
                    apiVersion: assize.dev/v1
                    kind: Role
                    metadata: {tenant: %1$s, name: reader}
                    spec: {permissions: [{resources: [doc], actions: [read]}]}
                    ---
                    apiVersion: assize.dev/v1
                    kind: RoleBinding
                    metadata: {tenant: %1$s, name: alice}
                    spec: {subjects: ["user:alice"], role: reader}
                    """.formatted(tenant), "load"));
        }
        return key(server, adminKey, tenant);
    }

    private static String key(String server, String adminKey, String tenant) {
        Metadata headers = new Metadata();
        headers.put(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), "Bearer " + adminKey);
        ManagedChannel channel =
                ManagedChannelBuilder.forTarget(server).usePlaintext().build();
        try {
            return AccessServiceGrpc.newBlockingStub(channel)
                    .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers))
                    .createKey(CreateKeyRequest.newBuilder()
                            .setTenant("assize")
                            .setSubject(CALLER)
                            .addTenants(tenant)
                            .build())
                    .getCredential();
        } finally {
            channel.shutdownNow();
        }
    }

    /**
     * Opens a client.
     *
     * @throws IllegalStateException where it cannot run here; the message says why
     */
    public static LoadedClient open(String language, String target, String key, String tenant) {
        Adapter adapter;
        try {
            adapter = language.equals("java")
                    ? new JavaAdapter(language, false)
                    : ProcessAdapter.start(language, Conformance.program(language));
        } catch (MissingException missing) {
            throw new IllegalStateException(language + " cannot run here: " + missing.getMessage(), missing);
        }
        ObjectNode open = JSON.createObjectNode()
                .put("op", "open")
                .put("target", target)
                .put("key", key)
                .put("timeoutMillis", TIMEOUT_MILLIS)
                .put("cache", false)
                .put("batching", false)
                .put("tries", TRIES);
        open.set("obligations", JSON.createArrayNode());
        JsonNode answer = adapter.ask(open);
        if (!answer.path("ok").asBoolean()) {
            adapter.close();
            throw new IllegalStateException(language + " does not open: " + answer);
        }
        return new LoadedClient(adapter, tenant);
    }

    public String language() {
        return adapter.language();
    }

    public int checks() {
        return checks.get();
    }

    public int appends() {
        return appends.get();
    }

    /** What did not come back as it must. */
    public List<String> failures() {
        return List.copyOf(failures);
    }

    /** Asks for as long as it is to. */
    public void run(BooleanSupplier goesOn) {
        try {
            while (goesOn.getAsBoolean()) {
                checkMany();
                append();
            }
        } catch (RuntimeException broken) {
            failures.add(language() + ": " + broken);
        }
    }

    private void checkMany() {
        ObjectNode line = JSON.createObjectNode().put("op", "checkConcurrently");
        ArrayNode requests = line.putArray("requests");
        for (int i = 0; i < AT_ONCE; i++) {
            requests.addObject()
                    .put("subject", "user:alice")
                    .put("resource", "doc:" + checks.get() + "-" + i)
                    .put("action", "read")
                    .put("tenant", tenant);
        }
        for (JsonNode result : adapter.ask(line).path("results")) {
            checks.incrementAndGet();
            if (!result.path("allowed").asBoolean()) {
                failures.add(language() + " was answered " + result);
            }
        }
    }

    private void append() {
        ObjectNode line = JSON.createObjectNode().put("op", "append").put("tenant", tenant);
        line.putArray("events")
                .addObject()
                .put("type", EVENT)
                .put("action", "read")
                .put("resource", "doc:" + language() + "-" + appends.get())
                .put("outcome", "SUCCESS");
        JsonNode answer = adapter.ask(line);
        appends.incrementAndGet();
        if (!answer.path("failure").asText("none").isEmpty()) {
            failures.add(language() + " was answered " + answer + " to an append");
        }
    }

    @Override
    public void close() {
        adapter.close();
    }
}
