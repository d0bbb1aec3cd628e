package dev.assize.server.app;

import static dev.assize.server.app.CentreFixture.with;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.proto.v1.CheckRequest;
import dev.assize.proto.v1.DecisionServiceGrpc;
import dev.assize.proto.v1.Reason;
import dev.assize.server.storage.DatabaseAccess;
import dev.assize.server.testing.TestDatabase;
import dev.assize.server.upstream.UpstreamRefusedException;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.Statement;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A centre whose database is put back to what it was: what was revoked since would be granted again. */
@Timeout(240)
class SidecarRollbackTest {

    private static final String POLICY = """
            apiVersion: assize.dev/v1
            kind: Tenant
            metadata: {name: acme}
            spec: {environments: [default]}
            ---
            apiVersion: assize.dev/v1
            kind: Role
            metadata: {tenant: acme, name: reader}
            spec: {permissions: [{resources: [vault], actions: [read]}]}
            ---
            apiVersion: assize.dev/v1
            kind: RoleBinding
            metadata: {tenant: acme, name: readers}
            spec: {subjects: ["user:alice"], role: reader}
            ---
            apiVersion: assize.dev/v1
            kind: RoleBinding
            metadata: {tenant: assize, name: sidecars}
            spec: {subjects: ["service:sidecar"], role: sidecar, fromTenant: acme}
            """;

    private static final String STOP = """
            apiVersion: assize.dev/v1
            kind: Freeze
            metadata: {tenant: acme, name: stop}
            spec: {subject: "user:alice", reason: shown}
            """;

    @Test
    void anOlderStateIsRefusedUntilAnOperatorSaysOtherwise(@TempDir Path directory) throws Exception {
        try (CentreFixture centre = new CentreFixture(directory)) {
            centre.apply(POLICY);
            Path home = centre.home();
            Map<String, String> environment = centre.environment(home, centre.key("acme"), "acme");
            centre.stop();
            TestDatabase backup = centre.copy();
            centre.startAgain();

            try (AssizeSidecar sidecar = CentreFixture.sidecar(home, environment)) {
                assertThat(reason(sidecar)).isEqualTo("REASON_ALLOWED");
                var _ = centre.apply(STOP);
                await(sidecar, "REASON_FROZEN");
                centre.stop();
                centre.restore(backup);
                centre.startAgain();
                await(sidecar, "UNAVAILABLE");
            }
            assertThatThrownBy(() -> CentreFixture.sidecar(home, environment).close())
                    .isInstanceOf(UpstreamRefusedException.class)
                    .hasMessageContaining("not in this history");

            Files.delete(home.resolve("policy-seen").resolve("acme"));
            try (AssizeSidecar sidecar = CentreFixture.sidecar(home, environment)) {
                assertThat(reason(sidecar)).isEqualTo("REASON_ALLOWED");
            }
        }
    }

    /** What compares revisions alone would take what was there at a revision for what is there now. */
    @Test
    void anOlderStateOfALaterIncarnationIsTakenByARestartedSidecarOnly(@TempDir Path directory) throws Exception {
        try (CentreFixture centre = new CentreFixture(directory)) {
            centre.apply(POLICY);
            Path home = centre.home();
            Map<String, String> environment = centre.environment(home, centre.key("acme"), "acme");
            centre.stop();
            TestDatabase backup = centre.copy();
            centre.startAgain();

            try (AssizeSidecar sidecar = CentreFixture.sidecar(home, environment)) {
                var _ = centre.apply(STOP);
                await(sidecar, "REASON_FROZEN");
                centre.stop();
                beginAnew(backup);
                centre.restore(backup);
                centre.startAgain();
                long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
                while (!ready(sidecar).contains("restart this sidecar") && System.nanoTime() < deadline) {
                    assertThat(reason(sidecar)).isIn("REASON_FROZEN", "UNAVAILABLE");
                    LockSupport.parkNanos(50_000_000);
                }
                assertThat(ready(sidecar)).contains("restart this sidecar");
                assertThat(reason(sidecar)).isEqualTo("UNAVAILABLE");
            }
            try (AssizeSidecar sidecar = CentreFixture.sidecar(home, environment)) {
                assertThat(reason(sidecar)).isEqualTo("REASON_ALLOWED");
            }
        }
    }

    private static void beginAnew(TestDatabase database) throws Exception {
        DatabaseAccess access = database.superuser();
        try (Connection connection = DriverManager.getConnection(access.url(), access.user(), access.password());
                Statement statement = connection.createStatement()) {
            statement.execute("SET session_replication_role = replica");
            statement.execute("UPDATE assize.ledger_head SET incarnation = incarnation + 1");
        }
    }

    private static String ready(AssizeSidecar sidecar) throws Exception {
        try (HttpClient client = HttpClient.newHttpClient()) {
            return client.send(
                            HttpRequest.newBuilder(URI.create("http://" + sidecar.operationsAddress() + "/readyz"))
                                    .build(),
                            HttpResponse.BodyHandlers.ofString())
                    .body();
        }
    }

    private static void await(AssizeSidecar sidecar, String reason) {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        String last = reason(sidecar);
        while (!last.equals(reason) && System.nanoTime() < deadline) {
            // What was frozen never is allowed again on the way.
            LockSupport.parkNanos(50_000_000);
            last = reason(sidecar);
        }
        assertThat(last).isEqualTo(reason);
    }

    private static String reason(AssizeSidecar sidecar) {
        ManagedChannel channel = CentreFixture.channel(sidecar.grpcAddress());
        try {
            Reason reason = with(DecisionServiceGrpc.newBlockingStub(channel), sidecar.localKey())
                    .check(CheckRequest.newBuilder()
                            .setTenant("acme")
                            .setSubject("user:alice")
                            .setResource("vault:1")
                            .setAction("read")
                            .build())
                    .getReason();
            return reason.name();
        } catch (StatusRuntimeException failure) {
            return failure.getStatus().getCode().name();
        } finally {
            channel.shutdownNow();
        }
    }
}
