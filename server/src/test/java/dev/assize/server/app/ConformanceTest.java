package dev.assize.server.app;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import dev.assize.server.cli.Credentials;
import dev.assize.server.conformance.Conformance;
import dev.assize.server.testing.TestDatabase;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/**
 * The clients of all languages by the same cases, against a real server, a network that fails and a server that answers
 * wrong; {@code client-sdk/conformance/README.md} says how. A language that is missing here is skipped by name.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ConformanceTest {

    private final TestDatabase database = TestDatabase.migrated();
    private final Server server;
    private final Conformance conformance;

    ConformanceTest(@TempDir Path directory) throws IOException {
        server = new Server(directory.resolve("home"), environment(database));
        server.start();
        conformance = new Conformance(server, directory);
    }

    @AfterAll
    void stop() {
        conformance.close();
        server.stop();
        database.close();
    }

    @TestFactory
    Stream<DynamicTest> everyClientAnswersAlike() throws IOException {
        return Stream.concat(
                Conformance.languages().stream().map(it -> DynamicTest.dynamicTest("client: " + it, () -> add(it))),
                Conformance.cases().stream()
                        .map(it -> DynamicTest.dynamicTest(
                                it.name(), () -> assertThat(conformance.run(it)).isEmpty())));
    }

    private void add(String language) {
        conformance.add(language).ifPresent(why -> abort(language + " is left out: " + why));
    }

    private static Map<String, String> environment(TestDatabase database) {
        Map<String, String> environment = new HashMap<>();
        environment.put("ASSIZE_GRPC_STOP_TIMEOUT", "1s");
        environment.putAll(database.patientEnvironment());
        return environment;
    }

    /** A server in this process, on a database that outlives it. */
    private static final class Server implements Conformance.Served {

        private final Path home;
        private final Console console;
        private @Nullable AssizeServer running;

        Server(Path home, Map<String, String> environment) {
            this.home = home;
            console = new Console(home, environment);
        }

        @Override
        public String address() {
            return requireNonNull(running).grpcAddress();
        }

        @Override
        public String adminKey() {
            return Credentials.read(home).orElseThrow().key();
        }

        @Override
        public void stop() {
            requireNonNull(running).close();
        }

        @Override
        public void start() {
            AssizeServer next = AssizeServer.of(console.config());
            next.start();
            running = next;
        }

        @Override
        public Conformance.Sidecar sidecar(String centre, String key, String tenant) {
            Path sidecarHome = home.resolveSibling("sidecar-of-" + tenant);
            AssizeSidecar started =
                    CentreFixture.sidecar(sidecarHome, CentreFixture.environment(sidecarHome, centre, key, tenant));
            return new Conformance.Sidecar() {
                @Override
                public String address() {
                    return started.grpcAddress();
                }

                @Override
                public String key() {
                    return started.localKey();
                }

                @Override
                public void close() {
                    started.close();
                }
            };
        }
    }
}
