package dev.assize.server.app;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.net.SocketFactory;

/** The real Envoy, in a process of its own, on ports that it finds itself. */
final class Envoy implements AutoCloseable {

    private static final Duration LONGEST_START = Duration.ofSeconds(60);

    private final Process process;
    private final Path log;
    private final String admin;
    private final int port;
    private final SocketFactory sockets;

    private Envoy(Process process, Path log, String admin, int port, SocketFactory sockets) {
        this.process = process;
        this.log = log;
        this.admin = admin;
        this.port = port;
        this.sockets = sockets;
    }

    /** The one that `ASSIZE_ENVOY` names, or that `.ci/envoy` has fetched, or the first on the path. */
    static Optional<Path> find() {
        String named = System.getenv("ASSIZE_ENVOY");
        if (named != null) {
            return Optional.of(Path.of(named));
        }
        Path fetched = Path.of("..", "target", "envoy", "envoy");
        Stream<Path> onThePath = Pattern.compile(File.pathSeparator)
                .splitAsStream(System.getenv().getOrDefault("PATH", ""))
                .map(directory -> Path.of(directory, "envoy"));
        return Stream.concat(Stream.of(fetched), onThePath)
                .filter(Files::isExecutable)
                .findFirst();
    }

    /** Starts it with a configuration whose admin port and one listener's port are 0. */
    static Envoy start(Path directory, String config) throws Exception {
        Path home = Files.createTempDirectory(directory, "envoy");
        Path log = home.resolve("log");
        Path address = home.resolve("admin");
        Process process = new ProcessBuilder(
                        find().orElseThrow().toString(),
                        "--config-path",
                        Files.writeString(home.resolve("envoy.yaml"), config).toString(),
                        "--admin-address-path",
                        address.toString(),
                        "--concurrency",
                        "1",
                        "--use-dynamic-base-id",
                        "--log-level",
                        "warning",
                        "--drain-time-s",
                        "1")
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        try {
            return awaitStart(process, log, address);
        } catch (IOException | RuntimeException | InterruptedException failure) {
            process.destroyForcibly();
            throw failure;
        }
    }

    private static Envoy awaitStart(Process process, Path log, Path address) throws IOException, InterruptedException {
        Instant end = Instant.now().plus(LONGEST_START);
        while (process.isAlive() && Instant.now().isBefore(end)) {
            String admin = Files.exists(address) ? Files.readString(address) : "";
            if (!admin.isEmpty() && get(admin, "/ready").equals("LIVE\n")) {
                JsonNode listeners = new ObjectMapper().readTree(get(admin, "/listeners?format=json"));
                int port = listeners
                        .at("/listener_statuses/0/local_address/socket_address/port_value")
                        .intValue();
                return new Envoy(process, log, admin, port, SocketFactory.getDefault());
            }
            process.waitFor(20, TimeUnit.MILLISECONDS);
        }
        throw new IllegalStateException("Envoy does not start: " + Files.readString(log));
    }

    /** The same one, reached otherwise. */
    Envoy over(SocketFactory others) {
        return new Envoy(process, log, admin, port, others);
    }

    /** One request as it stands, byte by byte, on a connection of its own. */
    RawHttp.Answer send(String method, String target, String... headers) throws IOException {
        return sendBody(method, target, "", headers);
    }

    /** The same with a body. */
    RawHttp.Answer sendBody(String method, String target, String body, String... headers) throws IOException {
        return RawHttp.send(sockets, port, method, target, body, headers);
    }

    /** A counter of its own. */
    long counted(String name) throws IOException, InterruptedException {
        return get(admin, "/stats?filter=" + name.replace(".", "%5C.") + "$")
                .lines()
                .mapToLong(line -> Long.parseLong(line.substring(line.lastIndexOf(' ') + 1)))
                .sum();
    }

    /** What it has written until it had nothing more to write. */
    String accessLog() throws IOException, InterruptedException {
        process.destroy();
        process.waitFor();
        return Files.readString(log, UTF_8);
    }

    private static String get(String admin, String path) throws IOException, InterruptedException {
        try (HttpClient client = HttpClient.newHttpClient()) {
            return client.send(
                            HttpRequest.newBuilder(URI.create("http://" + admin + path))
                                    .build(),
                            HttpResponse.BodyHandlers.ofString())
                    .body();
        }
    }

    @Override
    public void close() {
        process.destroy();
        try {
            if (!process.waitFor(10, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }
}
