package dev.assize.server.app;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.client.AssizeClient;
import dev.assize.client.AuditQuery;
import dev.assize.server.cli.Credentials;
import dev.assize.server.conformance.Balancer;
import dev.assize.server.conformance.LoadedClient;
import dev.assize.server.testing.TestDatabase;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Three nodes on one database behind a balancer of connections, each restarted in turn while clients ask and append: no call
 * fails, none is tried more than twice, and every event is in the ledger once.
 *
 * <p>In the suite once around within one process, with the Java client. As a proof of its own, with three processes and the
 * clients of all languages, which then must be there:
 *
 * <pre>{@code
 * mvn -o -pl server -am test -Dtest=RollingRestartTest -Dsurefire.failIfNoSpecifiedTests=false \
 *     -Dassize.test.rolling.rounds=5 -Dassize.test.rolling.processes=true \
 *     -Dassize.test.rolling.languages=java,python,typescript,go
 * }</pre>
 */
@Timeout(1_800)
class RollingRestartTest {

    private static final int NODES = 3;
    private static final int ROUNDS = Integer.getInteger("assize.test.rolling.rounds", 1);
    private static final boolean PROCESSES = Boolean.getBoolean("assize.test.rolling.processes");
    private static final List<String> LANGUAGES =
            List.of(System.getProperty("assize.test.rolling.languages", "java").split(",", -1));

    /** What each client does between two restarts, at the least. */
    private static final int CHECKS = 200;

    /** What a node may take until it is ready, on a machine with much else to do. */
    private static final Duration LONGEST_START = Duration.ofMinutes(3);

    private static final String TENANT = "rolling";

    private final TestDatabase database = TestDatabase.migrated();
    private final Balancer balancer = new Balancer();
    private final List<TestNode> nodes = new ArrayList<>();
    private final List<LoadedClient> clients = new ArrayList<>();
    private final List<Thread> load = new ArrayList<>();
    private final AtomicBoolean over = new AtomicBoolean();
    private Path directory = Path.of("");
    private String adminKey = "";

    @BeforeEach
    void start(@TempDir Path temporary) throws IOException {
        directory = temporary;
        for (int i = 0; i < NODES; i++) {
            nodes.add(node(i));
        }
        adminKey = Credentials.read(directory.resolve("node-0")).orElseThrow().key();
        String key = LoadedClient.prepare(nodes.getFirst().address(), adminKey, TENANT);
        for (String language : LANGUAGES) {
            clients.add(LoadedClient.open(language, balancer.address(), key, TENANT));
        }
    }

    @AfterEach
    void stop() throws InterruptedException {
        over.set(true);
        for (Thread thread : load) {
            thread.join();
        }
        clients.forEach(LoadedClient::close);
        nodes.forEach(TestNode::close);
        balancer.close();
        database.close();
    }

    @Test
    void noCallFailsAndNoneIsTriedMoreThanTwice() throws Exception {
        clients.forEach(client -> load.add(Thread.ofPlatform().daemon().start(() -> client.run(() -> !over.get()))));
        awaitProgress();
        for (int round = 0; round < ROUNDS; round++) {
            for (int i = 0; i < NODES; i++) {
                nodes.get(i).close();
                nodes.set(i, node(i));
                awaitProgress();
            }
        }
        over.set(true);
        for (Thread thread : load) {
            thread.join();
        }
        for (LoadedClient client : clients) {
            System.out.printf(
                    "%s: %d checks, %d appends, %d failed, over %d restarts%n",
                    client.language(),
                    client.checks(),
                    client.appends(),
                    client.failures().size(),
                    ROUNDS * NODES);
        }
        assertThat(clients).allSatisfy(client -> assertThat(client.failures()).isEmpty());
        assertThat(entries())
                .isEqualTo(clients.stream().mapToLong(LoadedClient::appends).sum());
    }

    /** A node that the balancer knows and finds ready. */
    private TestNode node(int i) throws IOException {
        TestNode node = PROCESSES ? TestNode.process(environment(i)) : TestNode.inside(environment(i));
        balancer.lead("node-" + i, node.address(), node.operations());
        long end = System.nanoTime() + LONGEST_START.toNanos();
        while (!balancer.isReady("node-" + i)) {
            if (System.nanoTime() > end) {
                node.close();
                throw new IllegalStateException("node-" + i + " does not become ready");
            }
            rest();
        }
        return node;
    }

    /** Until every client has had so many answers more, or has noted a failure. */
    private void awaitProgress() {
        for (LoadedClient client : clients) {
            int before = client.checks();
            while (client.checks() < before + CHECKS && client.failures().isEmpty()) {
                rest();
            }
        }
    }

    private long entries() {
        try (AssizeClient admin = AssizeClient.builder()
                .target(nodes.getFirst().address())
                .plaintext()
                .apiKey(adminKey)
                .tenant(TENANT)
                .build()) {
            return StreamSupport.stream(
                            admin.queryAudit(AuditQuery.ALL.ofType(LoadedClient.EVENT))
                                    .spliterator(),
                            false)
                    .count();
        }
    }

    private Map<String, String> environment(int i) {
        Map<String, String> environment = new HashMap<>();
        environment.put("ASSIZE_HOME", directory.resolve("node-" + i).toString());
        environment.put("ASSIZE_NODE_NAME", "node-" + i);
        environment.put("ASSIZE_GRPC_PORT", "0");
        environment.put("ASSIZE_HTTP_PORT", "0");
        environment.put("ASSIZE_GRPC_WARM_UP", PROCESSES ? "1s" : "0s");
        // Longer than the balancer needs to notice.
        environment.put("ASSIZE_GRPC_DRAIN_DELAY", "500ms");
        environment.putAll(database.environment());
        environment.put("ASSIZE_DATABASE_POOL_SIZE", "8");
        environment.put(
                "ASSIZE_AUTHENTICATION_PEPPER_FILE", directory.resolve("pepper").toString());
        environment.put(
                "ASSIZE_LEDGER_SIGNING_KEYS", directory.resolve("signing-keys").toString());
        environment.put("ASSIZE_ANCHOR_DIRECTORY", directory.resolve("anchor").toString());
        return environment;
    }

    private static void rest() {
        LockSupport.parkNanos(Duration.ofMillis(20).toNanos());
    }
}
