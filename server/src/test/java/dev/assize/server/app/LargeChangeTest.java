package dev.assize.server.app;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.proto.v1.CheckRequest;
import dev.assize.proto.v1.CheckResponse;
import dev.assize.proto.v1.Decision;
import dev.assize.proto.v1.DecisionServiceGrpc;
import dev.assize.server.cli.Credentials;
import dev.assize.server.testing.TestDatabase;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.Metadata;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.MetadataUtils;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;

/**
 * One change of many documents, from the command line, to a server with little memory, which ends where that is not enough:
 * too large for every build, run with {@code -Dassize.change.documents=100000}.
 */
@Timeout(1_800)
@EnabledIfSystemProperty(named = "assize.change.documents", matches = "[1-9][0-9]*")
class LargeChangeTest {

    private static final int DOCUMENTS = Integer.getInteger("assize.change.documents", 0);

    /** Of the server. */
    private static final int HEAP_MEBIBYTES = Integer.getInteger("assize.change.heap", 512);

    private static final String WORLD = """
        {apiVersion: assize.dev/v1, kind: Tenant, metadata: {name: acme}, spec: {environments: [default]}}
        ---
        {apiVersion: assize.dev/v1, kind: Role, metadata: {tenant: acme, name: reader},
          spec: {permissions: [{resources: [doc], actions: [read]}]}}
        """;

    @Test
    void isMadeInBoundedMemoryAndLeavesNothingWhereItsLastDocumentFails(@TempDir Path home) throws Exception {
        try (TestDatabase database = TestDatabase.migrated();
                TestNode node = TestNode.process(environment(database, home), HEAP_MEBIBYTES)) {
            Console console = new Console(home, Map.of("ASSIZE_TENANT", "acme"));
            applied(console, Files.writeString(home.resolve("world.yaml"), WORLD));
            String before = state(console);

            Path failing = written(home.resolve("failing.yaml"), "nobody");
            assertThat(console.run("policy", "apply", failing.toString(), "--progress"))
                    .isOne();
            assertThat(console.err()).contains("failing.yaml:" + DOCUMENTS + ":", "nobody");
            assertThat(state(console)).isEqualTo(before);

            long start = System.nanoTime();
            applied(console, written(home.resolve("many.yaml"), "reader"));
            System.out.printf(
                    "%d documents in one change, with a heap of %d MiB: %.1f s%n",
                    DOCUMENTS, HEAP_MEBIBYTES, (System.nanoTime() - start) / 1e9);
            assertThat(console.out()).contains("tenant acme: revision 1 -> 2", "+ RoleBinding/b" + (DOCUMENTS - 1));
            assertThat(console.err())
                    .contains(
                            "] 50% " + DOCUMENTS / 2 + "/" + DOCUMENTS,
                            "] 100% " + DOCUMENTS + "/" + DOCUMENTS,
                            DOCUMENTS + " documents sent; the server judges them");
            start = System.nanoTime();
            CheckResponse answer =
                    served(node, Credentials.read(home).orElseThrow().key());
            System.out.printf("and answered from %.1f s later%n", (System.nanoTime() - start) / 1e9);
            assertThat(answer.getDecision()).isEqualTo(Decision.DECISION_ALLOW);
            assertThat(answer.getRevision()).isEqualTo(2);
        }
    }

    private static void applied(Console console, Path file) {
        assertThat(console.run("policy", "apply", file.toString(), "--progress"))
                .as(console.err())
                .isZero();
    }

    /** The revisions, the documents and the entries that there are. */
    private static String state(Console console) {
        StringBuilder state = new StringBuilder();
        for (String[] what : new String[][] {{"policy", "history"}, {"policy", "export"}, {"audit", "verify"}}) {
            assertThat(console.run(what)).as(console.err()).isZero();
            state.append(console.out());
        }
        return state.toString();
    }

    /** A binding a line, the last one to another role. */
    private static Path written(Path file, String lastRole) throws IOException {
        try (BufferedWriter to = Files.newBufferedWriter(file)) {
            for (int i = 0; i < DOCUMENTS; i++) {
                to.write("--- {apiVersion: assize.dev/v1, kind: RoleBinding, metadata: {tenant: acme, name: b" + i
                        + "}, spec: {subjects: ['user:u" + i + "'], role: "
                        + (i < DOCUMENTS - 1 ? "reader" : lastRole) + "}}\n");
            }
        }
        return file;
    }

    /** The first question about a large policy may come before it is compiled, and is told so, and nothing else. */
    private static CheckResponse served(TestNode node, String key) {
        CheckRequest request = CheckRequest.newBuilder()
                .setTenant("acme")
                .setSubject("user:u" + (DOCUMENTS - 1))
                .setAction("read")
                .setResource("doc:1")
                .setMinRevision(2)
                .build();
        Metadata headers = new Metadata();
        headers.put(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), "Bearer " + key);
        ManagedChannel channel =
                ManagedChannelBuilder.forTarget(node.address()).usePlaintext().build();
        try {
            while (true) {
                try {
                    return DecisionServiceGrpc.newBlockingStub(channel)
                            .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers))
                            .check(request);
                } catch (StatusRuntimeException refused) {
                    assertThat(Objects.requireNonNull(StatusProto.fromThrowable(refused))
                                    .getDetailsList())
                            .as(refused.getMessage())
                            .anyMatch(detail -> detail.toString().contains("POLICY_LOADING"));
                }
            }
        } finally {
            channel.shutdownNow();
        }
    }

    private static Map<String, String> environment(TestDatabase database, Path home) {
        Map<String, String> environment = new HashMap<>();
        environment.put("ASSIZE_HOME", home.toString());
        environment.put("ASSIZE_GRPC_PORT", "0");
        environment.put("ASSIZE_GRPC_WARM_UP", "0s");
        environment.put("ASSIZE_HTTP_PORT", "0");
        environment.putAll(database.environment());
        environment.put("ASSIZE_DATABASE_STATEMENT_TIMEOUT", "60s");
        return environment;
    }
}
