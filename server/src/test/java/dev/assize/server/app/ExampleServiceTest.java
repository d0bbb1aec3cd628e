package dev.assize.server.app;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.testing.InMemory;
import dev.assize.server.testing.TestDatabase;
import java.io.BufferedReader;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The example service of the Java client, started as its first lines say, before a real server. */
class ExampleServiceTest {

    private static final Path EXAMPLE = Path.of("..", "client-sdk", "java", "examples", "tickets");
    private static final String SAYS = "tickets at ";

    private final HttpClient http = HttpClient.newHttpClient();

    @Test
    void protectsItselfAndRecordsWhatItChanges(@TempDir(factory = InMemory.class) Path directory) throws Exception {
        TestDatabase database = TestDatabase.migrated();
        Console console = new Console(directory.resolve("home"), database.environment());
        AssizeServer server = AssizeServer.of(console.config());
        server.start();
        try {
            run(console, "policy", "apply", EXAMPLE.resolve("policy.yaml").toString(), "--reason", "example");
            run(console, "key", "create", "--tenant", "assize", "--subject", "service:tickets", "--tenants", "support");
            String key = console.out().strip();
            Process service = start(server.grpcAddress(), key);
            try (BufferedReader said = service.inputReader()) {
                String base = line(said).substring(SAYS.length());
                refuses(base);
                serves(base);
                assertThat(line(said)).startsWith("the customer is told: ");
            } finally {
                service.destroyForcibly().waitFor();
            }
            run(console, "audit", "list", "--tenant", "support", "--type", "ticket.written");
            assertThat(console.out()).contains("user:alice", "ticket:7").doesNotContain("user:bob");
            run(console, "audit", "list", "--tenant", "support", "--type", "ticket.closed");
            assertThat(console.out()).contains("user:alice", "ticket:7");
        } finally {
            server.close();
            database.close();
        }
    }

    private void refuses(String base) throws Exception {
        assertThat(ask(base, "PUT", "/tickets/7", "").statusCode()).isEqualTo(401);
        assertThat(ask(base, "PUT", "/tickets/7", "unknown").statusCode()).isEqualTo(401);
        HttpResponse<String> denied = ask(base, "PUT", "/tickets/7", "secret2");
        assertThat(denied.statusCode()).isEqualTo(403);
        assertThat(denied.headers().firstValue("Assize-Decision-Id")).isPresent();
        for (String path : new String[] {"/", "/tickets", "/tickets/7/8", "/tickets/7%2F8", "/tickets//7"}) {
            assertThat(ask(base, "GET", path, "secret1").statusCode()).as(path).isEqualTo(403);
        }
    }

    private void serves(String base) throws Exception {
        assertThat(ask(base, "GET", "/health", "").body()).isEqualTo("well");
        assertThat(ask(base, "GET", "/tickets/7", "secret2").statusCode()).isEqualTo(404);
        assertThat(ask(base, "PUT", "/tickets/7", "secret1").statusCode()).isEqualTo(204);
        assertThat(ask(base, "GET", "/tickets/7", "secret2").body()).isEqualTo("the printer is on fire");
        assertThat(ask(base, "DELETE", "/tickets/7", "secret1").statusCode()).isEqualTo(204);
    }

    private static void run(Console console, String... command) {
        assertThat(console.run(command)).as(console.out() + console.err()).isZero();
    }

    private static Process start(String server, String key) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(
                Path.of(System.getProperty("java.home", ""), "bin", "java").toString(),
                "--class-path",
                System.getProperty("surefire.test.class.path", System.getProperty("java.class.path", "")),
                EXAMPLE.resolve("Tickets.java").toString());
        builder.environment().put("ASSIZE_SERVER", server);
        builder.environment().put("ASSIZE_KEY", key);
        builder.environment().put("TICKETS_PORT", "0");
        builder.environment().put("TICKETS_SESSIONS", "secret1=user:alice,secret2=user:bob");
        return builder.redirectError(ProcessBuilder.Redirect.INHERIT).start();
    }

    private static String line(BufferedReader said) throws Exception {
        return CompletableFuture.supplyAsync(() -> said.lines().findFirst().orElse("its output ended"))
                .get(1, TimeUnit.MINUTES);
    }

    /** Asks again where the service says that it cannot say now, as it may while it starts on a machine that is busy. */
    private HttpResponse<String> ask(String base, String method, String path, String token) throws Exception {
        long end = System.nanoTime() + TimeUnit.MINUTES.toNanos(1);
        HttpResponse<String> answer;
        do {
            answer = askOnce(base, method, path, token);
        } while (answer.statusCode() == 503 && System.nanoTime() < end);
        return answer;
    }

    private HttpResponse<String> askOnce(String base, String method, String path, String token) throws Exception {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(base + path))
                .method(method, HttpRequest.BodyPublishers.ofString("the printer is on fire"));
        if (!token.isEmpty()) {
            request.header("Authorization", "Bearer " + token);
        }
        return http.send(request.build(), HttpResponse.BodyHandlers.ofString());
    }
}
