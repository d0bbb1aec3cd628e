package dev.assize.benchmarks;

import dev.assize.client.AssizeClient;
import dev.assize.server.cli.Credentials;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/** A server of the hammer's own, in a process of its own that can be killed, with its data in a scratch directory. */
final class HammeredServer implements AutoCloseable {

    private static final String READY = "Ctrl-C stops it.";

    private final Path home;
    private final int port;
    private Process process;

    private HammeredServer(Path home, int port) throws IOException {
        this.home = home;
        this.port = port;
        this.process = launch();
    }

    /** Starts one that knows a tenant. */
    static HammeredServer start(String tenant) throws IOException, InterruptedException {
        HammeredServer server = new HammeredServer(Files.createTempDirectory("assize-bench"), freePort());
        Path policy = server.home.resolve("tenant.yaml");
        Files.writeString(policy, """
                apiVersion: assize.dev/v1
                kind: Tenant
                metadata: {name: %s}
                spec: {environments: [default]}
                """.formatted(tenant));
        int exitCode =
                server.command("policy", "apply", policy.toString()).start().waitFor();
        if (exitCode != 0) {
            server.close();
            throw new IOException("tenant `" + tenant + "` cannot be made: assize policy apply says " + exitCode);
        }
        return server;
    }

    private static int freePort() throws IOException {
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return free.getLocalPort();
        }
    }

    /** Where it is and who may do everything there. */
    AssizeClient.Builder client() {
        Credentials administrator = Credentials.read(home).orElseThrow();
        return AssizeClient.builder().target(administrator.server()).plaintext().apiKey(administrator.key());
    }

    /** SIGKILL, and a new process on the same data; PostgreSQL goes on until the new one takes it over. */
    void killServer() throws IOException, InterruptedException {
        process.toHandle().destroyForcibly();
        process.waitFor();
        process = launch();
    }

    /** SIGKILL; the server starts it again. False where none runs at the moment. */
    boolean killPostgres() throws InterruptedException {
        Optional<ProcessHandle> postmaster = postmaster();
        postmaster.ifPresent(ProcessHandle::destroyForcibly);
        return postmaster.isPresent();
    }

    @Override
    public void close() throws IOException {
        process.destroy();
        try {
            process.waitFor();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        try (Stream<Path> files = Files.walk(home)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        }
    }

    private Optional<ProcessHandle> postmaster() {
        try (Stream<String> lines = Files.lines(home.resolve("postgres/data/postmaster.pid"))) {
            return lines.findFirst().map(String::strip).map(Long::valueOf).flatMap(ProcessHandle::of);
        } catch (IOException | NumberFormatException e) {
            return Optional.empty();
        }
    }

    private Process launch() throws IOException {
        Process launched = command("serve").start();
        BufferedReader out =
                new BufferedReader(new InputStreamReader(launched.getInputStream(), StandardCharsets.UTF_8));
        for (String line = out.readLine(); line == null || !line.startsWith(READY); line = out.readLine()) {
            if (line == null) {
                throw new IOException("the server does not start: see " + home.resolve("server.log"));
            }
        }
        // A platform thread, as in the load driver's children: see there.
        var _ = Thread.ofPlatform().daemon().name("drain-" + launched.pid()).start(() -> drain(out));
        return launched;
    }

    private ProcessBuilder command(String... words) {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "--sun-misc-unsafe-memory-access=allow",
                "-XX:+UseCompactObjectHeaders",
                "-cp",
                System.getProperty("java.class.path"),
                "dev.assize.server.app.Main"));
        command.addAll(List.of(words));
        ProcessBuilder builder = new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.appendTo(
                        home.resolve("server.log").toFile()));
        builder.environment()
                .putAll(Map.of(
                        "ASSIZE_HOME", home.toString(),
                        "ASSIZE_GRPC_PORT", Integer.toString(port),
                        "ASSIZE_HTTP_PORT", "0"));
        return builder;
    }

    private static void drain(BufferedReader out) {
        try {
            while (out.readLine() != null) {
                // A full pipe would stop the server.
            }
        } catch (IOException e) {
            // It was killed.
        }
    }
}
