package dev.assize.server.app;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.app.ServedCommands.Served;
import dev.assize.server.testing.InMemory;
import dev.assize.server.testing.TestDatabase;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** The commands against a real server, with its own PostgreSQL, over TCP; by what they are about. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ServedCommandsTest {

    private final Path home;
    private final Console console;
    private final AssizeServer server;
    private final Served served;

    ServedCommandsTest(@TempDir(factory = InMemory.class) Path directory) {
        home = directory.resolve("home of assize");
        console = new Console(home, Map.of("ASSIZE_TENANT", "acme"));
        server = AssizeServer.of(console.config());
        served = new Served(home, console, server);
    }

    @BeforeAll
    void start() throws IOException {
        server.start();
        Path file = Files.writeString(home.resolve("policy.yaml"), ServedCommands.POLICY);
        assertThat(console.run("policy", "apply", file.toString(), "--reason", "first"))
                .as(console.err())
                .isZero();
    }

    @AfterAll
    void stop() {
        server.close();
    }

    @Test
    void checksAndExplains() {
        assertThat(console.run("check", "user:alice", "replay:1", "execute", "--env", "staging"))
                .isZero();
        assertThat(console.out()).startsWith("ALLOW  ALLOWED");
        assertThat(console.run("check", "user:alice", "replay:1", "execute", "--env", "production"))
                .isEqualTo(3);
        assertThat(console.out()).startsWith("DENY  OUT_OF_SCOPE");
        assertThat(console.run("explain", "user:alice", "replay:1", "execute", "--env", "production"))
                .isEqualTo(3);
        assertThat(console.out()).contains("[out of scope] binding noc gives role operator", "policy.yaml:");
        assertThat(console.run("check", "user:alice", "replay 1", "execute")).isEqualTo(2);
        assertThat(console.err()).contains("replay 1").hasLineCount(1);
    }

    @Test
    void isReadyAndMeasured() throws Exception {
        console.run("check", "user:alice", "replay:1", "execute", "--env", "staging");
        assertThat(served.get("/readyz"))
                .isEqualTo("database: ok\n"
                        + "policy: ok\n"
                        + "clock: ok\n"
                        + "anchor: ok\n"
                        + "ledgers: ok\n"
                        + "stored policy: ok\n"
                        + "partitions: ok\n"
                        + "break-glass: ok\n"
                        + "grpc: ok\n");
        assertThat(served.get("/metrics")).contains("assize_", "jvm_memory_used_bytes");
    }

    @Test
    void aSecondServerOnTheSameDirectoryIsRefused() {
        assertThat(console.run("serve")).isEqualTo(1);
        assertThat(console.err()).contains("is in use by another server").hasLineCount(1);
    }

    @Test
    void aPortInUseIsNamed(@TempDir Path other) {
        String taken = server.grpcAddress().substring("127.0.0.1:".length());
        try (TestDatabase database = TestDatabase.migrated()) {
            Map<String, String> environment = new HashMap<>(database.environment());
            environment.put("ASSIZE_GRPC_PORT", taken);
            Console second = new Console(other, environment);

            assertThat(second.run("serve")).isEqualTo(1);
            assertThat(second.err()).contains("cannot listen on 127.0.0.1:" + taken, "grpc.port");
        }
    }

    @Test
    void aReadablePepperIsOneLineToo(@TempDir Path other) throws IOException {
        Files.createFile(
                other.resolve("pepper"),
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-r--r--")));

        Console second = new Console(other, Map.of());

        assertThat(second.run("serve")).isEqualTo(1);
        assertThat(second.err()).contains("pepper", "chmod 600").hasLineCount(1);
    }

    @Test
    void aMappingForEnvoyThatCannotBeReadIsNamed(@TempDir Path other) throws IOException {
        Path mapping = Files.writeString(other.resolve("mapping.yaml"), "tenant: shop\nsubject: []\n");
        Console second = new Console(other.resolve("home"), Map.of("ASSIZE_ENVOY_MAPPING_FILE", mapping.toString()));

        assertThat(second.run("serve")).isEqualTo(1);
        assertThat(second.err()).contains(mapping + ":2:1: subject").contains("subjects: missing");
        Files.delete(mapping);
        assertThat(second.run("serve")).isEqualTo(1);
        assertThat(second.err())
                .contains("envoy.mappingFile: cannot read " + mapping)
                .hasLineCount(1);
    }

    @Nested
    class Ledgers extends ServedLedgerCommands {
        Ledgers() {
            super(served);
        }
    }

    @Nested
    class Policies extends ServedPolicyCommands {
        Policies() {
            super(served);
        }
    }

    @Nested
    class Proposals extends ServedProposalCommands {
        Proposals() {
            super(served);
        }
    }

    @Nested
    class Keys extends ServedKeyCommands {
        Keys() {
            super(served);
        }
    }

    @Nested
    class Grants extends ServedGrantCommands {
        Grants() {
            super(served);
        }
    }

    @Nested
    class Tenants extends ServedTenantCommands {
        Tenants() {
            super(served);
        }
    }
}
