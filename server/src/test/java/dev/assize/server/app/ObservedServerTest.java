package dev.assize.server.app;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.assize.proto.v1.CheckRequest;
import dev.assize.proto.v1.DecisionServiceGrpc;
import dev.assize.server.testing.TestDatabase;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.Metadata;
import io.grpc.stub.MetadataUtils;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A whole server as its operator sees it: what it measures, what it traces, and the files that come for that. */
@Timeout(120)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ObservedServerTest {

    private static final String TRACE = "0af7651916cd43dd8448eb211c80319c";
    private static final String WITNESS = "witness.example.com+03cd26e6+BCmsuuFBvMrwsi4alNNNC8c2HlJtC/4SyJeUvJMilm3X";

    private final TestDatabase database = TestDatabase.migrated();
    private final BlockingQueue<byte[]> collected = new LinkedBlockingQueue<>();
    private final HttpClient http = HttpClient.newHttpClient();
    private HttpServer collector;
    private AssizeServer server;

    @BeforeAll
    void start(@TempDir Path directory) throws Exception {
        collector = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        collector.createContext("/v1/traces", this::collect);
        collector.start();
        Map<String, String> environment = new HashMap<>();
        environment.put(
                "ASSIZE_ENVOY_MAPPING_FILE",
                Files.writeString(
                                directory.resolve("mapping.yaml"),
                                "{tenant: acme, subjects: [{principal: {type: service}}]}")
                        .toString());
        environment.put(
                "ASSIZE_TRACING_ENDPOINT",
                "http://127.0.0.1:" + collector.getAddress().getPort());
        environment.put("ASSIZE_ANCHOR_WITNESSES", "http://127.0.0.1:1 " + WITNESS);
        environment.putAll(database.environment());
        server = AssizeServer.of(new Console(directory.resolve("home"), environment).config());
        server.start();
    }

    @AfterAll
    void stop() {
        server.close();
        collector.stop(0);
        http.close();
        database.close();
    }

    @Test
    void everyMeterOfTheDashboardAndOfTheAlertsIsThereWithItsLabels() throws Exception {
        check();
        assertThat(get("/access/v1/nothing", "").statusCode()).isEqualTo(404);
        List<String> expressions = new ArrayList<>(Monitoring.alerts(group -> !group.equals(Monitoring.SIDECAR)));
        expressions.addAll(panels());
        assertThat(expressions).hasSizeGreaterThan(40);

        Map<String, Set<String>> series = Monitoring.series(http, server.operationsAddress());
        // The witness is asked behind the first round of signing.
        while (!series.containsKey("assize_anchor_witness_requests_total")) {
            LockSupport.parkNanos(Duration.ofMillis(50).toNanos());
            series = Monitoring.series(http, server.operationsAddress());
        }
        for (String expression : expressions) {
            Monitoring.assertMeasured(expression, series);
        }
    }

    @Test
    void theFilesAreWhatTheirProgramsRead() throws IOException {
        List<Map<?, ?>> rules = Monitoring.rules(group -> true);
        for (Map<?, ?> rule : rules) {
            assertThat(Monitoring.text(rule, "alert")).matches("Assize[A-Za-z]+");
            assertThat(Monitoring.text(object(rule, "labels"), "severity")).isIn("page", "ticket");
            assertThat(rule.containsKey("for") ? rule.get("for") : "1m")
                    .asString()
                    .matches("\\d+[smh]");
            Map<?, ?> annotations = object(rule, "annotations");
            assertThat(Monitoring.text(annotations, "summary")).isNotBlank();
            assertSection(Monitoring.text(annotations, "runbook"));
        }
        assertThat(rules.stream().map(rule -> rule.get("alert"))).doesNotHaveDuplicates();
        for (JsonNode panel : dashboard().get("panels")) {
            assertThat(panel.get("gridPos").size()).as(panel.toString()).isEqualTo(4);
            assertThat(panel.get("title").asText()).isNotBlank();
        }
        assertThat(dashboard().get("panels").findValuesAsText("id")).doesNotHaveDuplicates();
    }

    /** That a page has the section that an alert sends its reader to. */
    private static void assertSection(String runbook) throws IOException {
        String[] parts = runbook.split(", ", 2);
        String page = Files.readString(Path.of("..").resolve(parts[0]));
        if (parts.length == 2) {
            assertThat(page.lines()).as(runbook).anyMatch(line -> line.matches("##+ " + Pattern.quote(parts[1])));
        }
    }

    @Test
    void aTraceBeginsWithTheCallerAndSaysNothingOfWhatWasAsked() throws Exception {
        check();
        byte[] spans = collected.poll(30, TimeUnit.SECONDS);
        assertThat(spans).isNotNull();
        String text = new String(spans, StandardCharsets.ISO_8859_1);
        assertThat(text).contains("assize.v1.DecisionService/Check", "service.name");
        assertThat(text).contains(new String(HexFormat.of().parseHex(TRACE), StandardCharsets.ISO_8859_1));
        assertThat(text).doesNotContain("alice", "secret-plan", "asz_");
    }

    @Test
    void histogramsShowATraceAsAnExampleToWhoCanReadIt() throws Exception {
        check();
        String open = get("/metrics", "application/openmetrics-text;version=1.0.0,text/plain;q=0.5")
                .body();
        assertThat(open.lines())
                .anyMatch(line ->
                        line.startsWith("assize_rpc_duration_seconds_bucket{code=\"OK\",rpc=\"DecisionService/Check\"")
                                && line.contains("trace_id=\"" + TRACE + "\""));
        assertThat(open).endsWith("# EOF\n");
        assertThat(get("/metrics", "text/plain").body()).doesNotContain(TRACE, "# EOF");
    }

    private void check() {
        ManagedChannel channel = ManagedChannelBuilder.forTarget(server.grpcAddress())
                .usePlaintext()
                .build();
        Metadata headers = new Metadata();
        headers.put(
                Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER),
                "Bearer " + server.administrator().key());
        headers.put(
                Metadata.Key.of("traceparent", Metadata.ASCII_STRING_MARSHALLER),
                "00-" + TRACE + "-b7ad6b7169203331-01");
        var _ = DecisionServiceGrpc.newBlockingStub(channel)
                .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers))
                .check(CheckRequest.newBuilder()
                        .setTenant("assize")
                        .setSubject("user:alice")
                        .setResource("doc:secret-plan")
                        .setAction("read")
                        .build());
        channel.shutdownNow();
    }

    private void collect(HttpExchange exchange) throws IOException {
        try (exchange) {
            collected.add(exchange.getRequestBody().readAllBytes());
            exchange.getResponseHeaders().set("Content-Type", "application/x-protobuf");
            exchange.sendResponseHeaders(200, -1);
        }
    }

    private HttpResponse<String> get(String path, String accept) throws Exception {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create("http://" + server.operationsAddress() + path));
        return http.send(
                accept.isEmpty()
                        ? request.build()
                        : request.header("Accept", accept).build(),
                HttpResponse.BodyHandlers.ofString());
    }

    private static Map<?, ?> object(Map<?, ?> object, String member) {
        return (Map<?, ?>) requireNonNull(object.get(member));
    }

    private static List<String> panels() throws IOException {
        return dashboard().get("panels").findValuesAsText("expr");
    }

    private static JsonNode dashboard() throws IOException {
        return new ObjectMapper()
                .readTree(Monitoring.FILES.resolve("grafana-dashboard.json").toFile());
    }
}
