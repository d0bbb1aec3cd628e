package dev.assize.client.enforcement;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.assize.client.AssizeClient;
import dev.assize.client.Question;
import dev.assize.client.testing.FakeAssize;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The filter before a real server. */
class EnforcingFilterTest {

    private final FakeAssize assize = new FakeAssize().allow("user:alice", FakeAssize.ANY, "read");
    private final Enforcer enforcer =
            Enforcer.of(assize.client(AssizeClient.builder().tenant("acme")));
    private final HttpClient http = HttpClient.newHttpClient();
    private final HttpServer server;

    EnforcingFilterTest() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", EnforcingFilterTest::serve)
                .getFilters()
                .add(EnforcingFilter.of(enforcer, EnforcingFilterTest::who)
                        .route("GET /docs/{id}", "read", "doc:{id}")
                        .route(
                                "PUT /folders/{folder}/docs/{id}",
                                "read",
                                "folder:{folder}/doc:{id}",
                                (_, question) -> question.inEnv("production"))
                        .route("GET /broken", "read", "doc:1", (_, _) -> {
                            throw new IllegalStateException("cannot be mapped");
                        })
                        .route("GET /shelf/{place...}", "read", "shelf:{place}")
                        .open("GET /health")
                        .build());
        server.start();
    }

    @AfterEach
    void stop() {
        server.stop(0);
        http.close();
        enforcer.close();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/",
                "/docs",
                "/docs/",
                "/docs/1/",
                "/docs/1/2",
                "//docs/1",
                "/docs//1",
                "/docs/1%2F2",
                "/docs/%2e%2e",
                "/docs/1%2f",
                "/docs/%ff",
                "/docs/1%0A",
                "/docs/%7F",
                "/docs/1%5C2",
                "/docs/1;a=b",
                "/docs/1%3Ba",
                "/shelf",
                "/shelf/../docs/1",
                "/shelf/%2e%2e/docs/1",
                "/shelf//docs/1",
                "/health/1",
                "/Docs/1"
            })
    void refusesAPathThatNoRouteMeansOrThatIsReadOtherwise(String path) throws Exception {
        assertThat(ask("GET", path, "user:alice").statusCode()).isEqualTo(403);
        assertThat(assize.asked()).isEmpty();
    }

    @Test
    void refusesAMethodThatNoRouteMeans() throws Exception {
        for (String method : new String[] {"DELETE", "OPTIONS", "PUT"}) {
            assertThat(ask(method, "/docs/1", "user:alice").statusCode()).isEqualTo(403);
        }
    }

    @Test
    void asksWhoItIs() throws Exception {
        HttpResponse<String> refused = ask("GET", "/docs/1", "");
        assertThat(refused.statusCode()).isEqualTo(401);
        assertThat(refused.headers().firstValue("WWW-Authenticate")).contains("Bearer");
        assertThat(assize.asked()).isEmpty();
    }

    @Test
    void refusesWhatIsDeniedAndNamesTheDecision() throws Exception {
        HttpResponse<String> refused = ask("GET", "/docs/1", "user:bob");
        assertThat(refused.statusCode()).isEqualTo(403);
        assertThat(refused.headers().firstValue("Assize-Decision-Id")).isPresent();
        assertThat(refused.body()).isEmpty();
        assertThat(ask("GET", "/broken", "user:alice").statusCode()).isEqualTo(403);
    }

    @Test
    void saysWhereItCannotSay() throws Exception {
        assize.reachable(false);
        assertThat(ask("GET", "/docs/1", "user:alice").statusCode()).isEqualTo(503);
    }

    @Test
    void asksForWhatTheRequestNames() throws Exception {
        var _ = ask("GET", "/docs/a%20b%2525+c", "user:alice");
        assertThat(assize.asked().getLast().resource()).isEqualTo("doc:a b%2525+c");
        var _ = ask("PUT", "/folders/a:b/docs/%C3%BC", "user:alice");
        assertThat(assize.asked().getLast().resource()).isEqualTo("folder:a:b/doc:ü");
        assertThat(assize.asked().getLast().env()).isEqualTo("production");
        var _ = ask("GET", "/shelf/a/b%25/", "user:alice");
        assertThat(assize.asked().getLast().resource()).isEqualTo("shelf:a%2Fb%25%2F");
    }

    @Test
    void letsPassWhatIsAllowedAndHandsOnTheAnswer() throws Exception {
        assertThat(ask("GET", "/docs/1", "user:alice").body())
                .startsWith("served ")
                .hasSizeGreaterThan(10);
        assertThat(ask("HEAD", "/docs/1", "user:alice").statusCode()).isEqualTo(200);
        assertThat(ask("GET", "/health", "").body()).isEqualTo("served ");
    }

    @Test
    void refusesRoutesThatCannotBe() {
        EnforcingFilter.Builder routes = EnforcingFilter.of(enforcer, EnforcingFilterTest::who);
        for (String route :
                new String[] {"/docs", "get /docs", "GET docs", "GET /docs/{", "GET /docs/x{id}", "GET /{a...}/b"}) {
            assertThatThrownBy(() -> routes.open(route)).as(route).hasMessageContaining(route);
        }
        assertThatThrownBy(() -> routes.route("GET /docs/{id}", "read", "doc:{other}"))
                .hasMessageContaining("doc:{other}");
    }

    @Test
    void anIdIsOneIdWhateverIsInIt() {
        assertThat(Question.pathId("a/b%2F")).isEqualTo("a%2Fb%252F");
    }

    /** Reads the subject from a header, as no service outside of a test may. */
    private static Optional<String> who(HttpExchange exchange) {
        return Optional.ofNullable(exchange.getRequestHeaders().getFirst("X-Who"));
    }

    private static void serve(HttpExchange exchange) throws IOException {
        String decision =
                EnforcingFilter.RESULT.isBound() ? EnforcingFilter.RESULT.get().decisionId() : "";
        byte[] body = ("served " + decision).getBytes(StandardCharsets.UTF_8);
        boolean isHead = exchange.getRequestMethod().equals("HEAD");
        exchange.sendResponseHeaders(200, isHead ? -1 : body.length);
        if (!isHead) {
            exchange.getResponseBody().write(body);
        }
        exchange.close();
    }

    private HttpResponse<String> ask(String method, String path, String who) throws Exception {
        HttpRequest.Builder request = HttpRequest.newBuilder(
                        URI.create("http://127.0.0.1:" + server.getAddress().getPort() + path))
                .method(method, HttpRequest.BodyPublishers.noBody());
        if (!who.isEmpty()) {
            request.header("X-Who", who);
        }
        return http.send(request.build(), HttpResponse.BodyHandlers.ofString());
    }
}
