package dev.assize.server.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.server.administration.CleanUpConfig;
import dev.assize.server.administration.SnapshotConfig;
import dev.assize.server.anchor.AnchorConfig;
import dev.assize.server.anchor.WitnessConfig;
import dev.assize.server.authentication.AuthenticationConfig;
import dev.assize.server.decision.DecisionConfig;
import dev.assize.server.endpoint.grpc.GrpcConfig;
import dev.assize.server.endpoint.operations.OperationsConfig;
import dev.assize.server.ledger.LedgerConfig;
import dev.assize.server.storage.StorageConfig;
import dev.assize.server.storage.s3.S3Place;
import dev.assize.server.verification.VerificationConfig;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class ServerConfigTest {

    private static final Path HOME = Path.of("/somewhere");

    /** From docs/ledger-format.md. */
    private static final String WITNESS = "witness.example.com+03cd26e6+BCmsuuFBvMrwsi4alNNNC8c2HlJtC/4SyJeUvJMilm3X";

    /** A key that signs notes, as Go's note package has it. */
    private static final String NO_WITNESS = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";

    private static final Set<ConfigKey> ONLY_OF_ARCHIVES = EnumSet.of(
            ConfigKey.ARCHIVE_REGION,
            ConfigKey.ARCHIVE_ENDPOINT,
            ConfigKey.ARCHIVE_PATH_STYLE,
            ConfigKey.ARCHIVE_CREDENTIALS,
            ConfigKey.ARCHIVE_INSTANCE_CREDENTIALS,
            ConfigKey.ARCHIVE_TIMEOUT,
            ConfigKey.ARCHIVE_OBJECT_LOCK);

    private static final Set<ConfigKey> ONLY_OF_BUCKETS = EnumSet.of(
            ConfigKey.ANCHOR_REGION,
            ConfigKey.ANCHOR_ENDPOINT,
            ConfigKey.ANCHOR_PATH_STYLE,
            ConfigKey.ANCHOR_CREDENTIALS,
            ConfigKey.ANCHOR_INSTANCE_CREDENTIALS);

    @Test
    void theDefaultsAreTheRoomsDefaults() {
        ServerConfig config = config(Map.of());

        assertThat(config.grpc()).isEqualTo(GrpcConfig.defaults());
        assertThat(config.operations()).isEqualTo(OperationsConfig.defaults());
        assertThat(config.storage()).isEqualTo(StorageConfig.defaults(HOME));
        assertThat(config.ledger()).isEqualTo(LedgerConfig.defaults());
        assertThat(config.anchor()).isEqualTo(AnchorConfig.defaults(HOME.resolve("signing-keys")));
        assertThat(config.outside()).isEqualTo(new OutsidePlace.Directory(HOME.resolve("anchor")));
        assertThat(config.witnesses()).isEqualTo(WitnessConfig.defaults());
        assertThat(config.verification()).isEqualTo(VerificationConfig.defaults());
        assertThat(config.snapshots()).isEqualTo(SnapshotConfig.defaults());
        assertThat(config.cleanUp()).isEqualTo(CleanUpConfig.defaults());
        assertThat(config.decision()).isEqualTo(DecisionConfig.defaults());
        assertThat(config.authentication()).isEqualTo(AuthenticationConfig.defaults(HOME));
        assertThat(config.tracing()).isEqualTo(TracingConfig.off());
        assertThat(config.logFormat()).isEqualTo(LogFormat.TEXT);
        assertThat(config.embedded()).isTrue();
    }

    @Test
    void aNodeIsCalledByHostAndPortUnlessItIsSaidHow() {
        assertThat(config(Map.of("ASSIZE_GRPC_PORT", "7999")).nodeName()).matches(".+:7999");
        assertThat(config(Map.of("ASSIZE_NODE_NAME", "x".repeat(256))).nodeName())
                .hasSize(256);
        assertRefused(Map.of("ASSIZE_NODE_NAME", "x".repeat(257)), "at most 256 bytes");
        assertRefused(Map.of("ASSIZE_NODE_NAME", "two\nlines"), "control characters");
    }

    @Test
    void everyKeyChangesSomething() {
        Map<String, String> outside = Map.ofEntries(
                Map.entry("ASSIZE_DATABASE_URL", "jdbc:postgresql://db/assize"),
                Map.entry("ASSIZE_DATABASE_USER", "app"),
                Map.entry("ASSIZE_DATABASE_OWNER_USER", "owner"),
                Map.entry("ASSIZE_DATABASE_MAINTENANCE_USER", "maintenance"),
                Map.entry("ASSIZE_DATABASE_READ_URL", "jdbc:postgresql://standby/assize"),
                Map.entry("ASSIZE_DATABASE_READ_USER", "reader"),
                Map.entry("ASSIZE_ANCHOR_URL", "jdbc:postgresql://heads/heads"),
                Map.entry("ASSIZE_GRPC_UNIX_SOCKET", "/run/assize.sock"),
                Map.entry("ASSIZE_GRPC_TLS_CERTIFICATE", "cert.pem"),
                Map.entry("ASSIZE_GRPC_TLS_KEY", "key.pem"),
                Map.entry("ASSIZE_HTTP_TLS_CERTIFICATE", "cert.pem"),
                Map.entry("ASSIZE_HTTP_TLS_KEY", "key.pem"),
                Map.entry("ASSIZE_HTTP_PUBLIC_URL", "https://assize.example.com"));
        Map<ConfigKey, String> others = otherValues();

        assertThat(others).containsOnlyKeys(ConfigKey.values());
        others.forEach((key, value) -> {
            if (key.text().startsWith("upstream.") || key.text().startsWith("spool.")) {
                changesSomethingOfASidecar(key, value);
                return;
            }
            Map<String, String> base = new HashMap<>(outside);
            if (key == ConfigKey.ANCHOR_DIRECTORY) {
                base.remove(ConfigKey.ANCHOR_URL.variable());
            }
            if (ONLY_OF_BUCKETS.contains(key)) {
                base.put(ConfigKey.ANCHOR_URL.variable(), "s3://heads/acme");
                base.put(ConfigKey.ANCHOR_REGION.variable(), "eu-central-1");
            }
            if (ONLY_OF_ARCHIVES.contains(key)) {
                base.put(ConfigKey.ARCHIVE_URL.variable(), "s3://old/acme");
                base.put(ConfigKey.ARCHIVE_REGION.variable(), "eu-central-1");
            }
            if (key == ConfigKey.ARCHIVE_URL) {
                base.put(ConfigKey.ARCHIVE_REGION.variable(), "eu-central-1");
            }
            Map<String, String> changed = new HashMap<>(base);
            changed.put(key.variable(), value);
            assertThat(config(changed)).as(key.text()).isNotEqualTo(config(base));
        });
    }

    private static void changesSomethingOfASidecar(ConfigKey key, String value) {
        Map<String, String> base = new HashMap<>(Map.of(
                "ASSIZE_UPSTREAM_ADDRESS", "127.0.0.1:7443",
                "ASSIZE_UPSTREAM_TENANTS", "acme"));
        if (key == ConfigKey.UPSTREAM_CERTIFICATE) {
            base.put(ConfigKey.UPSTREAM_PRIVATE_KEY.variable(), "key.pem");
            Map<String, String> whole = new HashMap<>(base);
            whole.put(key.variable(), value);
            assertThatThrownBy(() -> sidecar(base)).hasMessageContaining("both or neither");
            assertThat(sidecar(whole).upstream().tls()).isNotNull();
            return;
        }
        if (key == ConfigKey.UPSTREAM_PRIVATE_KEY) {
            return;
        }
        Map<String, String> changed = new HashMap<>(base);
        changed.put(key.variable(), value);
        assertThat(sidecar(changed)).as(key.text()).isNotEqualTo(sidecar(base));
    }

    private static SidecarConfig sidecar(Map<String, String> environment) {
        return SidecarConfig.of(Path.of("/home/assize"), Settings.read(Path.of("none.yaml"), false, environment));
    }

    @Test
    void refusesASidecarThatMeansSomethingElse() {
        assertSidecarRefused(Map.of("ASSIZE_UPSTREAM_ADDRESS", "centre"), "host:port of the centre");
        assertSidecarRefused(Map.of("ASSIZE_UPSTREAM_TENANTS", ""), "upstream.tenants");
        assertSidecarRefused(Map.of("ASSIZE_UPSTREAM_TENANTS", "a/b"), "names of tenants");
        assertSidecarRefused(Map.of("ASSIZE_DATABASE_URL", "jdbc:postgresql://db/assize"), "no database");
        assertSidecarRefused(Map.of("ASSIZE_UPSTREAM_TLS", "false"), "plain text");
        assertSidecarRefused(Map.of("ASSIZE_UPSTREAM_CERTIFICATE", "c.pem"), "both or neither");
        assertSidecarRefused(Map.of("ASSIZE_DECISION_FRESHNESS_BOUND", "4s"), "5s or more");
        assertSidecarRefused(Map.of("ASSIZE_UPSTREAM_TIMEOUT", "0s"), "upstream.timeout");
        assertSidecarRefused(Map.of("ASSIZE_SPOOL_MAX_BYTES", "16777215"), "from 16777216 to");
        assertSidecarRefused(Map.of("ASSIZE_SPOOL_MAX_AGE", "0s"), "more than 0");
    }

    private static void assertSidecarRefused(Map<String, String> said, String why) {
        Map<String, String> environment = new HashMap<>(Map.of(
                "ASSIZE_UPSTREAM_ADDRESS", "centre.example.com:7443",
                "ASSIZE_UPSTREAM_TENANTS", "acme"));
        environment.putAll(said);
        assertThatThrownBy(() -> sidecar(environment))
                .isInstanceOf(ConfigurationException.class)
                .hasMessageContaining(why);
    }

    @Test
    void variablesAreTheKeysInCapitals() {
        assertThat(ConfigKey.DATABASE_OWNER_USER.variable()).isEqualTo("ASSIZE_DATABASE_OWNER_USER");
        assertThat(ConfigKey.GRPC_TLS_KEY.variable()).isEqualTo("ASSIZE_GRPC_TLS_KEY");
        assertThat(Arrays.stream(ConfigKey.values()).map(ConfigKey::variable)).doesNotHaveDuplicates();
    }

    @Test
    void theOperationsPageNamesEveryKeyWithItsDefault() throws IOException {
        String page = Files.readString(Path.of("..", "docs", "operations.md"));

        assertThat(ConfigKey.values())
                .allSatisfy(key -> assertThat(page)
                        .contains("| `" + key.text() + "` | "
                                + (key.defaultValue().isEmpty() ? "" : "`" + key.defaultValue() + "` ") + "|"));
    }

    @Test
    void refusesHalfOfWhatBelongsTogether() {
        assertRefused(Map.of("ASSIZE_GRPC_TLS_KEY", "key.pem"), "both or neither");
        assertRefused(Map.of("ASSIZE_HTTP_TLS_CERTIFICATE", "cert.pem"), "http.tls.key: expected both or neither");
        assertRefused(Map.of("ASSIZE_AUTHZEN_ACCESS_REQUESTS", "true"), "without http.publicUrl");
        for (String mode : List.of("rw", "660x", "888", "10660")) {
            assertRefused(
                    Map.of("ASSIZE_GRPC_UNIX_SOCKET", "s", "ASSIZE_GRPC_UNIX_SOCKET_MODE", mode),
                    "permissions as chmod takes them");
        }
        assertRefused(Map.of("ASSIZE_GRPC_UNIX_SOCKET", "s".repeat(108)), "at most 107 bytes");
        assertRefused(Map.of("ASSIZE_GRPC_WARM_UP", "30001ms"), "expected 0 to 30 s");
        assertThat(config(Map.of("ASSIZE_GRPC_WARM_UP", "30s")).grpc().warmUp()).isEqualTo(GrpcConfig.MAX_WARM_UP);
        assertRefused(Map.of("ASSIZE_GRPC_MAX_CONNECTION_AGE", "999ms"), "expected 0, or at least 1 s");
        assertThat(config(Map.of("ASSIZE_GRPC_MAX_CONNECTION_AGE", "0s"))
                        .grpc()
                        .connections()
                        .maxAge())
                .isZero();
        assertRefused(Map.of("ASSIZE_DATABASE_USER", "app"), "without database.url");
        assertRefused(Map.of("ASSIZE_DATABASE_URL", "jdbc:postgresql://db/assize"), "without database.user");
        assertRefused(Map.of("ASSIZE_DATABASE_URL", "mysql://db/assize"), "jdbc:postgresql://");
        assertRefused(
                Map.of("ASSIZE_DATABASE_READ_URL", "jdbc:postgresql://standby/assize"),
                "database.readUrl without database.url");
        assertReplicaRefused("ASSIZE_DATABASE_READ_URL", "mysql://standby/assize", "of a replica");
        for (String given : List.of("ASSIZE_DATABASE_READ_USER", "ASSIZE_DATABASE_READ_PASSWORD")) {
            assertRefused(Map.of(given, "reader"), "database.readUser without database.readUrl");
            assertRefused(
                    Map.of(
                            "ASSIZE_DATABASE_URL",
                            "jdbc:postgresql://db/assize",
                            "ASSIZE_DATABASE_USER",
                            "app",
                            given,
                            "reader"),
                    "database.readUser without database.readUrl");
        }
        assertReplicaRefused("ASSIZE_DATABASE_READ_PATIENCE", "301s", "expected 0 to 5 minutes");
        assertRefused(
                Map.of("ASSIZE_ANCHOR_URL", "jdbc:postgresql://heads/heads", "ASSIZE_ANCHOR_DIRECTORY", "/heads"),
                "expected one of them");
        assertRefused(Map.of("ASSIZE_ANCHOR_URL", "mysql://heads"), "jdbc:postgresql://");
        assertRefused(
                Map.of(
                        "ASSIZE_DATABASE_URL", "jdbc:postgresql://db/assize",
                        "ASSIZE_DATABASE_USER", "app",
                        "ASSIZE_ANCHOR_URL", "jdbc:postgresql://db/assize"),
                "another database");
    }

    @Test
    void saysNoPasswordThatStandsInAnAddress() {
        Map<String, String> said = Map.of(
                "ASSIZE_DATABASE_URL", "jdbc:postgresql://db/assize",
                "ASSIZE_DATABASE_USER", "app",
                "ASSIZE_DATABASE_READ_URL", "postgresql://reader:hunter2@standby/assize");
        assertThatThrownBy(() -> config(said))
                .isInstanceOf(ConfigurationException.class)
                .hasMessageNotContaining("hunter2");
    }

    private static void assertReplicaRefused(String variable, String value, String why) {
        Map<String, String> said = new HashMap<>(Map.of(
                "ASSIZE_DATABASE_URL", "jdbc:postgresql://db/assize",
                "ASSIZE_DATABASE_USER", "app",
                "ASSIZE_DATABASE_READ_URL", "jdbc:postgresql://standby/assize"));
        said.put(variable, value);
        assertRefused(said, why);
    }

    @Test
    void readsFromTheReplicaAsTheApplicationUnlessItIsSaidAsWhom() {
        Map<String, String> said = new HashMap<>(Map.of(
                "ASSIZE_DATABASE_URL", "jdbc:postgresql://db/assize",
                "ASSIZE_DATABASE_USER", "app",
                "ASSIZE_DATABASE_PASSWORD", "hunter2"));
        assertThat(replica(said)).isNull();
        said.put("ASSIZE_DATABASE_READ_URL", "jdbc:postgresql://standby/assize");
        said.put("ASSIZE_DATABASE_READ_PATIENCE", "0s");
        assertThat(replica(said))
                .isEqualTo(new StorageConfig.Replica(
                        "jdbc:postgresql://standby/assize",
                        new StorageConfig.Credentials("app", "hunter2"),
                        Duration.ZERO));
    }

    private static StorageConfig.@Nullable Replica replica(Map<String, String> said) {
        return ((StorageConfig.Location.Outside) config(said).storage().location()).replica();
    }

    @Test
    void readsTheArchive() {
        assertThat(config(Map.of()).archive())
                .isInstanceOfSatisfying(
                        ArchivePlace.Directory.class,
                        directory -> assertThat(directory.path()).hasFileName("archive"));
        ArchivePlace place = config(Map.of(
                        "ASSIZE_ARCHIVE_URL", "s3://archive/acme",
                        "ASSIZE_ARCHIVE_REGION", "eu-central-1",
                        "ASSIZE_ARCHIVE_OBJECT_LOCK", "none"))
                .archive();
        assertThat(place).isInstanceOfSatisfying(ArchivePlace.Bucket.class, bucket -> {
            assertThat(bucket.place().bucket()).isEqualTo("archive");
            assertThat(bucket.place().prefix()).isEqualTo("acme/");
            assertThat(bucket.lock()).isEqualTo(ArchivePlace.ObjectLock.NONE);
        });
        assertRefused(Map.of("ASSIZE_ARCHIVE_URL", "s3://archive"), "archive.region");
        assertRefused(
                Map.of("ASSIZE_ARCHIVE_URL", "s3://archive", "ASSIZE_ARCHIVE_DIRECTORY", "/a"), "expected one of them");
        assertRefused(Map.of("ASSIZE_ARCHIVE_URL", "jdbc:postgresql://a/b"), "s3://bucket/prefix");
        assertRefused(
                Map.of(
                        "ASSIZE_ARCHIVE_URL", "s3://archive",
                        "ASSIZE_ARCHIVE_REGION", "eu-central-1",
                        "ASSIZE_ARCHIVE_OBJECT_LOCK", "some"),
                "none, governance, compliance");
    }

    @Test
    void readsBuckets() {
        OutsidePlace place = config(Map.of(
                        "ASSIZE_ANCHOR_URL", "s3://heads.of-acme/a/b",
                        "ASSIZE_ANCHOR_ENDPOINT", "https://store.example.com:9000",
                        "ASSIZE_ANCHOR_PATH_STYLE", "true",
                        "ASSIZE_ANCHOR_CREDENTIALS", "/key"))
                .outside();
        assertThat(place)
                .isEqualTo(new OutsidePlace.Bucket(new S3Place(
                        "heads.of-acme",
                        "a/b/",
                        "us-east-1",
                        URI.create("https://store.example.com:9000"),
                        true,
                        new S3Place.Credentials.OfFile(Path.of("/key")),
                        Duration.ofSeconds(5))));
        assertRefused(Map.of("ASSIZE_ANCHOR_URL", "s3://heads"), "anchor.region");
        Map<String, String> base = Map.of("ASSIZE_ANCHOR_URL", "s3://heads", "ASSIZE_ANCHOR_REGION", "eu-central-1");
        assertThat(((OutsidePlace.Bucket) config(base).outside()).place().prefix())
                .isEmpty();
        assertRefused(with(base, "ASSIZE_ANCHOR_URL", "s3://UPPER/x"), "s3://bucket/prefix");
        assertRefused(with(base, "ASSIZE_ANCHOR_URL", "s3:///x"), "s3://bucket/prefix");
        assertRefused(with(base, "ASSIZE_ANCHOR_URL", "s3://heads/a//b"), "prefix");
        assertRefused(with(base, "ASSIZE_ANCHOR_URL", "s3://heads/" + "a".repeat(512)), "at most 512");
        assertRefused(with(base, "ASSIZE_ANCHOR_REGION", "the moon"), "region");
        assertRefused(with(base, "ASSIZE_ANCHOR_ENDPOINT", "https://user:secret@store"), "endpoint");
        assertRefused(with(base, "ASSIZE_ANCHOR_ENDPOINT", "ftp://store"), "endpoint");
        assertRefused(with(base, "ASSIZE_ANCHOR_ENDPOINT", "https://store/path"), "endpoint");
        assertRefused(with(base, "ASSIZE_ANCHOR_PATH_STYLE", "yes"), "true or false");
    }

    private static Map<String, String> with(Map<String, String> base, String name, String value) {
        Map<String, String> changed = new HashMap<>(base);
        changed.put(name, value);
        return changed;
    }

    @Test
    void refusesWhatTheRoomsRefuse() {
        assertRefused(Map.of("ASSIZE_GRPC_PORT", "70000"), "0 to 65535");
        assertRefused(Map.of("ASSIZE_GRPC_REFLECTION", "sometimes"), "off, authenticated, open");
        assertRefused(Map.of("ASSIZE_DECISION_FRESHNESS_BOUND", "1s"), "decision.freshnessBound");
        assertRefused(Map.of("ASSIZE_AUTHENTICATION_CACHE_TTL", "2m"), "authentication.cacheTtl");
        assertRefused(Map.of("ASSIZE_LEDGER_NAME", "no name"), "ledger name");
        assertRefused(Map.of("ASSIZE_ANCHOR_MAX_LAG", "500ms"), "anchor.maxLag");
        assertRefused(Map.of("ASSIZE_DECISION_LOG_PACK_DECISIONS", "1025"), "1 to 1024");
        assertRefused(Map.of("ASSIZE_DECISION_LOG_TENANT_PENDING", "999"), "decisionLog.tenantPending");
    }

    @Test
    void readsWhereSpansGo() {
        for (String address :
                List.of("http://127.0.0.1:4318", "http://127.0.0.1:4318/", "http://127.0.0.1:4318/v1/traces")) {
            URI collector =
                    config(Map.of("ASSIZE_TRACING_ENDPOINT", address)).tracing().collector();
            assertThat(TracingConfig.traces(Objects.requireNonNull(collector)))
                    .isEqualTo("http://127.0.0.1:4318/v1/traces");
        }
        for (String wrong :
                List.of("127.0.0.1:4318", "ftp://host", "http://user:secret@host", "http://host?a=b", "http:// host")) {
            assertRefused(Map.of("ASSIZE_TRACING_ENDPOINT", wrong), "http://host:4318");
        }
        for (String wrong : List.of("-0.1", "1.1", "NaN", "some")) {
            assertRefused(Map.of("ASSIZE_TRACING_SAMPLE_RATIO", wrong), "0 to 1");
        }
        assertRefused(Map.of("ASSIZE_LOG_FORMAT", "xml"), "text, json");
    }

    @Test
    void readsWitnesses() {
        assertThat(config(Map.of("ASSIZE_ANCHOR_WITNESSES", "http://127.0.0.1:7490/  " + WITNESS))
                        .witnesses()
                        .witnesses())
                .singleElement()
                .satisfies(witness -> {
                    assertThat(witness.url()).hasToString("http://127.0.0.1:7490");
                    assertThat(witness.key()).hasToString(WITNESS);
                });
        for (String wrong : List.of(
                "https://witness.example.com",
                WITNESS,
                "https://witness.example.com " + NO_WITNESS,
                "https://witness.example.com " + WITNESS.replace("03cd26e6", "03cd26e7"),
                "https://witness.example.com?a=b " + WITNESS,
                "file:///witness " + WITNESS,
                "https://one.example.com " + WITNESS + ", https://two.example.com " + WITNESS,
                "https://witness.example.com " + WITNESS + ",")) {
            assertRefused(Map.of("ASSIZE_ANCHOR_WITNESSES", wrong), "witness");
        }
        assertRefused(Map.of("ASSIZE_ANCHOR_WITNESS_TIMEOUT", "0s"), "anchor.witnessTimeout");
    }

    @Test
    void noPasswordIsPrinted() {
        ServerConfig config = config(Map.of(
                "ASSIZE_DATABASE_URL", "jdbc:postgresql://db/assize",
                "ASSIZE_DATABASE_USER", "app",
                "ASSIZE_DATABASE_PASSWORD", "hunter2"));

        assertThat(config.toString()).doesNotContain("hunter2");
    }

    private static Map<ConfigKey, String> otherValues() {
        Map<ConfigKey, String> others = new HashMap<>();
        for (ConfigKey key : ConfigKey.values()) {
            others.put(
                    key,
                    switch (key) {
                        case GRPC_HOST, HTTP_HOST -> "0.0.0.0";
                        case GRPC_PORT, HTTP_PORT -> "0";
                        case GRPC_UNIX_SOCKET_MODE -> "0666";
                        case UPSTREAM_ADDRESS -> "127.0.0.1:7444";
                        case UPSTREAM_TENANTS -> "acme,beta";
                        case UPSTREAM_TLS -> "false";
                        case UPSTREAM_ACT_AS -> "user, agent";
                        case GRPC_REFLECTION -> "open";
                        case ANCHOR_URL -> "jdbc:postgresql://outside/heads";
                        case ARCHIVE_URL -> "s3://archive/acme";
                        case ARCHIVE_OBJECT_LOCK -> "governance";
                        case ANCHOR_ENDPOINT, ARCHIVE_ENDPOINT -> "https://store.example.com";
                        case HTTP_PUBLIC_URL -> "https://pdp.example.com";
                        case AUTHZEN_ACCESS_REQUESTS,
                                ANCHOR_PATH_STYLE,
                                ANCHOR_INSTANCE_CREDENTIALS,
                                ARCHIVE_PATH_STYLE,
                                ARCHIVE_INSTANCE_CREDENTIALS -> "true";
                        case ANCHOR_WITNESSES -> "https://witness.example.com " + WITNESS;
                        case DATABASE_URL, DATABASE_READ_URL -> "jdbc:postgresql://elsewhere/assize";
                        case DATABASE_USER,
                                DATABASE_READ_USER,
                                DATABASE_READ_PASSWORD,
                                DATABASE_PASSWORD,
                                DATABASE_OWNER_USER,
                                DATABASE_OWNER_PASSWORD,
                                DATABASE_MAINTENANCE_USER,
                                DATABASE_MAINTENANCE_PASSWORD,
                                GRPC_UNIX_SOCKET,
                                ENVOY_MAPPING_FILE,
                                GRPC_TLS_CERTIFICATE,
                                GRPC_TLS_KEY,
                                HTTP_TLS_CERTIFICATE,
                                HTTP_TLS_KEY,
                                GRPC_TLS_CLIENT_CA,
                                UPSTREAM_KEY_FILE,
                                UPSTREAM_CA,
                                UPSTREAM_SERVER_NAME,
                                UPSTREAM_CERTIFICATE,
                                UPSTREAM_PRIVATE_KEY,
                                LEDGER_SIGNING_KEYS,
                                ANCHOR_DIRECTORY,
                                ANCHOR_REGION,
                                ANCHOR_CREDENTIALS,
                                ARCHIVE_DIRECTORY,
                                ARCHIVE_REGION,
                                ARCHIVE_CREDENTIALS,
                                ANCHOR_USER,
                                ANCHOR_PASSWORD,
                                NODE_NAME,
                                AUTHENTICATION_PEPPER_FILE -> "another";
                        case TRACING_ENDPOINT -> "http://127.0.0.1:4318";
                        case TRACING_SAMPLE_RATIO -> "0.5";
                        case LOG_FORMAT -> "json";
                        case LEDGER_NAME -> "assize.example.com";
                        case DECISION_FRESHNESS_BOUND -> "30s";
                        case DECISION_POLL_INTERVAL, DECISION_UNKNOWN_TENANT_TTL -> "2s";
                        case VERIFICATION_EVERY,
                                POLICY_SNAPSHOT_EVERY,
                                VERIFICATION_INTERVAL,
                                ARCHIVE_TIMEOUT,
                                GRPC_WARM_UP,
                                GRPC_PINGS_EVERY,
                                GRPC_MAX_CONNECTION_AGE,
                                GRPC_DRAIN_DELAY,
                                GRPC_STOP_TIMEOUT,
                                DATABASE_CONNECT_TIMEOUT,
                                DATABASE_STATEMENT_TIMEOUT,
                                DATABASE_IDLE_TIMEOUT,
                                DATABASE_READ_PATIENCE,
                                LEDGER_RETRY_AFTER,
                                LEDGER_DRAIN_TIMEOUT,
                                DECISION_LOAD_TIMEOUT,
                                ANCHOR_INTERVAL,
                                ANCHOR_TIMEOUT,
                                UPSTREAM_TIMEOUT,
                                SPOOL_MAX_AGE,
                                SPOOL_KEEP_FORWARDED,
                                ANCHOR_WITNESS_TIMEOUT,
                                ANCHOR_WITNESS_RENEWAL,
                                DECISION_LOG_PACK_DELAY,
                                DECISION_LOG_RETRY_AFTER,
                                DECISION_LOG_DRAIN_TIMEOUT,
                                AUTHENTICATION_CACHE_TTL -> "7s";
                        case CLEAN_UP_ENABLED -> "false";
                        case CLEAN_UP_AFTER -> "30d";
                        case ANCHOR_MAX_LAG -> "90s";
                        case GRPC_MAX_REQUEST_BYTES,
                                GRPC_MAX_METADATA_BYTES,
                                DATABASE_POOL_SIZE,
                                VERIFICATION_ENTRIES_PER_SECOND,
                                LEDGER_BATCH_ENTRIES,
                                LEDGER_BATCH_BYTES,
                                LEDGER_TENANT_PENDING_ENTRIES,
                                LEDGER_PENDING_ENTRIES,
                                LEDGER_PENDING_BYTES,
                                ANCHOR_ROUND_LEDGERS,
                                ANCHOR_ROUND_ENTRIES,
                                ANCHOR_CACHED_TREES,
                                DECISION_LOG_PACK_DECISIONS,
                                DECISION_LOG_TENANT_PENDING,
                                DECISION_LOG_PENDING,
                                DECISION_LOG_PENDING_BYTES,
                                DECISION_CACHE_BYTES,
                                DECISION_CONCURRENT_LOADS,
                                DECISION_UNKNOWN_TENANTS,
                                DECISION_PAST_BYTES,
                                DECISION_PAST_GRAPHS,
                                DECISION_CONCURRENT_PAST_LOADS,
                                SPOOL_MAX_BYTES,
                                AUTHENTICATION_CACHE_SIZE -> Long.toString(Long.parseLong(key.defaultValue()) + 1);
                    });
        }
        return others;
    }

    private static void assertRefused(Map<String, String> environment, String saying) {
        assertThatThrownBy(() -> config(environment))
                .isInstanceOf(ConfigurationException.class)
                .hasMessageContaining(saying);
    }

    private static ServerConfig config(Map<String, String> environment) {
        return ServerConfig.of(HOME, Settings.read(HOME.resolve("none.yaml"), false, environment));
    }
}
