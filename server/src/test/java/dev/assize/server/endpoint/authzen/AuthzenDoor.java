package dev.assize.server.endpoint.authzen;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.google.inject.AbstractModule;
import com.google.inject.util.Modules;
import com.sun.net.httpserver.HttpHandler;
import com.sun.net.httpserver.HttpServer;
import dev.assize.server.endpoint.call.CallSpans;
import dev.assize.server.endpoint.grpc.GrpcFixture;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** AuthZEN on a port of its own, before an engine and stores that forget, and somebody who calls it. */
final class AuthzenDoor implements AutoCloseable {

    /** Where questions about tenant `acme` are asked. */
    static final String BASE = "/acme/access/v1/";

    final GrpcFixture fixture;

    /** What is called with; empty for nothing. */
    String key;

    private final ObjectMapper json = new ObjectMapper();
    private final HttpClient client = HttpClient.newHttpClient();
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final HttpServer server;

    AuthzenDoor(Path directory) throws IOException {
        this(directory, LocalFinder.Patience.DEFAULT, false);
    }

    AuthzenDoor(Path directory, LocalFinder.Patience patience, boolean accessRequests) throws IOException {
        this(new GrpcFixture(directory), patience, accessRequests);
    }

    /** That makes spans. */
    AuthzenDoor(Path directory, CallSpans spans) throws IOException {
        this(new GrpcFixture(directory, spans), LocalFinder.Patience.DEFAULT, false);
    }

    private AuthzenDoor(GrpcFixture fixture, LocalFinder.Patience patience, boolean accessRequests) throws IOException {
        this.fixture = fixture;
        key = fixture.admin;
        HttpHandler handler = fixture.injector
                .createChildInjector(Modules.override(new AuthzenModule()).with(new AbstractModule() {
                    @Override
                    protected void configure() {
                        bind(AuthzenConfig.class)
                                .toInstance(new AuthzenConfig("https://pdp.example.com/", accessRequests));
                        bind(LocalFinder.Patience.class).toInstance(patience);
                    }
                }))
                .getInstance(HttpHandler.class);
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(threads);
        server.createContext("/", exchange -> {
            try (exchange) {
                handler.handle(exchange);
            }
        });
        server.start();
    }

    int port() {
        return server.getAddress().getPort();
    }

    /** What is answered where everything is well. */
    JsonNode ok(String endpoint, String body) throws IOException, InterruptedException {
        HttpResponse<String> answer = post(BASE + endpoint, body);
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
        assertThat(answer.headers().firstValue("Content-Type")).contains("application/json");
        return json.readTree(answer.body());
    }

    JsonNode read(String text) throws IOException {
        return json.readTree(text);
    }

    HttpResponse<String> post(String path, String body) throws IOException, InterruptedException {
        return send(request(path).POST(HttpRequest.BodyPublishers.ofString(body)));
    }

    HttpResponse<String> get(String path) throws IOException, InterruptedException {
        return send(request(path).GET());
    }

    HttpResponse<String> send(HttpRequest.Builder request) throws IOException, InterruptedException {
        return client.send(request.timeout(Duration.ofMinutes(1)).build(), HttpResponse.BodyHandlers.ofString());
    }

    HttpRequest.Builder request(String path) {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port() + path))
                .header("Content-Type", "application/json");
        return key.isEmpty() ? request : request.header("Authorization", "Bearer " + key);
    }

    @Override
    public void close() {
        server.stop(0);
        client.close();
        threads.close();
        fixture.close();
    }
}
