package dev.assize.server.endpoint.operations;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpExchange;
import dev.assize.server.testing.TestCertificate;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The operator's port with a certificate. */
@Timeout(60)
class OperationsTlsTest {

    @TempDir
    Path directory;

    @Test
    void opensNoPortWithoutACertificateAndItsKey() throws Exception {
        TestCertificate own = TestCertificate.make(directory, "ip:127.0.0.1");
        TestCertificate other = TestCertificate.make(directory, "ip:127.0.0.1", "RSA");
        Path empty = Files.writeString(directory.resolve("empty.pem"), "");
        Path none = directory.resolve("none.pem");

        refuses(none, own.key(), "http.tls.certificate: `" + none + "`", "no such file");
        refuses(empty, own.key(), "http.tls.certificate", "none in it");
        refuses(own.key(), own.key(), "http.tls.certificate");
        refuses(own.certificate(), none, "http.tls.key: `" + none + "`", "no such file");
        refuses(own.certificate(), empty, "http.tls.key", "PKCS #8");
        refuses(own.certificate(), own.certificate(), "http.tls.key", "openssl pkcs8");
        refuses(own.certificate(), other.key(), "http.tls.key");
        refuses(other.certificate(), own.key(), "http.tls.key");
        TestCertificate another =
                TestCertificate.make(Files.createDirectory(directory.resolve("another")), "ip:127.0.0.1");
        refuses(another.certificate(), own.key(), "the key is of another certificate");
    }

    private static void refuses(Path certificate, Path key, String... why) {
        OperationsServer server = server(certificate, key);
        assertThatThrownBy(server::start)
                .isInstanceOf(OperationsStartException.class)
                .hasMessageContainingAll(why)
                .message()
                .hasLineCount(1)
                .doesNotContain("BEGIN");
        server.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"EC", "RSA", "Ed25519"})
    void answersOnlyWhoSpeaksTls(String algorithm) throws Exception {
        TestCertificate own = TestCertificate.make(directory, "ip:127.0.0.1", algorithm);
        try (OperationsServer server = server(own.certificate(), own.key());
                HttpClient client =
                        HttpClient.newBuilder().sslContext(own.trusted()).build()) {
            server.start();
            assertThat(get(client, server, "/livez").body()).isEqualTo("ok\n");
            assertThat(get(client, server, "/metrics").statusCode()).isEqualTo(200);
            assertThat(get(client, server, "/other").headers().firstValue("Other"))
                    .contains("GET");
            try (Socket plain = new Socket(InetAddress.getLoopbackAddress(), server.port())) {
                plain.getOutputStream().write("GET /livez HTTP/1.1\r\nHost: x\r\n\r\n".getBytes(US_ASCII));
                assertThat(new String(plain.getInputStream().readAllBytes(), ISO_8859_1))
                        .doesNotContain("HTTP/1.1", "ok");
            }
            try (SSLSocket old = (SSLSocket)
                    own.trusted().getSocketFactory().createSocket(InetAddress.getLoopbackAddress(), server.port())) {
                old.setEnabledProtocols(new String[] {"TLSv1.1"});
                assertThatThrownBy(old::startHandshake).isInstanceOf(SSLException.class);
            }
            try (HttpClient stranger = HttpClient.newHttpClient()) {
                assertThatThrownBy(() -> get(stranger, server, "/livez")).isInstanceOf(SSLException.class);
            }
        }
    }

    private static HttpResponse<String> get(HttpClient client, OperationsServer server, String path) throws Exception {
        return client.send(
                HttpRequest.newBuilder(URI.create("https://127.0.0.1:" + server.port() + path))
                        .build(),
                HttpResponse.BodyHandlers.ofString());
    }

    private static OperationsServer server(Path certificate, Path key) {
        return new OperationsServer(
                new OperationsConfig("127.0.0.1", 0, new OperationsConfig.Tls(certificate, key)),
                new PrometheusMeterRegistry(PrometheusConfig.DEFAULT),
                List.of(),
                OperationsTlsTest::other);
    }

    private static void other(HttpExchange exchange) throws IOException {
        exchange.getResponseHeaders().set("Other", exchange.getRequestMethod());
        exchange.sendResponseHeaders(404, -1);
    }
}
