package dev.assize.server.app;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.inject.util.Modules;
import dev.assize.server.testing.TestDatabase;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A server whose clock is not the database's. */
@Timeout(120)
class ClockTest {

    private final AtomicReference<Duration> ahead = new AtomicReference<>(Duration.ofSeconds(20));

    @Test
    void aServerWhoseClockIsMoreThanTwoSecondsOffIsNotReadyUntilItIsSetRight(@TempDir Path home) throws Exception {
        try (TestDatabase database = TestDatabase.migrated();
                HttpClient client = HttpClient.newHttpClient()) {
            ServerConfig config = ServerConfig.of(
                    home, Settings.read(home.resolve("assize.yaml"), false, environment(database, home)));
            InstantSource clock = () -> Instant.now().plus(ahead.get());
            try (AssizeServer server = AssizeServer.of(
                    config,
                    Modules.override(new ServerModule(config))
                            .with(binder -> binder.bind(InstantSource.class).toInstance(clock)))) {
                server.start();

                HttpResponse<String> fast = awaited(client, server, "off the database");
                assertThat(fast.statusCode()).isEqualTo(503);
                assertThat(fast.body())
                        .containsPattern("clock: (19|20)\\.\\d+ s off the database's, expected at most 2 s")
                        .contains("database: ok", "policy: ok");
                ahead.set(Duration.ofSeconds(-20));
                assertThat(awaited(client, server, "clock: -").statusCode()).isEqualTo(503);
                ahead.set(Duration.ofMillis(1_500));
                assertThat(awaited(client, server, "clock: ok").statusCode()).isEqualTo(200);
            }
        }
    }

    /** As soon as it answers so: the clocks are compared with each poll. */
    private static HttpResponse<String> awaited(HttpClient client, AssizeServer server, String line) throws Exception {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        HttpRequest request = HttpRequest.newBuilder(URI.create("http://" + server.operationsAddress() + "/readyz"))
                .build();
        while (true) {
            HttpResponse<String> response = client.send(request, BodyHandlers.ofString());
            if (response.body().contains(line) || System.nanoTime() > deadline) {
                return response;
            }
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(20));
        }
    }

    private static Map<String, String> environment(TestDatabase database, Path home) {
        Map<String, String> environment = new HashMap<>();
        environment.put("ASSIZE_HOME", home.toString());
        environment.put("ASSIZE_GRPC_PORT", "0");
        environment.put("ASSIZE_GRPC_WARM_UP", "0s");
        environment.put("ASSIZE_HTTP_PORT", "0");
        environment.putAll(database.environment());
        environment.put("ASSIZE_DECISION_POLL_INTERVAL", "250ms");
        return environment;
    }
}
