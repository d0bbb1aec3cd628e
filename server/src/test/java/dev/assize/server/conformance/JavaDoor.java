package dev.assize.server.conformance;

import static java.util.Objects.requireNonNull;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpServer;
import dev.assize.client.AssizeClient;
import dev.assize.client.enforcement.Enforcer;
import dev.assize.client.enforcement.EnforcingFilter;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.Optional;

/** A service behind the Java client's door for HTTP, and the same behind Spring Security: they must not differ. */
final class JavaDoor {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String WHO = "x-verified-subject";

    private JavaDoor() {}

    /** Puts one request to each of them. */
    static JsonNode answer(AssizeClient client, JsonNode line) throws IOException {
        JsonNode filter = behindFilter(client, line);
        JsonNode spring = SpringDoor.answer(client, line);
        if (!filter.equals(spring)) {
            throw new IllegalStateException("the filter answers " + filter + ", and Spring Security " + spring);
        }
        return filter;
    }

    private static JsonNode behindFilter(AssizeClient client, JsonNode line) throws IOException {
        HttpServer service =
                serve(client, line.get("tenant").asText(), line.path("wide").asBoolean());
        try (HttpClient http = HttpClient.newHttpClient()) {
            URI uri = URI.create("http://127.0.0.1:" + service.getAddress().getPort()
                    + line.get("path").asText());
            HttpRequest.Builder request = HttpRequest.newBuilder(uri)
                    .method(line.get("method").asText(), HttpRequest.BodyPublishers.noBody());
            if (line.has("subject")) {
                request.header(WHO, line.get("subject").asText());
            }
            HttpResponse<String> answer = http.send(request.build(), HttpResponse.BodyHandlers.ofString());
            return JSON.createObjectNode()
                    .put("status", answer.statusCode())
                    .put(
                            "decision",
                            answer.headers().firstValue("Assize-Decision-Id").isPresent());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException(e);
        } finally {
            service.stop(0);
        }
    }

    private static HttpServer serve(AssizeClient client, String tenant, boolean wide) throws IOException {
        EnforcingFilter.Builder door = EnforcingFilter.of(
                        Enforcer.of(client),
                        exchange ->
                                Optional.ofNullable(exchange.getRequestHeaders().getFirst(WHO)))
                .route("GET /docs/{id}", "read", "doc:{id}", (_, question) -> question.inTenant(tenant))
                .route("POST /docs/{id}", "write", "doc:{id}", (_, question) -> question.inTenant(tenant))
                .open("GET /health");
        if (wide) {
            door.open("GET /{rest...}");
        }
        HttpServer service =
                requireNonNull(HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0));
        service.createContext("/", exchange -> {
                    exchange.sendResponseHeaders(200, -1);
                    exchange.close();
                })
                .getFilters()
                .add(door.build());
        service.start();
        return service;
    }
}
