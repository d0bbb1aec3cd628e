package dev.assize.server.app;

import static dev.assize.server.app.CentreFixture.with;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.proto.v1.CheckRequest;
import dev.assize.proto.v1.DecisionServiceGrpc;
import dev.assize.proto.v1.Reason;
import dev.assize.server.testing.TestCertificate;
import dev.assize.server.upstream.UpstreamRefusedException;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.TlsChannelCredentials;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A centre that wants a certificate of each caller, a sidecar that has one, and callers on its Unix socket. */
@Timeout(120)
class SidecarTlsTest {

    private static final String POLICY = """
            apiVersion: assize.dev/v1
            kind: Tenant
            metadata: {name: acme}
            spec: {environments: [default]}
            ---
            apiVersion: assize.dev/v1
            kind: RoleBinding
            metadata: {tenant: assize, name: sidecars}
            spec: {subjects: ["service:sidecar"], role: sidecar, fromTenant: acme}
            """;

    @Test
    void eachKnowsTheOtherByItsCertificate(@TempDir Path directory) throws Exception {
        TestCertificate its = certificate(directory, "centre", "assize.test");
        TestCertificate own = certificate(directory, "sidecar", "sidecar.test");
        TestCertificate strangers = certificate(directory, "stranger", "assize.test");
        Map<String, String> more = Map.of(
                "ASSIZE_GRPC_TLS_CERTIFICATE", its.certificate().toString(),
                "ASSIZE_GRPC_TLS_KEY", its.key().toString(),
                "ASSIZE_GRPC_TLS_CLIENT_CA", own.certificate().toString());
        try (CentreFixture centre = new CentreFixture(
                directory,
                more,
                TlsChannelCredentials.newBuilder()
                        .trustManager(its.certificate().toFile())
                        .keyManager(own.certificate().toFile(), own.key().toFile())
                        .build())) {
            centre.apply(POLICY);
            commandsShowACertificate(directory, centre, its, own, strangers);
            Path home = centre.home();
            Map<String, String> environment = centre.environment(home, centre.key("acme"), "acme");
            environment.remove("ASSIZE_UPSTREAM_TLS");
            environment.put("ASSIZE_UPSTREAM_SERVER_NAME", "assize.test");
            environment.put("ASSIZE_UPSTREAM_CA", its.certificate().toString());
            environment.put("ASSIZE_UPSTREAM_CERTIFICATE", own.certificate().toString());
            environment.put("ASSIZE_UPSTREAM_PRIVATE_KEY", own.key().toString());
            Path socket = home.resolve("s");
            environment.put("ASSIZE_GRPC_UNIX_SOCKET", socket.toString());
            environment.put("ASSIZE_GRPC_UNIX_SOCKET_MODE", "0660");

            Map<String, String> trustsOthers = new HashMap<>(environment);
            trustsOthers.put("ASSIZE_UPSTREAM_CA", strangers.certificate().toString());
            assertThatThrownBy(() -> CentreFixture.sidecar(home, trustsOthers).close())
                    .isInstanceOf(UpstreamRefusedException.class)
                    .hasMessageContaining("certificate");
            Map<String, String> expectsAnother = new HashMap<>(environment);
            expectsAnother.put("ASSIZE_UPSTREAM_SERVER_NAME", "other.test");
            assertThatThrownBy(() -> CentreFixture.sidecar(home, expectsAnother).close())
                    .isInstanceOf(UpstreamRefusedException.class)
                    .hasMessageContaining("certificate");

            try (AssizeSidecar sidecar = CentreFixture.sidecar(home, environment)) {
                assertThat(Files.getPosixFilePermissions(socket))
                        .isEqualTo(PosixFilePermissions.fromString("rw-rw----"));
                assertThat(check(sidecar, "unix:" + socket)).isEqualTo(Reason.REASON_NO_GRANT);
            }

            Map<String, String> asAStranger = new HashMap<>(environment);
            asAStranger.put(
                    "ASSIZE_UPSTREAM_CERTIFICATE", strangers.certificate().toString());
            asAStranger.put("ASSIZE_UPSTREAM_PRIVATE_KEY", strangers.key().toString());
            try (AssizeSidecar sidecar = CentreFixture.sidecar(home, asAStranger)) {
                assertThatThrownBy(() -> check(sidecar, "unix:" + socket)).hasMessageContaining("fresh");
            } catch (UpstreamRefusedException alsoRight) {
                assertThat(alsoRight).hasMessageContaining("certificate");
            }
        }
    }

    /** By the channel of their own, as `check` has, and by a client's, as `audit append` has. */
    private static void commandsShowACertificate(
            Path directory, CentreFixture centre, TestCertificate its, TestCertificate own, TestCertificate strangers) {
        Console console = new Console(directory.resolve("operator"), Map.of("ASSIZE_KEY", centre.admin()));
        String where = " --tenant acme --server " + centre.address() + " --ca " + its.certificate()
                + " --server-name assize.test";
        String append = "audit append --type seen --action see --resource vault:1 --outcome success" + where;
        String check = "check user:alice vault:1 read" + where;

        for (String refused : List.of(check, check + shown(strangers))) {
            assertThat(run(console, refused)).isEqualTo(1);
            assertThat(console.err()).contains("--client-certificate").hasLineCount(1);
        }
        assertThat(run(console, check + " --client-key " + own.key())).isEqualTo(2);
        assertThat(console.err()).contains("--client-certificate");
        assertThat(run(console, check + shown(own))).as(console.err()).isEqualTo(3);
        assertThat(run(console, append + shown(own))).as(console.err()).isZero();
    }

    private static String shown(TestCertificate certificate) {
        return " --client-certificate " + certificate.certificate() + " --client-key " + certificate.key();
    }

    private static int run(Console console, String command) {
        return console.run(command.split(" "));
    }

    private static TestCertificate certificate(Path directory, String name, String host) throws Exception {
        return TestCertificate.make(Files.createDirectory(directory.resolve(name + "-certificate")), "dns:" + host);
    }

    private static Reason check(AssizeSidecar sidecar, String address) {
        ManagedChannel channel = Grpc.newChannelBuilder(address, InsecureChannelCredentials.create())
                .build();
        try {
            return with(DecisionServiceGrpc.newBlockingStub(channel), sidecar.localKey())
                    .check(CheckRequest.newBuilder()
                            .setTenant("acme")
                            .setSubject("user:alice")
                            .setResource("vault:1")
                            .setAction("read")
                            .build())
                    .getReason();
        } finally {
            channel.shutdownNow();
        }
    }
}
