package dev.assize.server.app;

import dev.assize.server.administration.CleanUpConfig;
import dev.assize.server.administration.SnapshotConfig;
import dev.assize.server.anchor.AnchorConfig;
import dev.assize.server.anchor.WitnessConfig;
import dev.assize.server.anchor.witness.WitnessAddress;
import dev.assize.server.authentication.AuthenticationConfig;
import dev.assize.server.decision.DecisionConfig;
import dev.assize.server.decision.node.NodeIdentity;
import dev.assize.server.endpoint.authzen.AuthzenConfig;
import dev.assize.server.endpoint.envoy.EnvoyConfig;
import dev.assize.server.endpoint.grpc.GrpcConfig;
import dev.assize.server.endpoint.operations.OperationsConfig;
import dev.assize.server.ledger.LedgerConfig;
import dev.assize.server.model.Names;
import dev.assize.server.recording.RecordingConfig;
import dev.assize.server.storage.DatabaseAccess;
import dev.assize.server.storage.StorageConfig;
import dev.assize.server.storage.s3.S3Place;
import dev.assize.server.verification.VerificationConfig;
import java.net.InetAddress;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiFunction;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** The configuration of a server: one record for each room. */
record ServerConfig(
        Path home,
        String nodeName,
        GrpcConfig grpc,
        OperationsConfig operations,
        AuthzenConfig authzen,
        EnvoyConfig envoy,
        StorageConfig storage,
        LedgerConfig ledger,
        AnchorConfig anchor,
        OutsidePlace outside,
        ArchivePlace archive,
        WitnessConfig witnesses,
        VerificationConfig verification,
        SnapshotConfig snapshots,
        DecisionConfig decision,
        RecordingConfig recording,
        CleanUpConfig cleanUp,
        AuthenticationConfig authentication,
        TracingConfig tracing,
        LogFormat logFormat) {

    static final int MAX_PORT = 65_535;
    private static final int MANY = Integer.MAX_VALUE;

    static ServerConfig of(Path home, Settings settings) {
        return new ServerConfig(
                home,
                checked(() -> nodeName(settings)),
                checked(() -> grpc(settings)),
                checked(() -> operations(settings)),
                checked(() -> authzen(settings)),
                checked(() -> envoy(settings)),
                checked(() -> storage(home, settings)),
                checked(() -> ledger(settings)),
                checked(() -> anchor(home, settings)),
                checked(() -> outside(home, settings)),
                checked(() -> archive(home, settings)),
                checked(() -> witnesses(settings)),
                checked(() -> new VerificationConfig(
                        settings.duration(ConfigKey.VERIFICATION_EVERY),
                        settings.number(ConfigKey.VERIFICATION_ENTRIES_PER_SECOND, 1, MANY),
                        settings.duration(ConfigKey.VERIFICATION_INTERVAL))),
                checked(() -> new SnapshotConfig(settings.duration(ConfigKey.POLICY_SNAPSHOT_EVERY))),
                checked(() -> decision(settings)),
                checked(() -> recording(settings)),
                checked(() -> new CleanUpConfig(
                        settings.flag(ConfigKey.CLEAN_UP_ENABLED), settings.duration(ConfigKey.CLEAN_UP_AFTER))),
                checked(() -> new AuthenticationConfig(
                        settings.given(ConfigKey.AUTHENTICATION_PEPPER_FILE)
                                .map(Path::of)
                                .orElse(home.resolve("pepper")),
                        settings.duration(ConfigKey.AUTHENTICATION_CACHE_TTL),
                        settings.number(ConfigKey.AUTHENTICATION_CACHE_SIZE, 0, MANY))),
                checked(() -> tracing(settings)),
                settings.oneOf(ConfigKey.LOG_FORMAT, LogFormat.class));
    }

    /** Whether the database is the server's own. */
    boolean embedded() {
        return storage.location() instanceof StorageConfig.Location.Embedded;
    }

    static String nodeName(Settings settings) {
        String name = settings.given(ConfigKey.NODE_NAME)
                .orElseGet(() -> hostName() + ":" + settings.text(ConfigKey.GRPC_PORT));
        if (!Names.isClean(name) || Names.utf8Length(name) > NodeIdentity.NAME_BYTES) {
            throw settings.bad(
                    ConfigKey.NODE_NAME, "at most " + NodeIdentity.NAME_BYTES + " bytes without control characters");
        }
        return name;
    }

    private static String hostName() {
        try {
            return InetAddress.getLocalHost().getHostName();
        } catch (UnknownHostException nameless) {
            return "localhost";
        }
    }

    static TracingConfig tracing(Settings settings) {
        return new TracingConfig(
                settings.given(ConfigKey.TRACING_ENDPOINT)
                        .map(address -> uri(settings, ConfigKey.TRACING_ENDPOINT, address))
                        .orElse(null),
                settings.fraction(ConfigKey.TRACING_SAMPLE_RATIO));
    }

    static EnvoyConfig envoy(Settings settings) {
        return new EnvoyConfig(
                settings.given(ConfigKey.ENVOY_MAPPING_FILE).map(Path::of).orElse(null));
    }

    static GrpcConfig grpc(Settings settings) {
        return new GrpcConfig(
                settings.text(ConfigKey.GRPC_HOST),
                settings.number(ConfigKey.GRPC_PORT, 0, MAX_PORT),
                grpcTls(settings),
                settings.oneOf(ConfigKey.GRPC_REFLECTION, GrpcConfig.Reflection.class),
                settings.number(ConfigKey.GRPC_MAX_REQUEST_BYTES, 1, MANY),
                settings.number(ConfigKey.GRPC_MAX_METADATA_BYTES, 1, MANY),
                settings.duration(ConfigKey.GRPC_DRAIN_DELAY),
                settings.duration(ConfigKey.GRPC_STOP_TIMEOUT),
                settings.given(ConfigKey.GRPC_UNIX_SOCKET)
                        .map(file -> new GrpcConfig.UnixSocket(
                                Path.of(file).toAbsolutePath(), permissions(settings, ConfigKey.GRPC_UNIX_SOCKET_MODE)))
                        .orElse(null),
                settings.duration(ConfigKey.GRPC_WARM_UP),
                new GrpcConfig.Connections(
                        settings.duration(ConfigKey.GRPC_PINGS_EVERY),
                        settings.duration(ConfigKey.GRPC_MAX_CONNECTION_AGE)));
    }

    /** Octal, as `chmod` takes them. */
    private static Set<PosixFilePermission> permissions(Settings settings, ConfigKey key) {
        String text = settings.text(key);
        if (!text.matches("0?[0-7]{3}")) {
            throw settings.bad(key, "permissions as chmod takes them, for example 0660");
        }
        String octal = text.substring(text.length() - 3);
        return PosixFilePermissions.fromString(octal.chars()
                .mapToObj(
                        digit -> "---|--x|-w-|-wx|r--|r-x|rw-|rwx".substring(4 * (digit - '0'), 4 * (digit - '0') + 3))
                .collect(Collectors.joining()));
    }

    private static GrpcConfig.@Nullable Tls grpcTls(Settings settings) {
        Path clientCa =
                settings.given(ConfigKey.GRPC_TLS_CLIENT_CA).map(Path::of).orElse(null);
        GrpcConfig.Tls tls = tls(
                settings,
                ConfigKey.GRPC_TLS_CERTIFICATE,
                ConfigKey.GRPC_TLS_KEY,
                (certificate, key) -> new GrpcConfig.Tls(certificate, key, clientCa));
        if (clientCa != null && tls == null) {
            throw new ConfigurationException("grpc.tls.clientCa without grpc.tls.certificate: expected both");
        }
        return tls;
    }

    static AuthzenConfig authzen(Settings settings) {
        return new AuthzenConfig(
                settings.given(ConfigKey.HTTP_PUBLIC_URL).orElse(null),
                settings.flag(ConfigKey.AUTHZEN_ACCESS_REQUESTS));
    }

    static OperationsConfig operations(Settings settings) {
        return new OperationsConfig(
                settings.text(ConfigKey.HTTP_HOST),
                settings.number(ConfigKey.HTTP_PORT, 0, MAX_PORT),
                tls(settings, ConfigKey.HTTP_TLS_CERTIFICATE, ConfigKey.HTTP_TLS_KEY, OperationsConfig.Tls::new));
    }

    /** A certificate and its key; null where there are none. */
    private static <T> @Nullable T tls(
            Settings settings, ConfigKey certificate, ConfigKey key, BiFunction<Path, Path, T> both) {
        Optional<Path> chain = settings.given(certificate).map(Path::of);
        Optional<Path> secret = settings.given(key).map(Path::of);
        if (chain.isPresent() != secret.isPresent()) {
            throw new ConfigurationException(certificate.text() + " and " + key.text() + ": expected both or neither");
        }
        return chain.isPresent() ? both.apply(chain.get(), secret.orElseThrow()) : null;
    }

    private static StorageConfig storage(Path home, Settings settings) {
        return new StorageConfig(
                location(home, settings),
                settings.text(ConfigKey.LEDGER_NAME),
                settings.number(ConfigKey.DATABASE_POOL_SIZE, 1, 1_000),
                settings.duration(ConfigKey.DATABASE_CONNECT_TIMEOUT),
                settings.duration(ConfigKey.DATABASE_STATEMENT_TIMEOUT),
                settings.duration(ConfigKey.DATABASE_IDLE_TIMEOUT));
    }

    private static StorageConfig.Location location(Path home, Settings settings) {
        if (settings.given(ConfigKey.DATABASE_READ_URL).isEmpty()
                && settings.given(ConfigKey.DATABASE_READ_USER)
                        .or(() -> settings.given(ConfigKey.DATABASE_READ_PASSWORD))
                        .isPresent()) {
            throw new ConfigurationException("database.readUser without database.readUrl: expected both or neither");
        }
        Optional<String> url = settings.given(ConfigKey.DATABASE_URL);
        if (url.isEmpty()) {
            if (settings.given(ConfigKey.DATABASE_USER)
                    .or(() -> settings.given(ConfigKey.DATABASE_OWNER_USER))
                    .or(() -> settings.given(ConfigKey.DATABASE_MAINTENANCE_USER))
                    .isPresent()) {
                throw new ConfigurationException("database.user without database.url: expected both or neither");
            }
            if (settings.given(ConfigKey.DATABASE_READ_URL).isPresent()) {
                throw new ConfigurationException(
                        "database.readUrl without database.url: expected a replica of a PostgreSQL of your own");
            }
            return new StorageConfig.Location.Embedded(home);
        }
        if (!url.get().startsWith("jdbc:postgresql:")) {
            throw new ConfigurationException(
                    "database.url: expected an address as jdbc:postgresql://host:5432/assize, with the role in"
                            + " database.user and database.password");
        }
        String user = settings.given(ConfigKey.DATABASE_USER)
                .orElseThrow(() -> new ConfigurationException(
                        "database.url without database.user: expected the application's role, not the owner"));
        StorageConfig.Credentials application =
                new StorageConfig.Credentials(user, settings.text(ConfigKey.DATABASE_PASSWORD));
        return new StorageConfig.Location.Outside(
                url.get(),
                application,
                settings.given(ConfigKey.DATABASE_OWNER_USER)
                        .map(owner ->
                                new StorageConfig.Credentials(owner, settings.text(ConfigKey.DATABASE_OWNER_PASSWORD)))
                        .orElse(null),
                settings.given(ConfigKey.DATABASE_MAINTENANCE_USER)
                        .map(role -> new StorageConfig.Credentials(
                                role, settings.text(ConfigKey.DATABASE_MAINTENANCE_PASSWORD)))
                        .orElse(null),
                settings.given(ConfigKey.DATABASE_READ_URL)
                        .map(replica -> replica(settings, replica, application))
                        .orElse(null));
    }

    private static StorageConfig.Replica replica(Settings settings, String url, StorageConfig.Credentials application) {
        if (!url.startsWith("jdbc:postgresql:")) {
            // What it is is not repeated: there may be a password in it.
            throw new ConfigurationException(
                    "database.readUrl: expected an address as jdbc:postgresql://host:5432/assize of a replica, with the"
                            + " role in database.readUser and database.readPassword");
        }
        return new StorageConfig.Replica(
                url,
                settings.given(ConfigKey.DATABASE_READ_USER)
                        .map(user ->
                                new StorageConfig.Credentials(user, settings.text(ConfigKey.DATABASE_READ_PASSWORD)))
                        .orElse(application),
                settings.duration(ConfigKey.DATABASE_READ_PATIENCE));
    }

    private static LedgerConfig ledger(Settings settings) {
        return new LedgerConfig(
                settings.number(ConfigKey.LEDGER_BATCH_ENTRIES, 1, MANY),
                settings.number(ConfigKey.LEDGER_BATCH_BYTES, 1, MANY),
                settings.number(ConfigKey.LEDGER_TENANT_PENDING_ENTRIES, 1, MANY),
                settings.number(ConfigKey.LEDGER_PENDING_ENTRIES, 1, MANY),
                settings.number(ConfigKey.LEDGER_PENDING_BYTES, 1L, Long.MAX_VALUE),
                settings.duration(ConfigKey.LEDGER_RETRY_AFTER),
                settings.duration(ConfigKey.LEDGER_DRAIN_TIMEOUT));
    }

    private static AnchorConfig anchor(Path home, Settings settings) {
        return new AnchorConfig(
                settings.given(ConfigKey.LEDGER_SIGNING_KEYS).map(Path::of).orElse(home.resolve("signing-keys")),
                settings.duration(ConfigKey.ANCHOR_INTERVAL),
                settings.duration(ConfigKey.ANCHOR_MAX_LAG),
                settings.number(ConfigKey.ANCHOR_ROUND_LEDGERS, 1, MANY),
                settings.number(ConfigKey.ANCHOR_ROUND_ENTRIES, 1, MANY),
                settings.number(ConfigKey.ANCHOR_CACHED_TREES, 0, MANY));
    }

    private static OutsidePlace outside(Path home, Settings settings) {
        Optional<Path> directory = settings.given(ConfigKey.ANCHOR_DIRECTORY).map(Path::of);
        Optional<String> url = settings.given(ConfigKey.ANCHOR_URL);
        if (directory.isPresent() && url.isPresent()) {
            throw new ConfigurationException("anchor.directory and anchor.url: expected one of them");
        }
        if (url.isEmpty()) {
            return new OutsidePlace.Directory(directory.orElse(home.resolve("anchor")));
        }
        if (S3Place.isAddress(url.get())) {
            return new OutsidePlace.Bucket(bucket(settings, url.get(), BucketKeys.ANCHOR));
        }
        if (!url.get().startsWith("jdbc:postgresql:")) {
            throw settings.bad(
                    ConfigKey.ANCHOR_URL, "an address as jdbc:postgresql://host:5432/heads or s3://bucket/prefix");
        }
        if (url.equals(settings.given(ConfigKey.DATABASE_URL))) {
            throw new ConfigurationException(
                    "anchor.url is database.url: expected another database, which somebody else administers");
        }
        return new OutsidePlace.Database(
                new DatabaseAccess(
                        url.get(), settings.text(ConfigKey.ANCHOR_USER), settings.text(ConfigKey.ANCHOR_PASSWORD)),
                settings.duration(ConfigKey.ANCHOR_TIMEOUT));
    }

    private static ArchivePlace archive(Path home, Settings settings) {
        Optional<Path> directory = settings.given(ConfigKey.ARCHIVE_DIRECTORY).map(Path::of);
        Optional<String> url = settings.given(ConfigKey.ARCHIVE_URL);
        if (directory.isPresent() && url.isPresent()) {
            throw new ConfigurationException("archive.directory and archive.url: expected one of them");
        }
        return url.isEmpty()
                ? new ArchivePlace.Directory(directory.orElse(home.resolve("archive")))
                : new ArchivePlace.Bucket(
                        bucket(settings, url.get(), BucketKeys.ARCHIVE),
                        settings.oneOf(ConfigKey.ARCHIVE_OBJECT_LOCK, ArchivePlace.ObjectLock.class));
    }

    private static S3Place bucket(Settings settings, String url, BucketKeys keys) {
        S3Place.Address address =
                S3Place.parse(url).orElseThrow(() -> settings.bad(keys.url, "an address as s3://bucket/prefix"));
        Optional<URI> endpoint = settings.given(keys.endpoint).map(ServerConfig::uri);
        Optional<String> region = settings.given(keys.region);
        if (region.isEmpty() && endpoint.isEmpty()) {
            throw new ConfigurationException(
                    keys.url.text() + " " + url + " without " + keys.region.text() + ": expected the bucket's region");
        }
        return new S3Place(
                address.bucket(),
                address.prefix(),
                region.orElse(S3Place.ANY_REGION),
                endpoint.orElse(null),
                settings.flag(keys.pathStyle),
                settings.given(keys.credentials)
                        .<S3Place.Credentials>map(file -> new S3Place.Credentials.OfFile(Path.of(file)))
                        .orElseGet(
                                () -> new S3Place.Credentials.OfSurroundings(settings.flag(keys.instanceCredentials))),
                settings.duration(keys.timeout));
    }

    /** The keys that say where a bucket is. */
    private record BucketKeys(
            ConfigKey url,
            ConfigKey region,
            ConfigKey endpoint,
            ConfigKey pathStyle,
            ConfigKey credentials,
            ConfigKey instanceCredentials,
            ConfigKey timeout) {

        static final BucketKeys ANCHOR = new BucketKeys(
                ConfigKey.ANCHOR_URL,
                ConfigKey.ANCHOR_REGION,
                ConfigKey.ANCHOR_ENDPOINT,
                ConfigKey.ANCHOR_PATH_STYLE,
                ConfigKey.ANCHOR_CREDENTIALS,
                ConfigKey.ANCHOR_INSTANCE_CREDENTIALS,
                ConfigKey.ANCHOR_TIMEOUT);

        static final BucketKeys ARCHIVE = new BucketKeys(
                ConfigKey.ARCHIVE_URL,
                ConfigKey.ARCHIVE_REGION,
                ConfigKey.ARCHIVE_ENDPOINT,
                ConfigKey.ARCHIVE_PATH_STYLE,
                ConfigKey.ARCHIVE_CREDENTIALS,
                ConfigKey.ARCHIVE_INSTANCE_CREDENTIALS,
                ConfigKey.ARCHIVE_TIMEOUT);
    }

    private static URI uri(String text) {
        try {
            return new URI(text);
        } catch (URISyntaxException e) {
            throw new ConfigurationException("endpoint: expected https://host, or http://host:port");
        }
    }

    private static URI uri(Settings settings, ConfigKey key, String text) {
        try {
            return new URI(text);
        } catch (URISyntaxException e) {
            throw settings.bad(key, "an address as http://host:4318");
        }
    }

    private static WitnessConfig witnesses(Settings settings) {
        return new WitnessConfig(
                WitnessAddress.parse(settings.text(ConfigKey.ANCHOR_WITNESSES)),
                settings.duration(ConfigKey.ANCHOR_WITNESS_TIMEOUT),
                settings.duration(ConfigKey.ANCHOR_WITNESS_RENEWAL));
    }

    static DecisionConfig decision(Settings settings) {
        return new DecisionConfig(
                settings.number(ConfigKey.DECISION_CACHE_BYTES, 1L, Long.MAX_VALUE),
                settings.duration(ConfigKey.DECISION_FRESHNESS_BOUND),
                settings.duration(ConfigKey.DECISION_POLL_INTERVAL),
                settings.duration(ConfigKey.DECISION_LOAD_TIMEOUT),
                settings.number(ConfigKey.DECISION_CONCURRENT_LOADS, 1, MANY),
                settings.number(ConfigKey.DECISION_UNKNOWN_TENANTS, 0, MANY),
                settings.duration(ConfigKey.DECISION_UNKNOWN_TENANT_TTL),
                settings.number(ConfigKey.DECISION_PAST_BYTES, 1L, Long.MAX_VALUE),
                settings.number(ConfigKey.DECISION_PAST_GRAPHS, 1, MANY),
                settings.number(ConfigKey.DECISION_CONCURRENT_PAST_LOADS, 1, MANY));
    }

    private static RecordingConfig recording(Settings settings) {
        return new RecordingConfig(
                settings.number(ConfigKey.DECISION_LOG_PACK_DECISIONS, 1, MANY),
                settings.duration(ConfigKey.DECISION_LOG_PACK_DELAY),
                settings.number(ConfigKey.DECISION_LOG_TENANT_PENDING, 1, MANY),
                settings.number(ConfigKey.DECISION_LOG_PENDING, 1, MANY),
                settings.number(ConfigKey.DECISION_LOG_PENDING_BYTES, 1L, Long.MAX_VALUE),
                settings.duration(ConfigKey.DECISION_LOG_RETRY_AFTER),
                settings.duration(ConfigKey.DECISION_LOG_DRAIN_TIMEOUT));
    }

    /** What a room's record refuses is the configuration's fault. */
    static <C> C checked(Supplier<C> config) {
        try {
            return config.get();
        } catch (ConfigurationException own) {
            throw own;
        } catch (RuntimeException refused) {
            throw new ConfigurationException(String.valueOf(refused.getMessage()), refused);
        }
    }
}
