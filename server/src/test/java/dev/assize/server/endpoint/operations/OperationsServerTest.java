package dev.assize.server.endpoint.operations;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpExchange;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class OperationsServerTest {

    private final PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    private final AtomicReference<Optional<String>> complaint = new AtomicReference<>(Optional.empty());
    private final AtomicReference<Optional<String>> notice = new AtomicReference<>(Optional.empty());
    private final OperationsServer server = new OperationsServer(
            new OperationsConfig("127.0.0.1", 0, null),
            registry,
            List.of(
                    new ReadinessCheck("database", this::complaint),
                    new ReadinessCheck("policy", Optional::empty),
                    ReadinessCheck.ofNotice("anchor", notice::get)),
            this::other);
    private volatile boolean fails;
    private final HttpClient client = HttpClient.newHttpClient();

    @BeforeEach
    void start() {
        server.start();
    }

    @AfterEach
    void stop() {
        client.close();
        server.close();
    }

    @Test
    void servesMeters() throws Exception {
        registry.counter("assize.tries").increment();

        assertThat(get("/metrics").body()).contains("assize_tries_total 1.0");
    }

    @Test
    void isAliveAndReady() throws Exception {
        assertThat(get("/livez").statusCode()).isEqualTo(200);
        assertThat(get("/readyz").statusCode()).isEqualTo(200);
        assertThat(get("/readyz").body()).isEqualTo("database: ok\npolicy: ok\nanchor: ok\n");
    }

    @Test
    void saysWhatIsNotReadyAndStaysAlive() throws Exception {
        complaint.set(Optional.of("does not answer"));

        assertThat(get("/readyz").statusCode()).isEqualTo(503);
        assertThat(get("/readyz").body()).isEqualTo("database: does not answer\npolicy: ok\nanchor: ok\n");
        assertThat(get("/livez").statusCode()).isEqualTo(200);
    }

    @Test
    void tellsWhatKeepsNobodyAway() throws Exception {
        notice.set(Optional.of("not reached"));

        assertThat(get("/readyz").statusCode()).isEqualTo(200);
        assertThat(get("/readyz").body()).isEqualTo("database: ok\npolicy: ok\nanchor: ATTENTION: not reached\n");
    }

    @Test
    void aCheckThatFailsIsAComplaint() throws Exception {
        fails = true;

        assertThat(get("/readyz").statusCode()).isEqualTo(503);
        assertThat(get("/readyz").body()).contains("database: the check fails");
    }

    @Test
    void handsOtherPathsOnWithTheirMethods() throws Exception {
        HttpResponse<String> post = client.send(
                HttpRequest.newBuilder(uri("/metrics/more"))
                        .POST(HttpRequest.BodyPublishers.ofString("x"))
                        .build(),
                HttpResponse.BodyHandlers.ofString());

        assertThat(post.headers().firstValue("Other")).contains("POST");
    }

    private void other(HttpExchange exchange) throws IOException {
        exchange.getResponseHeaders().set("Other", exchange.getRequestMethod());
        exchange.sendResponseHeaders(404, -1);
    }

    @Test
    void hasNoOtherRouteAndNoOtherMethod() throws Exception {
        assertThat(get("/").statusCode()).isEqualTo(404);
        assertThat(get("/metrics/more").statusCode()).isEqualTo(404);
        assertThat(get("/metricsmore").statusCode()).isEqualTo(404);
        HttpResponse<String> post = client.send(
                HttpRequest.newBuilder(uri("/livez"))
                        .POST(HttpRequest.BodyPublishers.ofString("x"))
                        .build(),
                HttpResponse.BodyHandlers.ofString());
        assertThat(post.statusCode()).isEqualTo(405);
        assertThat(post.headers().firstValue("Allow")).contains("GET, HEAD");
    }

    @Test
    void answersHeadWithoutABody() throws Exception {
        HttpResponse<String> head = client.send(
                HttpRequest.newBuilder(uri("/readyz")).HEAD().build(), HttpResponse.BodyHandlers.ofString());

        assertThat(head.statusCode()).isEqualTo(200);
        assertThat(head.body()).isEmpty();
    }

    @Test
    void saysThatThePortIsTaken() {
        OperationsServer second = new OperationsServer(
                new OperationsConfig("127.0.0.1", server.port(), null), registry, List.of(), this::other);

        assertThatThrownBy(second::start)
                .isInstanceOf(OperationsStartException.class)
                .hasMessageContaining("127.0.0.1:" + server.port())
                .hasMessageContaining("http.port");
    }

    private Optional<String> complaint() {
        if (fails) {
            throw new IllegalStateException("on purpose");
        }
        return complaint.get();
    }

    private HttpResponse<String> get(String path) throws IOException, InterruptedException {
        return client.send(HttpRequest.newBuilder(uri(path)).build(), HttpResponse.BodyHandlers.ofString());
    }

    private URI uri(String path) {
        return URI.create("http://127.0.0.1:" + server.port() + path);
    }
}
