package dev.assize.server.app;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.cli.Credentials;
import dev.assize.server.cli.ServerTrust;
import dev.assize.server.testing.InMemory;
import dev.assize.server.testing.TestCertificate;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A server that speaks TLS only, with a certificate for a name that is not where it is reached. */
class TlsTest {

    private static final String QUESTION = "{\"subject\":{\"type\":\"user\",\"id\":\"alice\"},"
            + "\"action\":{\"name\":\"read\"},\"resource\":{\"type\":\"incident\",\"id\":\"1\"}}";
    private static final String CHECK = "check user:alice incident:1 read --tenant assize";

    @Test
    void commandsAndTheTourSpeakTls(@TempDir(factory = InMemory.class) Path directory) throws Exception {
        TestCertificate own = TestCertificate.make(directory, "dns:assize.test");
        String certificate = own.certificate().toString();
        Path home = directory.resolve("home");
        Console console = new Console(
                home,
                Map.of(
                        "ASSIZE_GRPC_TLS_CERTIFICATE",
                        certificate,
                        "ASSIZE_GRPC_TLS_KEY",
                        own.key().toString(),
                        "ASSIZE_HTTP_TLS_CERTIFICATE",
                        certificate,
                        "ASSIZE_HTTP_TLS_KEY",
                        own.key().toString()));

        assertThat(console.run("quickstart", "--exit"))
                .as(console.out() + console.err())
                .isZero();

        try (AssizeServer server = AssizeServer.of(console.config())) {
            server.start();
            answersOverHttps(server, own);
            assertThat(Credentials.read(home).orElseThrow().trust())
                    .isEqualTo(new ServerTrust.Tls(Path.of(certificate), "assize.test", null));
            assertThat(run(console, CHECK)).as(console.err()).isEqualTo(3);
            assertThat(run(console, CHECK + " --ca " + certificate + " --server-name assize.test"))
                    .as(console.err())
                    .isEqualTo(3);

            assertThat(run(console, CHECK + " --ca " + certificate)).isEqualTo(1);
            assertThat(console.err()).contains("certificate").hasLineCount(1);
            assertThat(run(console, CHECK + " --tls")).isEqualTo(1);
            assertThat(console.err()).contains("certificate").hasLineCount(1);
            assertThat(run(console, CHECK + " --ca " + directory.resolve("none.crt")))
                    .isEqualTo(1);
            assertThat(console.err()).contains("none.crt").hasLineCount(1);

            String key = Credentials.read(home).orElseThrow().key();
            Console elsewhere = new Console(directory.resolve("elsewhere"), Map.of("ASSIZE_KEY", key));
            assertThat(run(elsewhere, CHECK + " --server " + server.grpcAddress()))
                    .isEqualTo(1);
            assertThat(elsewhere.err()).contains("--tls").hasLineCount(1);
        }
    }

    /** Health, meters and AuthZEN alike. */
    private static void answersOverHttps(AssizeServer server, TestCertificate own) throws Exception {
        assertThat(https(server, own, "GET /livez", ""))
                .startsWith("HTTP/1.1 200")
                .endsWith("ok\n");
        assertThat(https(server, own, "GET /readyz", ""))
                .startsWith("HTTP/1.1 200")
                .contains("database: ok");
        assertThat(https(server, own, "GET /metrics", "")).contains("assize_authzen");
        assertThat(https(server, own, "POST /assize/access/v1/evaluation", QUESTION))
                .startsWith("HTTP/1.1 200")
                .contains("{\"decision\":false,");
        try (Socket plain = new Socket(InetAddress.getLoopbackAddress(), httpPort(server))) {
            plain.getOutputStream().write("GET /livez HTTP/1.1\r\nHost: x\r\n\r\n".getBytes(US_ASCII));
            assertThat(new String(plain.getInputStream().readAllBytes(), ISO_8859_1))
                    .doesNotContain("HTTP/1.1", "ok");
        }
    }

    /** All that is answered to a request on a connection of its own, which trusts the one certificate. */
    private static String https(AssizeServer server, TestCertificate own, String line, String body) throws Exception {
        try (Socket socket =
                own.trusted().getSocketFactory().createSocket(InetAddress.getLoopbackAddress(), httpPort(server))) {
            socket.getOutputStream()
                    .write((line + " HTTP/1.1\r\nHost: assize.test\r\nConnection: close\r\nAuthorization: Bearer "
                                    + server.administrator().key()
                                    + "\r\nContent-Type: application/json\r\nContent-Length: " + body.length()
                                    + "\r\n\r\n" + body)
                            .getBytes(US_ASCII));
            socket.getOutputStream().flush();
            return new String(socket.getInputStream().readAllBytes(), UTF_8);
        }
    }

    private static int httpPort(AssizeServer server) {
        String address = server.operationsAddress();
        return Integer.parseInt(address.substring(address.lastIndexOf(':') + 1));
    }

    private static int run(Console console, String command) {
        return console.run(command.split(" "));
    }
}
