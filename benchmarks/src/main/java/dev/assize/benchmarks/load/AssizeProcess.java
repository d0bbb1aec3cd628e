package dev.assize.benchmarks.load;

import dev.assize.client.AssizeClient;
import dev.assize.client.PolicyChange;
import dev.assize.server.cli.Credentials;
import io.grpc.netty.shaded.io.netty.channel.unix.DomainSocketAddress;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslContext;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.SocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Assize itself, as it is started by whoever uses it, with its data in a scratch directory. */
final class AssizeProcess implements ServerUnderTest {

    static final String READY = "Ctrl-C stops it.";

    private static final KeyFile ADMINISTRATORS =
            home -> Credentials.read(home).orElseThrow().key();

    /** Written with one change. */
    private static final int PARTS_OF_A_CHANGE = 500;

    /** A server that has just started may take long over its first answer, and that is to be seen. */
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private final String name;
    private final Path home;
    private final Launch launch;
    private final @Nullable SslContext tls;
    private final int port = freePort();
    private final int httpPort = freePort();
    private final Map<String, String> settings;

    private JavaProcess process;

    /** The administrator's, or that of a sidecar's callers, which the first start writes down. */
    private final String key;

    private AssizeProcess(
            String name,
            Path home,
            Launch launch,
            Map<String, String> settings,
            @Nullable SslContext tls,
            KeyFile keyFile)
            throws IOException {
        this.name = name;
        this.home = home;
        this.launch = launch;
        this.tls = tls;
        this.settings = new HashMap<>(settings);
        this.process = startFirst();
        this.key = keyFile.read(home);
    }

    /**
     * Starts one on a directory of its own.
     *
     * @param settings variables of its configuration, as `ASSIZE_DECISION_CACHE_BYTES`
     */
    static AssizeProcess start(String name, Launch launch, Map<String, String> settings) throws IOException {
        return new AssizeProcess(
                name, Files.createTempDirectory("assize-load"), launch, settings, null, ADMINISTRATORS);
    }

    /** Starts a sidecar of another one, for some of its tenants. */
    static AssizeProcess startSidecar(Launch launch, AssizeProcess centre, List<String> tenants) throws IOException {
        Path home = Files.createTempDirectory("assize-load");
        Files.writeString(
                Files.createFile(
                        home.resolve("upstream-key"),
                        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"))),
                SidecarKey.make(centre, tenants));
        return new AssizeProcess(
                "sidecar",
                home,
                launch,
                Map.of(
                        "ASSIZE_UPSTREAM_ADDRESS",
                        "127.0.0.1:" + centre.port,
                        "ASSIZE_UPSTREAM_TENANTS",
                        String.join(",", tenants),
                        "ASSIZE_UPSTREAM_TLS",
                        "false"),
                null,
                directory -> Files.readString(directory.resolve("local-key")).strip());
    }

    static AssizeProcess startWithTls(String name, Launch launch, OwnTls tls) throws IOException {
        return new AssizeProcess(
                name,
                Files.createTempDirectory("assize-load"),
                launch,
                Map.of(
                        "ASSIZE_GRPC_TLS_CERTIFICATE", tls.certificate().toString(),
                        "ASSIZE_GRPC_TLS_KEY", tls.key().toString()),
                tls.client(),
                ADMINISTRATORS);
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public Endpoint endpoint() {
        return new Endpoint(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), tls, key);
    }

    /** The same server by its Unix socket, which was among its settings. */
    ServerUnderTest byUnixSocket(String path) {
        return new OtherWay(this, new DomainSocketAddress(path));
    }

    @Override
    public long pid() {
        return process.pid();
    }

    @Override
    public double databaseSeconds(ProcessorTime processors) {
        try (Stream<String> lines = Files.lines(home.resolve("postgres/data/postmaster.pid"))) {
            return lines.findFirst()
                    .map(String::strip)
                    .map(pid -> processors.ofFamily(Long.parseLong(pid)))
                    .orElse(0.0);
        } catch (IOException | UncheckedIOException | NumberFormatException notHere) {
            return 0;
        }
    }

    @Override
    public Workload workload(Workload asked) {
        return asked;
    }

    /** Writes the policy of a world. */
    void load(Departments world) {
        List<PolicyChange.Part> parts = parts(world);
        try (AssizeClient client = client()) {
            for (int first = 0; first < parts.size(); first += PARTS_OF_A_CHANGE) {
                int end = Math.min(parts.size(), first + PARTS_OF_A_CHANGE);
                client.policy().apply(PolicyChange.of(parts.subList(first, end), "load"));
            }
        }
    }

    /** Writes documents. */
    void apply(byte[] yaml) {
        try (AssizeClient client = client()) {
            client.policy().apply(PolicyChange.of(List.of(new PolicyChange.Put("", 1, yaml)), "load"));
        }
    }

    /** The sum of all values of a meter, 0 where it has none yet. */
    double meter(String meter) throws IOException, InterruptedException {
        return meter(line -> line.startsWith(meter + " ") || line.startsWith(meter + "{"));
    }

    private double meter(Predicate<String> wanted) throws IOException, InterruptedException {
        try (HttpClient http = HttpClient.newHttpClient()) {
            String text = http.send(
                            HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + httpPort + "/metrics"))
                                    .build(),
                            HttpResponse.BodyHandlers.ofString())
                    .body();
            return text.lines()
                    .filter(wanted)
                    .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
                    .sum();
        }
    }

    /** What is left of its heap after a collection. */
    long heapBytes() throws IOException, InterruptedException {
        Process collection = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "jcmd").toString(),
                        Long.toString(pid()),
                        "GC.run")
                .redirectErrorStream(true)
                .start();
        String said = new String(collection.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (collection.waitFor() != 0) {
            throw new IOException("the server's heap cannot be collected: " + said);
        }
        return (long) meter(line -> line.startsWith("jvm_memory_used_bytes{") && line.contains("area=\"heap\""));
    }

    /** Stops it, its own PostgreSQL included. */
    void stop() {
        process.close();
    }

    /** Starts it again on the same data, with these settings besides. */
    void startAgain(Map<String, String> moreSettings) throws IOException {
        settings.putAll(moreSettings);
        beginAgain();
        awaitReady();
    }

    /** Starts it again on the same data; it is not ready when this returns. */
    void beginAgain() throws IOException {
        process = begin();
    }

    /** Returns when it says that it is ready. */
    void awaitReady() throws IOException {
        process.awaitReady(line -> line.startsWith(READY));
    }

    @Override
    public void close() throws IOException {
        process.close();
        Scratch.delete(home);
    }

    /** One that does not start leaves nothing behind. */
    private JavaProcess startFirst() throws IOException {
        try {
            JavaProcess begun = begin();
            begun.awaitReady(line -> line.startsWith(READY));
            return begun;
        } catch (IOException failure) {
            Scratch.delete(home);
            throw failure;
        }
    }

    private JavaProcess begin() throws IOException {
        Map<String, String> environment = new HashMap<>(settings);
        environment.put("ASSIZE_HOME", home.toString());
        environment.put("ASSIZE_GRPC_PORT", Integer.toString(port));
        environment.put("ASSIZE_HTTP_PORT", Integer.toString(httpPort));
        environment.putAll(launch.environment());
        return JavaProcess.begin(launch.command(), environment, home.resolve("server.log"));
    }

    /** With the key that it wrote down. */
    AssizeClient client() {
        return client(true);
    }

    /**
     * The same.
     *
     * @param batching whether its checks travel together
     */
    AssizeClient client(boolean batching) {
        AssizeClient.Builder builder = AssizeClient.builder()
                .target("localhost:" + port)
                .apiKey(key)
                .batching(batching)
                .checkDeadline(PATIENCE);
        return (tls == null
                        ? builder.plaintext()
                        : builder.trustedCertificates(Path.of(settings.get("ASSIZE_GRPC_TLS_CERTIFICATE"))))
                .build();
    }

    /** Each tenant's own document before its departments, of which one part has eight. */
    private static List<PolicyChange.Part> parts(Departments world) {
        List<PolicyChange.Part> parts = new ArrayList<>();
        for (int tenant = 0; tenant < world.tenants(); tenant++) {
            parts.add(new PolicyChange.Put("", 1, world.tenantYaml(tenant)));
            for (int department = 0; department < world.departments(); department++) {
                parts.add(new PolicyChange.Put("", 1, world.yaml(tenant, department)));
            }
        }
        return parts;
    }

    static int freePort() throws IOException {
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return free.getLocalPort();
        }
    }

    /** Where the key is found that a start writes down. */
    @FunctionalInterface
    private interface KeyFile {

        String read(Path home) throws IOException;
    }

    /**
     * How it is started.
     *
     * @param command without its settings
     * @param environment what the launcher takes besides
     */
    record Launch(List<String> command, Map<String, String> environment) {

        /** By the launcher where there is one, as users do, or else by its main class. */
        static Launch of(Cores cores, List<String> flags, List<String> options, @Nullable Path launcher) {
            if (launcher != null) {
                List<String> command = new ArrayList<>(cores.prefix());
                command.addAll(List.of(launcher.toString(), "serve"));
                return new Launch(command, Map.of("ASSIZE_JAVA_OPTS", String.join(" ", options)));
            }
            List<String> all = new ArrayList<>(flags);
            all.add(BareProcess.FEW_BUFFERS_FOLLOWED);
            all.addAll(options);
            List<String> command = JavaProcess.command(cores, all, "dev.assize.server.app.Main");
            command.add("serve");
            return new Launch(command, Map.of());
        }
    }

    private record OtherWay(AssizeProcess server, SocketAddress address) implements ServerUnderTest {

        @Override
        public String name() {
            return server.name();
        }

        @Override
        public Endpoint endpoint() {
            return new Endpoint(address, null, server.key);
        }

        @Override
        public long pid() {
            return server.pid();
        }

        @Override
        public double databaseSeconds(ProcessorTime processors) {
            return server.databaseSeconds(processors);
        }

        @Override
        public Workload workload(Workload asked) {
            return asked;
        }

        @Override
        public void close() {}
    }
}
