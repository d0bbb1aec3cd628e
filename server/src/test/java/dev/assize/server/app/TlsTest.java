package dev.assize.server.app;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.cli.Credentials;
import dev.assize.server.cli.ServerTrust;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.util.Base64;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A server that speaks TLS only, with a certificate for a name that is not where it is reached. */
class TlsTest {

    private static final String PASSWORD = "of the test";
    private static final String CHECK = "check user:alice incident:1 read --tenant assize";

    @Test
    void commandsAndTheTourSpeakTls(@TempDir Path directory) throws Exception {
        makeCertificate(directory);
        String certificate = directory.resolve("tls.crt").toString();
        Path home = directory.resolve("home");
        Console console = new Console(
                home,
                Map.of(
                        "ASSIZE_GRPC_TLS_CERTIFICATE",
                        certificate,
                        "ASSIZE_GRPC_TLS_KEY",
                        directory.resolve("tls.key").toString()));

        assertThat(console.run("quickstart", "--exit"))
                .as(console.out() + console.err())
                .isZero();

        try (AssizeServer server = AssizeServer.of(console.config())) {
            server.start();
            assertThat(Credentials.read(home).orElseThrow().trust())
                    .isEqualTo(new ServerTrust.Tls(Path.of(certificate), "assize.test"));
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

    private static int run(Console console, String command) {
        return console.run(command.split(" "));
    }

    private static void makeCertificate(Path directory) throws Exception {
        Path store = directory.resolve("store.p12");
        Process keytool = new ProcessBuilder(
                        Path.of(System.getProperty("java.home", ""), "bin", "keytool")
                                .toString(),
                        "-genkeypair",
                        "-alias",
                        "server",
                        "-keyalg",
                        "EC",
                        "-dname",
                        "CN=assize",
                        "-ext",
                        "san=dns:assize.test",
                        "-storetype",
                        "PKCS12",
                        "-storepass",
                        PASSWORD,
                        "-keystore",
                        store.toString())
                .redirectErrorStream(true)
                .redirectOutput(directory.resolve("keytool.log").toFile())
                .start();
        assertThat(keytool.waitFor(1, TimeUnit.MINUTES)).isTrue();
        KeyStore keys = KeyStore.getInstance("PKCS12");
        try (InputStream in = Files.newInputStream(store)) {
            keys.load(in, PASSWORD.toCharArray());
        }
        writePem(
                directory.resolve("tls.crt"),
                "CERTIFICATE",
                keys.getCertificate("server").getEncoded());
        writePem(
                directory.resolve("tls.key"),
                "PRIVATE KEY",
                keys.getKey("server", PASSWORD.toCharArray()).getEncoded());
    }

    private static void writePem(Path file, String label, byte[] content) throws Exception {
        String body = Base64.getMimeEncoder(64, "\n".getBytes(StandardCharsets.US_ASCII))
                .encodeToString(content);
        Files.writeString(file, "-----BEGIN " + label + "-----\n" + body + "\n-----END " + label + "-----\n");
    }
}
