package dev.assize.server.app;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.assize.client.ledger.VerifierKey;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The witness as its operator starts it. */
class WitnessCommandTest {

    /** Both from docs/ledger-format.md and Go's note package: a key of a log, and one of a witness. */
    private static final String LOG = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";

    private static final String WITNESS = "witness.example.com+03cd26e6+BCmsuuFBvMrwsi4alNNNC8c2HlJtC/4SyJeUvJMilm3X";

    @TempDir
    private Path directory;

    private Path home;
    private Console console;

    @BeforeEach
    void prepare() {
        home = directory.resolve("witness");
        console = new Console(directory.resolve("assize"), Map.of());
    }

    @Test
    void makesItsKeyAndServes() throws Exception {
        JsonNode first = serve("--name", "witness.example.com/1");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(home.resolve("key"))))
                .isEqualTo("rw-------");
        VerifierKey key = VerifierKey.parse(first.get("verifierKey").asText());
        assertThat(key.name()).isEqualTo("witness.example.com/1");
        assertThat(key.isWitness()).isTrue();
        assertThat(serve().get("verifierKey")).as("the same again").isEqualTo(first.get("verifierKey"));
    }

    @Test
    void refusesWhatMakesNoSense() {
        assertThat(run("--log", "no key")).isEqualTo(2);
        assertThat(console.err()).contains("--log", "no key");
        assertThat(run("--log", WITNESS)).isEqualTo(2);
        assertThat(console.err()).contains("a witness's key");
        assertThat(run("--log", LOG + "@")).isEqualTo(2);
        assertThat(run("--log", LOG, "--port", "70000")).isEqualTo(2);
        assertThat(run()).isEqualTo(2);
        assertThat(home).doesNotExist();
    }

    @Test
    void refusesAKeyThatOthersCanRead() throws Exception {
        JsonNode _ = serve();
        Files.setPosixFilePermissions(home.resolve("key"), PosixFilePermissions.fromString("rw-r--r--"));
        assertThat(run("--log", LOG)).isEqualTo(1);
        assertThat(console.err()).contains("chmod 600").hasLineCount(1);
    }

    @Test
    void refusesAnotherNameThanItsKeyHas() throws Exception {
        JsonNode _ = serve();
        assertThat(run("--log", LOG, "--name", "somebody.else")).isEqualTo(1);
        assertThat(console.err()).contains("somebody.else").hasLineCount(1);
    }

    private int run(String... options) {
        String[] command = new String[options.length + 4];
        System.arraycopy(new String[] {"witness", "serve", "--home", home.toString()}, 0, command, 0, 4);
        System.arraycopy(options, 0, command, 4, options.length);
        return console.run(command);
    }

    /** What it prints; it is asked once and stopped. */
    private JsonNode serve(String... options) throws Exception {
        String[] all = new String[options.length + 6];
        System.arraycopy(new String[] {"--log", LOG, "--port", "0", "--output", "json"}, 0, all, 0, 6);
        System.arraycopy(options, 0, all, 6, options.length);
        Console own = new Console(directory.resolve("assize"), Map.of());
        console = own;
        Thread serving = Thread.ofPlatform().start(() -> run(all));
        try {
            long deadline = System.nanoTime() + Duration.ofSeconds(30).toNanos();
            while (!own.out().endsWith("}\n") && serving.isAlive() && System.nanoTime() < deadline) {
                LockSupport.parkNanos(Duration.ofMillis(5).toNanos());
            }
            assertThat(own.out()).as(own.err()).isNotEmpty();
            JsonNode printed = new ObjectMapper().readTree(own.out());
            assertThat(statusOf(printed.get("url").asText() + "/" + "0".repeat(64) + "/checkpoint"))
                    .isEqualTo(404);
            return printed;
        } finally {
            serving.interrupt();
            serving.join();
        }
    }

    private static int statusOf(String url) throws Exception {
        try (HttpClient http = HttpClient.newHttpClient()) {
            return http.send(HttpRequest.newBuilder(URI.create(url)).build(), BodyHandlers.discarding())
                    .statusCode();
        }
    }
}
