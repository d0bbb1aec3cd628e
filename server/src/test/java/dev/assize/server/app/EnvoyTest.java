package dev.assize.server.app;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.sun.net.httpserver.HttpServer;
import dev.assize.server.testing.InMemory;
import dev.assize.server.testing.TestDatabase;
import java.io.IOException;
import java.math.BigInteger;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.Signature;
import java.security.interfaces.RSAPublicKey;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/**
 * The page on Envoy with the real Envoy: its policy, its mapping and its configuration, with other ports and another key.
 * Skipped where there is no Envoy; `.ci/envoy` fetches one.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class EnvoyTest {

    private static final Path PAGE = Path.of("..", "docs", "envoy.md");
    private static final String SPOOFED = "x-assize-subject: user:root";

    private final AtomicInteger served = new AtomicInteger();
    private Path directory = Path.of("");
    private @Nullable Console console;
    private @Nullable TestDatabase database;
    private @Nullable AssizeServer assize;
    private @Nullable HttpServer upstream;
    private @Nullable KeyPair issuer;
    private String key = "";
    private int grpcPort;

    @BeforeAll
    void start(@TempDir(factory = InMemory.class) Path temporary) throws Exception {
        directory = temporary;
        assumeTrue(Envoy.find().isPresent(), "there is no Envoy here: .ci/envoy fetches it");
        upstream = startUpstream();
        issuer = KeyPairGenerator.getInstance("RSA").generateKeyPair();
        Files.writeString(directory.resolve("jwks.json"), jwks());
        grpcPort = freePort();
        Path mapping = Files.writeString(directory.resolve("mapping.yaml"), block("envoy-mapping.yaml"));
        database = TestDatabase.migrated();
        Map<String, String> environment = new HashMap<>(database.environment());
        environment.put("ASSIZE_GRPC_PORT", Integer.toString(grpcPort));
        environment.put("ASSIZE_GRPC_UNIX_SOCKET", directory.resolve("s").toString());
        environment.put("ASSIZE_ENVOY_MAPPING_FILE", mapping.toString());
        console = new Console(directory.resolve("home"), environment);
        startAssize();
        Path policy = Files.writeString(directory.resolve("policy.yaml"), block("shop-policy.yaml"));
        assertThat(console.run("policy", "apply", policy.toString(), "--reason", "the shop's gateway"))
                .as(console.err())
                .isZero();
        key = createKey();
    }

    @AfterAll
    void stop() {
        if (assize != null) {
            assize.close();
        }
        if (database != null) {
            database.close();
        }
        if (upstream != null) {
            upstream.stop(0);
        }
    }

    @Test
    void allowsAndDeniesAsPolicySays() throws Exception {
        int before = served.get();
        try (Envoy envoy = Envoy.start(directory, config())) {
            RawHttp.Answer nobody = envoy.send("GET", "/orders/17");
            assertThat(nobody.status()).isEqualTo(401);
            assertThat(nobody.headers()).containsEntry("www-authenticate", "Bearer realm=\"assize\"");
            assertThat(envoy.send("GET", "/orders/17", "Authorization: Bearer " + token("alice") + "x")
                            .status())
                    .isEqualTo(401);

            RawHttp.Answer denied = envoy.send("GET", "/orders/17", bearer("bob"));
            assertThat(denied.status()).isEqualTo(403);
            assertThat(denied.headers()).containsEntry("content-type", "application/json");
            assertThat(denied.body()).matches("\\{\"error\":\"forbidden\",\"decision_id\":\"[0-9a-f]{32}\"}");

            assertThat(envoy.send("DELETE", "/orders/17", bearer("alice")).status())
                    .isEqualTo(403);
            assertThat(envoy.send("POST", "/orders/17", bearer("alice")).status())
                    .isEqualTo(403);
            assertThat(envoy.send("GET", "/carts/17", bearer("alice")).status()).isEqualTo(403);
            assertThat(served).hasValue(before);

            RawHttp.Answer allowed = envoy.send("GET", "/orders/17?expand=/../lines", bearer("alice"));
            assertThat(allowed.status()).isEqualTo(200);
            assertThat(allowed.body())
                    .contains("x-assize-subject: user:alice\n")
                    .containsPattern("x-assize-decision-id: [0-9a-f]{32}\n");
            assertThat(envoy.send("GET", "/files/a/b.txt", bearer("alice")).status())
                    .isEqualTo(200);
            assertThat(envoy.send("GET", "/export/17", bearer("alice")).status())
                    .isEqualTo(200);
            assertThat(envoy.send("GET", "/export/17", bearer("bob")).status()).isEqualTo(403);
            assertThat(envoy.send("GET", "/status").body()).isEqualTo("up");

            assertThat(envoy.counted("http.shop.ext_authz.ok")).isEqualTo(3);
            assertThat(envoy.counted("http.shop.ext_authz.error")).isZero();
            assertThat(envoy.accessLog())
                    .containsPattern("GET /orders/17 401 decision=- reason=SUBJECT_MISSING")
                    .containsPattern("GET /orders/17 403 decision=[0-9a-f]{32} reason=NO_GRANT role=- revision=1")
                    .containsPattern("GET /carts/17 403 decision=- reason=ROUTE_UNMAPPED")
                    .containsPattern(
                            "GET /orders/17\\S* 200 decision=[0-9a-f]{32} reason=ALLOWED role=clerk revision=1");
        }
    }

    @Test
    void overwritesWhatClientsSayTheyAre() throws Exception {
        String trusting = with(
                with(config(), ", {remove: x-assize-decision-id}", ""),
                "{remove: x-assize-subject}",
                "{remove: x-other}");
        String underscores = with(trusting, "headers_with_underscores_action: REJECT_REQUEST", "idle_timeout: 60s");
        for (String config :
                List.of(underscores, with(underscores, "clear_route_cache: false", "encode_raw_headers: true"))) {
            try (Envoy envoy = Envoy.start(directory, config)) {
                RawHttp.Answer answer = envoy.send(
                        "GET",
                        "/orders/17",
                        bearer("alice"),
                        SPOOFED,
                        SPOOFED,
                        "X_Assize_Subject: user:root",
                        "X-User: root",
                        "X-Assize-Decision-Id: 0");
                assertThat(answer.status()).isEqualTo(200);
                assertThat(answer.body())
                        .contains("x-assize-subject: user:alice\n")
                        .containsPattern("x-assize-decision-id: [0-9a-f]{32}\n")
                        .doesNotContain("root");
            }
        }
    }

    @Test
    void doesWhatItIsConfiguredToWhereNobodyAnswersInTime() throws Exception {
        try (ServerSocket silent = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
            String config = with(config(), "port_value: " + grpcPort, "port_value: " + silent.getLocalPort());
            config = with(config, "timeout: 20s", "timeout: 0.2s");
            int before = served.get();
            try (Envoy envoy = Envoy.start(directory, config)) {
                assertThat(envoy.send("GET", "/orders/17", bearer("alice")).status())
                        .isEqualTo(503);
                assertThat(envoy.counted("http.shop.ext_authz.error")).isEqualTo(1);
            }
            assertThat(served).hasValue(before);
            try (Envoy envoy = Envoy.start(
                    directory,
                    with(
                            config,
                            "failure_mode_allow: false",
                            "failure_mode_allow: true\n" + " ".repeat(22) + "failure_mode_allow_header_add: true"))) {
                RawHttp.Answer passed = envoy.send("GET", "/orders/17", SPOOFED);
                assertThat(passed.status()).isEqualTo(200);
                assertThat(passed.body())
                        .contains("x-envoy-auth-failure-mode-allowed: true\n")
                        .doesNotContain("x-assize-subject");
            }
        }
    }

    /** What clients, and whoever makes keys, can bring about: open to failures, and shut all the same. */
    @Test
    void staysShutWhereItIsOpenToFailures() throws Exception {
        String open = with(config(), "failure_mode_allow: false", "failure_mode_allow: true");
        String careless = with(
                with(open, "normalize_path: true", "normalize_path: false"),
                "path_with_escaped_slashes_action: REJECT_REQUEST",
                "path_with_escaped_slashes_action: KEEP_UNCHANGED");
        int before = served.get();
        try (Envoy envoy = Envoy.start(directory, with(careless, "merge_slashes: true", "merge_slashes: false"))) {
            for (String target : List.of(
                    "/orders/17/../../admin",
                    "/orders/..%2fadmin",
                    "/orders//17",
                    "/orders/17;a=b",
                    "/orders/%ff",
                    "/orders/\u00FF",
                    "/orders/%")) {
                assertThat(envoy.send("GET", target, bearer("alice")).status())
                        .as(target)
                        .isEqualTo(400);
            }
            assertThat(envoy.send("GET", "/orders/17", bearer("alice"), "X-Latin: caf\u00E9")
                            .status())
                    .isEqualTo(200);
        }
        try (Envoy envoy = Envoy.start(directory, with(open, key, "asz_unknown_unknown"))) {
            assertThat(envoy.send("GET", "/orders/17", bearer("alice")).status())
                    .isEqualTo(403);
            assertThat(envoy.counted("http.shop.ext_authz.failure_mode_allowed"))
                    .isZero();
        }
        assertThat(served).hasValue(before + 1);
    }

    /** Envoy's tracer hands on what a client sent as `tracestate`, and a call with headers that long would fail. */
    @Test
    void staysShutWhereATracedClientSendsStateThatIsTooLong() throws Exception {
        String open = with(config(), "failure_mode_allow: false", "failure_mode_allow: true");
        String traced = with(open, "stat_prefix: shop\n", """
                stat_prefix: shop
                                tracing:
                                  provider:
                                    name: envoy.tracers.opentelemetry
                                    typed_config:
                                      "@type": type.googleapis.com/envoy.config.trace.v3.OpenTelemetryConfig
                                      grpc_service: {envoy_grpc: {cluster_name: assize}}
                                      service_name: shop
                """);
        try (Envoy envoy = Envoy.start(directory, traced)) {
            RawHttp.Answer denied = envoy.send(
                    "GET",
                    "/orders/17",
                    bearer("bob"),
                    "traceparent: 00-" + "a".repeat(32) + "-" + "b".repeat(16) + "-01",
                    "tracestate: a=" + "b".repeat(9 * 1024));

            assertThat(denied.status()).isEqualTo(403);
            assertThat(envoy.counted("http.shop.ext_authz.error")).isZero();
        }
    }

    @Test
    void readsOverBodiesHoweverLarge() throws Exception {
        String config = with(
                config(),
                "clear_route_cache: false",
                "with_request_body: {max_request_bytes: 4194304, pack_as_bytes: true}");
        try (Envoy envoy = Envoy.start(directory, config)) {
            String large = "\u00FF".repeat(4_000_000);
            assertThat(envoy.sendBody("PUT", "/orders/17", large, bearer("alice"))
                            .status())
                    .isEqualTo(200);
            assertThat(envoy.sendBody("PUT", "/orders/17", large, bearer("bob")).status())
                    .isEqualTo(403);
            assertThat(envoy.sendBody("PUT", "/orders/17", large + large, bearer("alice"))
                            .status())
                    .isEqualTo(413);
        }
    }

    @Test
    void asksOverAUnixSocket() throws Exception {
        String config = with(
                config(),
                "{socket_address: {address: 127.0.0.1, port_value: " + grpcPort + "}}",
                "{pipe: {path: " + directory.resolve("s") + "}}");
        try (Envoy envoy = Envoy.start(directory, config)) {
            assertThat(envoy.send("GET", "/orders/17", bearer("alice")).status())
                    .isEqualTo(200);
            assertThat(envoy.send("GET", "/orders/17", bearer("bob")).status()).isEqualTo(403);
        }
    }

    @Test
    void asksASidecar() throws Exception {
        Path binding = Files.writeString(directory.resolve("sidecar.yaml"), """
                apiVersion: assize.dev/v1
                kind: RoleBinding
                metadata: {tenant: assize, name: shop-sidecar}
                spec:
                  subjects: ["service:shop-sidecar"]
                  role: sidecar
                  scope: {resources: ["tenant:shop"]}
                """);
        assertThat(Objects.requireNonNull(console)
                        .run("policy", "apply", binding.toString(), "--reason", "the shop's sidecar"))
                .isZero();
        Path home = Files.createDirectory(
                directory.resolve("sidecar"),
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        Path itsKey = Files.createFile(
                home.resolve("upstream-key"),
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        Files.writeString(
                itsKey, createKey("key create --tenant assize --subject service:shop-sidecar --tenants shop"));
        try (AssizeSidecar sidecar = CentreFixture.sidecar(
                        home,
                        Map.of(
                                "ASSIZE_UPSTREAM_ADDRESS", "127.0.0.1:" + grpcPort,
                                "ASSIZE_UPSTREAM_TLS", "false",
                                "ASSIZE_UPSTREAM_TENANTS", "shop",
                                "ASSIZE_GRPC_PORT", "0",
                                "ASSIZE_GRPC_WARM_UP", "0s",
                                "ASSIZE_HTTP_PORT", "0",
                                "ASSIZE_ENVOY_MAPPING_FILE",
                                        directory.resolve("mapping.yaml").toString()));
                Envoy envoy = Envoy.start(
                        directory,
                        with(
                                with(config(), "port_value: " + grpcPort, "port_value: " + port(sidecar)),
                                key,
                                sidecar.localKey()))) {
            assertThat(envoy.send("GET", "/orders/17", bearer("alice")).status())
                    .isEqualTo(200);
            assertThat(envoy.send("GET", "/orders/17", bearer("bob")).status()).isEqualTo(403);
        }
    }

    private static String port(AssizeSidecar sidecar) {
        String address = sidecar.grpcAddress();
        return address.substring(address.lastIndexOf(':') + 1);
    }

    @Test
    void takesTheFilterOfThePageForIstio() throws Exception {
        String page = config();
        Matcher filter = Pattern.compile(
                        "(?s)- name: envoy.filters.http.ext_authz\n.*?(?=\\s+- name: envoy.filters.http.router)")
                .matcher(page);
        assertThat(filter.find()).isTrue();
        String istio = block("istio.yaml");
        String value = istio.substring(istio.indexOf("typed_config:"))
                .replace("outbound|7443||assize.assize.svc.cluster.local", "assize")
                .replace("ASSIZE_KEY", key)
                .replace("timeout: 0.5s", "timeout: 20s")
                .indent(10)
                .stripTrailing();
        String config = page.substring(0, filter.start())
                + "- name: envoy.filters.http.ext_authz\n"
                + " ".repeat(20)
                + value.strip()
                + page.substring(filter.end());
        try (Envoy envoy = Envoy.start(directory, config)) {
            assertThat(envoy.send("GET", "/orders/17", bearer("alice")).status())
                    .isEqualTo(200);
            assertThat(envoy.send("GET", "/orders/17", bearer("bob")).status()).isEqualTo(403);
        }
    }

    /** As in a mesh: the listener asks for a certificate, and the peer is its URI. */
    @Test
    void takesThePeersCertificateForWhoItIs() throws Exception {
        Certificates certificates = new Certificates(directory);
        certificates.make("web", "spiffe://example.com/web");
        certificates.make("other", "spiffe://elsewhere.example.com/web");
        String config = with(
                config(), "      filter_chains:\n        - filters:\n", """
                      filter_chains:
                        - transport_socket:
                            name: envoy.transport_sockets.tls
                            typed_config:
                              "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext
                              require_client_certificate: true
                              common_tls_context:
                                tls_certificates:
                                  - {certificate_chain: {filename: DIRECTORY/web.crt}, private_key: {filename: DIRECTORY/web.key}}
                                validation_context: {trusted_ca: {filename: DIRECTORY/all.crt}}
                          filters:
                """.replace("DIRECTORY", directory.toString()));
        Files.writeString(
                directory.resolve("all.crt"),
                Files.readString(directory.resolve("web.crt")) + Files.readString(directory.resolve("other.crt")));
        try (Envoy envoy = Envoy.start(directory, config)) {
            RawHttp.Answer web = envoy.over(certificates.client("web")).send("GET", "/orders/17", SPOOFED);
            assertThat(web.status()).isEqualTo(200);
            assertThat(web.body()).contains("x-assize-subject: service:web\n").doesNotContain("root");
            assertThat(envoy.over(certificates.client("other"))
                            .send("GET", "/orders/17")
                            .status())
                    .isEqualTo(401);
        }
    }

    /** Shut while Assize is away, and open again without anybody's help. */
    @Test
    void neverLetsAnybodyPassWhileAssizeStartsAnewUnderLoad() throws Exception {
        AtomicBoolean ended = new AtomicBoolean();
        try (Envoy envoy = Envoy.start(directory, config());
                ExecutorService load = Executors.newVirtualThreadPerTaskExecutor()) {
            Future<List<Integer>> alice = load.submit(callsUntil(ended, envoy, bearer("alice")));
            Future<List<Integer>> bob = load.submit(callsUntil(ended, envoy, bearer("bob")));
            Objects.requireNonNull(assize).close();
            assertThat(envoy.send("GET", "/orders/17", bearer("alice")).status())
                    .isEqualTo(503);
            startAssize();
            Instant end = Instant.now().plus(Duration.ofSeconds(30));
            while (envoy.send("GET", "/orders/17", bearer("alice")).status() != 200) {
                assertThat(Instant.now()).isBefore(end);
            }
            ended.set(true);

            assertThat(alice.get()).contains(503).containsAnyOf(200).allMatch(status -> status == 200 || status == 503);
            assertThat(bob.get()).contains(503).containsAnyOf(403).allMatch(status -> status == 403 || status == 503);
        }
    }

    private static Callable<List<Integer>> callsUntil(AtomicBoolean ended, Envoy envoy, String bearer) {
        return () -> {
            List<Integer> statuses = new ArrayList<>();
            while (!ended.get()) {
                statuses.add(envoy.send("GET", "/orders/17", bearer).status());
            }
            return statuses;
        };
    }

    private void startAssize() {
        assize = AssizeServer.of(Objects.requireNonNull(console).config());
        assize.start();
    }

    private String createKey() {
        String command = block("sh")
                .lines()
                .filter(line -> line.startsWith("assize key create"))
                .findFirst()
                .orElseThrow();
        return createKey(command.substring("assize ".length()));
    }

    private String createKey(String command) {
        Console here = Objects.requireNonNull(console);
        assertThat(here.run(command.split(" "))).as(here.err()).isZero();
        Matcher created = Pattern.compile("asz_[\\w-]+").matcher(here.out());
        assertThat(created.find()).isTrue();
        return created.group();
    }

    /** That of the page. */
    private String config() {
        String config = with(block("envoy.yaml"), "port_value: 9901", "port_value: 0");
        config = with(config, "port_value: 8080", "port_value: 0");
        config = with(config, "port_value: 7443", "port_value: " + grpcPort);
        config = with(
                config,
                "port_value: 8081",
                "port_value: " + Objects.requireNonNull(upstream).getAddress().getPort());
        config = with(config, "timeout: 0.5s", "timeout: 20s");
        config = with(
                config, "/etc/envoy/jwks.json", directory.resolve("jwks.json").toString());
        return with(config, "ASSIZE_KEY", key);
    }

    /** With other words in the place of some; they must be there. */
    private static String with(String config, String words, String others) {
        assertThat(config).contains(words);
        return config.replace(words, others);
    }

    private static String block(String name) {
        Pattern block = Pattern.compile(
                name.equals("sh") ? "```sh\n(.*?)```" : "```yaml\n# " + Pattern.quote(name) + "\n(.*?)```",
                Pattern.DOTALL);
        try {
            Matcher found = block.matcher(Files.readString(PAGE));
            assertThat(found.find()).as(name).isTrue();
            return found.group(1);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Answers with the headers that it was sent, by their names in lower case. */
    private HttpServer startUpstream() throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", exchange -> {
            served.incrementAndGet();
            exchange.getRequestBody().readAllBytes();
            StringBuilder seen = new StringBuilder();
            exchange.getRequestHeaders()
                    .forEach((name, values) -> values.forEach(value -> seen.append(name.toLowerCase(Locale.ROOT))
                            .append(": ")
                            .append(value)
                            .append('\n')));
            byte[] body = seen.toString().getBytes(UTF_8);
            exchange.sendResponseHeaders(200, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
        server.start();
        return server;
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    private String bearer(String subject) throws Exception {
        return "Authorization: Bearer " + token(subject);
    }

    private String token(String subject) throws Exception {
        String content = base64("{\"alg\":\"RS256\",\"kid\":\"test\"}".getBytes(UTF_8)) + "."
                + base64(("{\"iss\":\"https://id.example.com\",\"aud\":\"shop\",\"sub\":\"" + subject + "\",\"exp\":"
                                + Instant.now().plus(Duration.ofHours(1)).getEpochSecond() + "}")
                        .getBytes(UTF_8));
        Signature signature = Signature.getInstance("SHA256withRSA");
        signature.initSign(Objects.requireNonNull(issuer).getPrivate());
        signature.update(content.getBytes(UTF_8));
        return content + "." + base64(signature.sign());
    }

    private String jwks() {
        RSAPublicKey publicKey = (RSAPublicKey) Objects.requireNonNull(issuer).getPublic();
        return "{\"keys\":[{\"kty\":\"RSA\",\"kid\":\"test\",\"alg\":\"RS256\",\"n\":\""
                + number(publicKey.getModulus()) + "\",\"e\":\"" + number(publicKey.getPublicExponent()) + "\"}]}";
    }

    private static String number(BigInteger number) {
        byte[] bytes = number.toByteArray();
        return base64(bytes[0] == 0 ? Arrays.copyOfRange(bytes, 1, bytes.length) : bytes);
    }

    private static String base64(byte[] bytes) {
        return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    }
}
