package dev.assize.server.endpoint.operations;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpExchange;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The JDK reads its bounds of slowness once in a process, so that this one has a process of its own. */
@Timeout(60)
class SlowRequestTest {

    private static final String HEAD = "POST /other HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\n";

    @Test
    void whatDoesNotArriveIsCutOffAndKeepsNobodyElseAway() throws Exception {
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home", ""), "bin", "java")
                                .toString(),
                        "-XX:TieredStopAtLevel=1",
                        "-Dsun.net.httpserver.maxReqTime=1",
                        "-cp",
                        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path", "")),
                        SlowRequestTest.class.getName())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        try (BufferedReader out = new BufferedReader(new InputStreamReader(process.getInputStream(), US_ASCII))) {
            int port = Integer.parseInt(Objects.requireNonNull(out.readLine()));
            try (Socket slowBody = connect(port, HEAD + "ab");
                    Socket slowHead = connect(port, HEAD.substring(0, 20));
                    Socket whole = connect(port, HEAD + "abcd")) {
                assertThat(answer(whole)).startsWith("HTTP/1.1 200");
                assertThat(answer(slowBody)).isEmpty();
                assertThat(answer(slowHead)).isEmpty();
            }
        } finally {
            process.destroyForcibly().waitFor();
        }
    }

    private static Socket connect(int port, String text) throws IOException {
        Socket socket = new Socket(InetAddress.getLoopbackAddress(), port);
        socket.getOutputStream().write(text.getBytes(US_ASCII));
        socket.getOutputStream().flush();
        return socket;
    }

    /** The first line; nothing where the connection ends without one. */
    private static String answer(Socket socket) throws IOException {
        String line = new BufferedReader(new InputStreamReader(socket.getInputStream(), US_ASCII)).readLine();
        return line == null ? "" : line;
    }

    /** Serves until it is killed. */
    public static void main(String[] args) {
        OperationsServer server = new OperationsServer(
                new OperationsConfig("127.0.0.1", 0, null),
                new PrometheusMeterRegistry(PrometheusConfig.DEFAULT),
                List.of(),
                SlowRequestTest::echo);
        server.start();
        System.out.println(server.port());
    }

    private static void echo(HttpExchange exchange) throws IOException {
        byte[] body = exchange.getRequestBody().readAllBytes();
        exchange.sendResponseHeaders(200, body.length);
        exchange.getResponseBody().write(body);
    }
}
