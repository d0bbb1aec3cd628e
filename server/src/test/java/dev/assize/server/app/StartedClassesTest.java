package dev.assize.server.app;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.client.AssizeClient;
import dev.assize.client.Question;
import dev.assize.server.cli.Credentials;
import dev.assize.server.testing.TestDatabase;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * What a server has loaded that was started before and has answered a check: nothing of the libraries that only some of its
 * work needs, each of which makes every start slower and every server larger.
 */
@Timeout(600)
class StartedClassesTest {

    /**
     * What begins the names of classes of commands, typed SQL, migrations, object stores, trust in others' certificates, and
     * events that nobody records.
     */
    private static final List<String> OTHERS = List.of(
            "picocli.",
            "org.jooq.impl.DSL ",
            "dev.assize.server.storage.generated.Tables ",
            "org.flywaydb.core.Flyway ",
            "software.amazon.",
            "sun.security.ssl.TrustManagerFactoryImpl",
            "jdk.internal.net.http.HttpClientImpl",
            "jdk.jfr.internal.MetadataRepository ");

    @Test
    void hasNothingOfWhatOnlyOtherWorkNeeds(@TempDir Path home) throws IOException {
        try (TestDatabase database = TestDatabase.migrated()) {
            Map<String, String> environment = new HashMap<>();
            environment.putAll(database.environment());
            environment.put("ASSIZE_HOME", home.toString());
            environment.put("ASSIZE_GRPC_PORT", "0");
            environment.put("ASSIZE_HTTP_PORT", "0");
            environment.put("ASSIZE_GRPC_WARM_UP", "200ms");
            TestNode.shortLived(environment).close();

            Path loaded = home.resolve("loaded");
            environment.put("JDK_JAVA_OPTIONS", "-Xlog:class+load:file=" + loaded + ":none");
            try (TestNode node = TestNode.shortLived(environment)) {
                check(node, Credentials.read(home).orElseThrow().key());
            }

            assertThat(loaded).content().contains("dev.assize.server.app.AssizeServer ");
            try (Stream<String> classes = Files.lines(loaded)) {
                assertThat(classes.filter(StartedClassesTest::isOfOthers)).isEmpty();
            }
        }
    }

    private static void check(TestNode node, String key) {
        try (AssizeClient client = AssizeClient.builder()
                .target(node.address())
                .plaintext()
                .apiKey(key)
                .build()) {
            assertThat(client.check(Question.of("user:nobody", "tenant:assize/policy", "read")
                                    .inTenant("assize"))
                            .allowed())
                    .isFalse();
        }
    }

    private static boolean isOfOthers(String line) {
        return OTHERS.stream().anyMatch(line::startsWith);
    }
}
