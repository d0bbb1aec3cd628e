package dev.assize.server.endpoint.authzen;

import static dev.assize.server.endpoint.authzen.AuthzenDoor.BASE;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.assize.server.decision.PolicyStaleException;
import dev.assize.server.decision.PolicyUnavailableException;
import dev.assize.server.decision.check.PointInTime;
import dev.assize.server.endpoint.grpc.GrpcFixture;
import dev.assize.server.model.Reason;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.Socket;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionService;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorCompletionService;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What AuthZEN over HTTP takes, and how much of it. */
@Timeout(120)
class AuthzenBoundsTest {

    private static final String SUBJECT = "\"subject\":{\"type\":\"user\",\"id\":\"alice\"}";
    private static final String READ = "\"action\":{\"name\":\"read\"}";
    private static final String RECORD = "\"resource\":{\"type\":\"record\",\"id\":\"record-1\"}";
    private static final String QUESTION = SUBJECT + "," + READ + "," + RECORD;
    private static final String WHO = "{\"subject\":{\"type\":\"user\"}," + READ + "," + RECORD;
    private static final int CONCURRENT = 256;

    private final AuthzenDoor door;

    /** Gives a page the time of one stretch. */
    AuthzenBoundsTest(@TempDir Path directory) throws IOException {
        door = new AuthzenDoor(directory, new LocalFinder.Patience(Duration.ZERO, Duration.ofMillis(250)), false);
    }

    @AfterEach
    void close() {
        door.close();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "\"a\":1,\"\\u0061\":2",
                "\"context\":{\"x\":{\"y\":1,\"y\":1}}",
                "\"list\":[{\"y\":1,\"y\":1}]",
                "\"a\":\"\\udc00\"",
                "\"a\":\"\\udc00\\ud800\"",
                "\"a\":[{\"b\":\"x\\ud83d\"}]",
                "\"\\ud83d\":1",
                "\"a\":NaN",
                "\"a\":01",
                "\"a\":'b'",
                "\"a\":1,",
                "\"a\":1 /* b */",
                "\"context\":{\"list\":[1,null]}",
                "\"context\":{\"n\":1e999}",
                "\"context\":7",
                "\"context\":{\"environment\":{\"ip\":\"10.0.0.1\"}}",
                "\"context\":{\"assize\":{\"at_revision\":3}}",
                "\"context\":{\"assize\":{\"as_of\":\"2026-01-01T00:00:00Z\"}}"
            })
    void refusesWhatTwoReadersWouldReadOtherwise(String member) throws Exception {
        HttpResponse<String> answer = door.post(BASE + "evaluation", "{" + QUESTION + "," + member + "}");

        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(400);
        assertThat(answer.body()).doesNotContain("decision");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "\"a\":\"\\ud83d\\ude00\"",
                "\"\\ud83d\\ude00\":1",
                "\"a\":1e999",
                "\"a\":123456789012345678901234567890",
                "\"context\":null",
                "\"options\":{\"evaluations_semantic\":\"none\"}",
                "\"at_revision\":3"
            })
    void overlooksWhatIsWellFormedAndUnknown(String member) throws Exception {
        for (String endpoint : List.of("evaluation", "evaluations")) {
            assertThat(door.ok(endpoint, "{" + QUESTION + "," + member + "}")
                            .path("decision")
                            .booleanValue())
                    .isTrue();
            assertThat(door.fixture.decisions.lastMoment()).isInstanceOf(PointInTime.Now.class);
        }
    }

    @Test
    void deniesWhateverFails() throws Exception {
        for (RuntimeException failure : List.of(
                new PolicyStaleException(Duration.ofSeconds(61), Duration.ofSeconds(60)),
                new PolicyUnavailableException(GrpcFixture.ACME, new IllegalStateException("of the test")),
                new IllegalStateException("of the test"))) {
            door.fixture.decisions.answer(query -> {
                throw failure;
            });
            for (String body : List.of("{" + QUESTION + "}", "{" + QUESTION + ",\"evaluations\":[{},{}]}")) {
                HttpResponse<String> answer = door.post(BASE + "evaluations", body);
                assertThat(answer.statusCode()).isGreaterThanOrEqualTo(500);
                assertThat(answer.body()).doesNotContain("decision\"").doesNotContain("of the test");
            }
        }
        door.fixture.searches.fail(new IllegalStateException("of the test"));
        assertThat(door.post(BASE + "search/subject", WHO + "}").statusCode()).isEqualTo(500);
    }

    @Test
    void givesWhatWasFoundInTimeAndGoesOnFromThere() throws Exception {
        door.fixture.searches.names(5);
        door.fixture.searches.step(2);
        List<String> found = new ArrayList<>();
        List<Integer> counts = new ArrayList<>();
        String token = "";
        do {
            JsonNode page = door.ok("search/subject", WHO + ",\"page\":{\"limit\":4,\"token\":\"" + token + "\"}}");
            page.path("results").forEach(each -> found.add(each.path("id").textValue()));
            counts.add(page.at("/page/count").intValue());
            token = page.at("/page/next_token").textValue();
        } while (!token.isEmpty());

        assertThat(found).containsExactly("u000000", "u000001", "u000002", "u000003", "u000004");
        assertThat(counts).containsExactly(2, 2, 1);
    }

    @Test
    void aPageOfNothingIsAPage() throws Exception {
        door.fixture.searches.names(2);
        JsonNode page = door.ok("search/subject", WHO + ",\"page\":{\"limit\":0}}");

        assertThat(page.path("results")).isEmpty();
        assertThat(page.at("/page/count").intValue()).isZero();
        String token = page.at("/page/next_token").textValue();
        assertThat(token).isNotEmpty();
        assertThat(door.ok("search/subject", WHO + ",\"page\":{\"token\":\"" + token + "\"}}")
                        .path("results"))
                .isEmpty();
        assertThat(door.fixture.searches.calls.get()).isZero();
        assertThat(door.ok("search/subject", WHO + ",\"page\":{\"limit\":1.0}}").path("results"))
                .hasSize(1);
        assertThat(door.ok("search/subject", WHO + ",\"page\":{\"limit\":99999999999999999999}}")
                        .path("results"))
                .hasSize(2);
    }

    @Test
    void aTokenBelongsToItsRequestWithItsLimitTenantAndEndpoint() throws Exception {
        door.fixture.decisions.addTenant("other");
        door.fixture.searches.names(3);
        String first = WHO + ",\"context\":{\"a\":1,\"b\":2},\"page\":{\"limit\":1,\"properties\":{\"sort\":\"id\"}";
        String token =
                door.ok("search/subject", first + "}}").at("/page/next_token").textValue();
        String next = first + ",\"token\":\"" + token + "\"}}";

        assertThat(door.ok("search/subject", next).path("results").toString()).contains("u000001");
        assertThat(door.ok("search/subject", next.replace("\"a\":1,\"b\":2", "\"b\":2,\"a\":1"))
                        .path("results"))
                .hasSize(1);
        assertThat(door.ok("search/subject", next.replace("\"limit\":1,", "")).path("results"))
                .hasSize(1);
        for (String changed : List.of(
                next.replace("\"limit\":1", "\"limit\":2"),
                next.replace("\"sort\":\"id\"", "\"sort\":\"name\""),
                next.replace("\"a\":1", "\"a\":2"),
                next.replace("record-1", "record-2"),
                next.replace("read", "write"),
                next.replace("{\"type\":\"user\"}", "{\"type\":\"user\",\"id\":\"x\"}"),
                next.replace(token, token.substring(1)),
                next.replace(token, "x"),
                next.replace(token, "ä"))) {
            assertThat(door.post(BASE + "search/subject", changed).statusCode())
                    .as(changed)
                    .isEqualTo(400);
        }
        assertThat(door.post("/other/access/v1/search/subject", next).statusCode())
                .isEqualTo(400);
        String whole = next.replace("{\"type\":\"user\"}", "{\"type\":\"user\",\"id\":\"x\"}");
        assertThat(door.post(BASE + "search/resource", whole).statusCode()).isEqualTo(400);
        assertThat(door.post(BASE + "search/action", whole).statusCode()).isEqualTo(400);
    }

    /** As certification has it, c-4-6-2. */
    @Test
    void findsNothingOfATypeThatThereCannotBe() throws Exception {
        door.fixture.searches.names(2);
        for (String type : List.of("Space Ship", "https://example.com/ship", "", "group")) {
            String ship = "{\"type\":\"" + type + "\",\"id\":\"1\"}";
            for (String endpoint : List.of("subject", "resource", "action")) {
                JsonNode answer =
                        door.ok("search/" + endpoint, "{\"subject\":" + ship + "," + READ + "," + RECORD + "}");
                assertThat(answer.path("results")).as(type).isEmpty();
                assertThat(answer.at("/page/next_token").textValue()).isEmpty();
            }
        }
        assertThat(door.ok(
                                "search/subject",
                                "{" + SUBJECT + "," + READ + ",\"resource\":{\"type\":\"A\",\"id\":\"1\"}}")
                        .path("results"))
                .isEmpty();
        assertThat(door.fixture.searches.calls.get()).isZero();
    }

    @Test
    void givesBackTheRequestIdAlsoWhereThereIsNoPath() throws Exception {
        for (String path : List.of("/none", BASE + "evaluation", "/.well-known/authzen-configuration")) {
            for (String id : List.of("one two", "~", "x".repeat(8_000))) {
                assertThat(idsOfAnswer(path, id)).as(path).containsExactly(id);
            }
        }
    }

    @Test
    void givesBackOneRequestId() throws Exception {
        assertThat(idsOfAnswer(BASE + "evaluation", "one", "two")).containsExactly("one");
    }

    private List<String> idsOfAnswer(String path, String... ids) throws Exception {
        HttpRequest.Builder request = door.request(path);
        for (String id : ids) {
            request.header("X-Request-ID", id);
        }
        return door.send(request.GET()).headers().allValues("X-Request-ID");
    }

    /** How slow a body is, is its sender's choice, and must not be all others' trouble. */
    @Test
    void aBodyThatIsYetToComeTakesNoPlace() throws Exception {
        String body = "{" + QUESTION + "}";
        assertThat(door.post(BASE + "evaluation", body).statusCode()).isEqualTo(200);
        double before = admitted();
        List<Socket> waiting = new ArrayList<>();
        try {
            for (int i = 0; i < CONCURRENT; i++) {
                waiting.add(begin(body.length()));
            }
            while (admitted() < before + CONCURRENT) {
                Thread.onSpinWait();
            }
            assertThat(door.post(BASE + "evaluation", body).statusCode()).isEqualTo(200);
            for (Socket each : waiting) {
                assertThat(end(each, body)).startsWith("HTTP/1.1 200");
            }
        } finally {
            for (Socket each : waiting) {
                each.close();
            }
        }
    }

    /** Calls whose key was known already. */
    private double admitted() {
        return door.fixture
                .meters
                .get("assize.authentications")
                .tag("outcome", "remembered")
                .counter()
                .count();
    }

    @Test
    void worksOn256RequestsAtATime() throws Exception {
        CountDownLatch open = new CountDownLatch(1);
        door.fixture.decisions.answer(query -> {
            boolean _ = awaited(open);
            return Reason.ALLOWED;
        });
        int more = 8;
        try (ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor()) {
            CompletionService<HttpResponse<String>> answers = new ExecutorCompletionService<>(callers);
            for (int i = 0; i < CONCURRENT + more; i++) {
                answers.submit(() -> door.post(BASE + "evaluation", "{" + QUESTION + "}"));
            }
            for (int i = 0; i < more; i++) {
                HttpResponse<String> refused = answers.take().get();
                assertThat(refused.statusCode()).isEqualTo(503);
                assertThat(refused.headers().firstValue("Retry-After")).contains("1");
            }
            open.countDown();
            for (int i = 0; i < CONCURRENT; i++) {
                assertThat(answers.take().get().statusCode()).isEqualTo(200);
            }
        } finally {
            open.countDown();
        }
    }

    private static boolean awaited(CountDownLatch latch) {
        try {
            return latch.await(60, TimeUnit.SECONDS);
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    /** All of a request but its body. */
    private Socket begin(int length) throws IOException {
        Socket socket = new Socket(InetAddress.getLoopbackAddress(), door.port());
        socket.getOutputStream()
                .write(("POST " + BASE + "evaluation HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + door.key
                                + "\r\nContent-Type: application/json\r\nContent-Length: " + length + "\r\n\r\n")
                        .getBytes(US_ASCII));
        socket.getOutputStream().flush();
        return socket;
    }

    /** Sends the body; the first line of the answer. */
    private static String end(Socket socket, String body) throws IOException {
        socket.getOutputStream().write(body.getBytes(US_ASCII));
        socket.getOutputStream().flush();
        return new BufferedReader(new InputStreamReader(socket.getInputStream(), US_ASCII)).readLine();
    }
}
