package dev.assize.server.app;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/** Every key of the configuration, with what it is where nobody says otherwise. */
enum ConfigKey {
    GRPC_HOST("grpc.host", "127.0.0.1", "address of the gRPC port"),
    GRPC_PORT("grpc.port", "7443", "gRPC port; 0 for any free one"),
    GRPC_UNIX_SOCKET(
            "grpc.unixSocket", "", "Unix socket that serves gRPC beside the port, in plain text; default: none"),
    GRPC_UNIX_SOCKET_MODE("grpc.unixSocketMode", "0600", "who may connect to it, as permissions of the file"),
    GRPC_TLS_CERTIFICATE("grpc.tls.certificate", "", "certificate chain, a PEM file; without it gRPC is plain text"),
    GRPC_TLS_KEY("grpc.tls.key", "", "private key, a PEM file"),
    GRPC_TLS_CLIENT_CA(
            "grpc.tls.clientCa",
            "",
            "PEM file; every caller of the port presents a certificate signed by one of these"),
    GRPC_REFLECTION("grpc.reflection", "authenticated", "who may list the services: off, authenticated or open"),
    GRPC_MAX_REQUEST_BYTES("grpc.maxRequestBytes", "12582912", "largest message taken"),
    GRPC_MAX_METADATA_BYTES("grpc.maxMetadataBytes", "8192", "largest headers of a call taken"),
    GRPC_WARM_UP("grpc.warmUp", "1500ms", "how long the server asks itself before it says that it is ready, up to 30s"),
    GRPC_PINGS_EVERY(
            "grpc.pingsEvery", "10s", "how often callers may ping; who does more often is cut off; 0s: no bound"),
    GRPC_MAX_CONNECTION_AGE(
            "grpc.maxConnectionAge", "30m", "when a connection is ended, for callers to spread anew; 0s: never"),
    GRPC_DRAIN_DELAY("grpc.drainDelay", "0s", "how long health says NOT_SERVING before a stop refuses calls"),
    GRPC_STOP_TIMEOUT("grpc.stopTimeout", "10s", "how long calls under way may take when the server stops"),
    HTTP_HOST("http.host", "127.0.0.1", "address of the port for /metrics, /livez, /readyz and AuthZEN"),
    HTTP_PORT("http.port", "7480", "that port; 0 for any free one"),
    HTTP_TLS_CERTIFICATE("http.tls.certificate", "", "certificate chain, a PEM file; without it HTTP is plain text"),
    HTTP_TLS_KEY("http.tls.key", "", "private key, a PEM file"),
    HTTP_PUBLIC_URL("http.publicUrl", "", "https://HOST by which callers reach that port; AuthZEN's metadata need it"),
    AUTHZEN_ACCESS_REQUESTS(
            "authzen.accessRequests",
            "false",
            "whether AuthZEN says how to ask for an approval that is missing, and takes such requests (a draft)"),
    ENVOY_MAPPING_FILE(
            "envoy.mappingFile",
            "",
            "YAML file that says what requests of Envoy's ask for; without it Envoy may not ask"),
    TRACING_ENDPOINT(
            "tracing.endpoint",
            "",
            "http://host:4318 of a collector that takes spans as OTLP; without it none are made"),
    TRACING_SAMPLE_RATIO(
            "tracing.sampleRatio", "0.01", "how many of the calls that are part of no trace begin one, 0 to 1"),
    LOG_FORMAT("log.format", "text", "what the lines of the log are: text, or json for an object each"),
    NODE_NAME("node.name", "", "what this process is called among the nodes; default: host name and gRPC port"),
    DATABASE_URL("database.url", "", "jdbc:postgresql://… of your own PostgreSQL; without it the server runs its own"),
    DATABASE_USER("database.user", "", "the application's role there"),
    DATABASE_PASSWORD("database.password", "", "its password"),
    DATABASE_OWNER_USER(
            "database.ownerUser", "", "the role that migrates; without it the schema must be there already"),
    DATABASE_OWNER_PASSWORD("database.ownerPassword", "", "its password"),
    DATABASE_MAINTENANCE_USER(
            "database.maintenanceUser", "", "the role that makes the ledger's coming months; default: the owner"),
    DATABASE_MAINTENANCE_PASSWORD("database.maintenancePassword", "", "its password"),
    DATABASE_READ_URL(
            "database.readUrl",
            "",
            "jdbc:postgresql://… of a replica of it, from which exports are read; default: the same"),
    DATABASE_READ_USER("database.readUser", "", "the role there, which only reads; default: the application's"),
    DATABASE_READ_PASSWORD("database.readPassword", "", "its password"),
    DATABASE_READ_PATIENCE(
            "database.readPatience", "10s", "how long an export waits until the replica has what the database has"),
    DATABASE_POOL_SIZE("database.poolSize", "16", "connections"),
    DATABASE_CONNECT_TIMEOUT("database.connectTimeout", "5s", "how long a request waits for a connection"),
    DATABASE_STATEMENT_TIMEOUT("database.statementTimeout", "10s", "how long a statement may take"),
    DATABASE_IDLE_TIMEOUT("database.idleTimeout", "5s", "how long a transaction that may hold locks may do nothing"),
    LEDGER_NAME("ledger.name", "assize.local", "first part of every ledger's origin; never change it later"),
    LEDGER_BATCH_ENTRIES("ledger.batchEntries", "400", "entries written together"),
    LEDGER_BATCH_BYTES("ledger.batchBytes", "1048576", "the same in bytes"),
    LEDGER_TENANT_PENDING_ENTRIES("ledger.tenantPendingEntries", "4096", "pending entries of a tenant before refusals"),
    LEDGER_PENDING_ENTRIES("ledger.pendingEntries", "16384", "pending entries of all tenants before refusals"),
    LEDGER_PENDING_BYTES("ledger.pendingBytes", "67108864", "the same in bytes"),
    LEDGER_RETRY_AFTER("ledger.retryAfter", "250ms", "how long refused callers are asked to wait"),
    LEDGER_DRAIN_TIMEOUT("ledger.drainTimeout", "10s", "how long a stop waits for pending entries"),
    LEDGER_SIGNING_KEYS(
            "ledger.signingKeys", "", "directory of the keys that sign; default: signing-keys, in the home directory"),
    ANCHOR_DIRECTORY(
            "anchor.directory",
            "",
            "where the ledgers' heads are kept outside of the database; default: anchor, in the home directory"),
    ANCHOR_URL(
            "anchor.url",
            "",
            "jdbc:postgresql://… of another PostgreSQL, or s3://bucket/prefix, to keep them in instead of a directory"),
    ANCHOR_USER("anchor.user", "", "the role there; it may make a table, or use `assize_outside`"),
    ANCHOR_PASSWORD("anchor.password", "", "its password"),
    ANCHOR_REGION("anchor.region", "", "the bucket's region; needed without anchor.endpoint"),
    ANCHOR_ENDPOINT("anchor.endpoint", "", "https://… of a store that speaks S3 and is not Amazon's"),
    ANCHOR_PATH_STYLE("anchor.pathStyle", "false", "whether the bucket stands in the path, not in the host name"),
    ANCHOR_CREDENTIALS(
            "anchor.credentials",
            "",
            "file with the S3 account's key, mode 0600; default: AWS_… variables, ~/.aws, or the container's"),
    ANCHOR_INSTANCE_CREDENTIALS(
            "anchor.instanceCredentials", "false", "whether the machine's metadata service is asked for them, too"),
    ANCHOR_TIMEOUT("anchor.timeout", "5s", "how long that database or store may take over a call"),
    ANCHOR_INTERVAL("anchor.interval", "1s", "how often what was appended is signed and kept there"),
    ANCHOR_MAX_LAG("anchor.maxLag", "60s", "how long appends go on while that place cannot be reached"),
    ANCHOR_ROUND_LEDGERS("anchor.roundLedgers", "2000", "ledgers signed at a time; others wait"),
    ANCHOR_ROUND_ENTRIES("anchor.roundEntries", "50000", "about how many entries are read back at a time"),
    ANCHOR_CACHED_TREES("anchor.cachedTrees", "20000", "right edges of trees kept in memory, about 2 KiB each"),
    ANCHOR_WITNESSES(
            "anchor.witnesses",
            "",
            "who else signs the log of heads: each as a URL, a space and its key, with commas between them"),
    ANCHOR_WITNESS_TIMEOUT("anchor.witnessTimeout", "5s", "how long a witness may take over an answer"),
    ANCHOR_WITNESS_RENEWAL("anchor.witnessRenewal", "5m", "how old their signatures become where nothing is appended"),
    ARCHIVE_DIRECTORY(
            "archive.directory", "", "where pruned entries are archived; default: archive, in the home directory"),
    ARCHIVE_URL("archive.url", "", "s3://bucket/prefix, to archive them there instead of in a directory"),
    ARCHIVE_REGION("archive.region", "", "the bucket's region; needed without archive.endpoint"),
    ARCHIVE_ENDPOINT("archive.endpoint", "", "https://… of a store that speaks S3 and is not Amazon's"),
    ARCHIVE_PATH_STYLE("archive.pathStyle", "false", "whether the bucket stands in the path, not in the host name"),
    ARCHIVE_CREDENTIALS(
            "archive.credentials",
            "",
            "file with the S3 account's key, mode 0600; default: AWS_… variables, ~/.aws, or the container's"),
    ARCHIVE_INSTANCE_CREDENTIALS(
            "archive.instanceCredentials", "false", "whether the machine's metadata service is asked for them, too"),
    ARCHIVE_TIMEOUT("archive.timeout", "60s", "how long that store may take over a call"),
    ARCHIVE_OBJECT_LOCK(
            "archive.objectLock",
            "compliance",
            "how objects are locked there for the tenant's retention: none, governance or compliance"),
    VERIFICATION_EVERY(
            "verification.every", "24h", "how often each ledger is verified from its first entry; at most 744h"),
    VERIFICATION_ENTRIES_PER_SECOND(
            "verification.entriesPerSecond",
            "5000",
            "entries that a node reads for it in a second; it cannot be turned off"),
    VERIFICATION_INTERVAL("verification.interval", "10s", "how often a node looks at what is to be verified"),
    POLICY_SNAPSHOT_EVERY(
            "policy.snapshotEvery",
            "24h",
            "how long a change of policy stands before the whole policy is written into the ledger; at most 744h"),
    DECISION_LOG_PACK_DECISIONS("decisionLog.packDecisions", "1000", "decisions recorded with one entry, at most"),
    DECISION_LOG_PACK_DELAY(
            "decisionLog.packDelay", "50ms", "how long decisions acknowledged after their answer wait for others"),
    DECISION_LOG_TENANT_PENDING(
            "decisionLog.tenantPending", "32768", "decisions of a tenant not on record yet before refusals"),
    DECISION_LOG_PENDING("decisionLog.pending", "131072", "the same of all tenants"),
    DECISION_LOG_PENDING_BYTES("decisionLog.pendingBytes", "134217728", "the same in bytes"),
    DECISION_LOG_RETRY_AFTER("decisionLog.retryAfter", "250ms", "how long refused callers are asked to wait"),
    DECISION_LOG_DRAIN_TIMEOUT("decisionLog.drainTimeout", "10s", "how long a stop waits for decisions not on record"),
    DECISION_CACHE_BYTES("decision.cacheBytes", "268435456", "heap for compiled policies"),
    DECISION_FRESHNESS_BOUND("decision.freshnessBound", "60s", "over how long unconfirmed policy is not answered from"),
    DECISION_POLL_INTERVAL("decision.pollInterval", "500ms", "how often changes made elsewhere are looked for"),
    DECISION_LOAD_TIMEOUT("decision.loadTimeout", "5s", "how long a question waits for policy that is not held"),
    DECISION_CONCURRENT_LOADS("decision.concurrentLoads", "8", "policies read and compiled at a time"),
    DECISION_UNKNOWN_TENANTS("decision.unknownTenants", "10000", "tenants remembered not to exist"),
    DECISION_UNKNOWN_TENANT_TTL("decision.unknownTenantTtl", "1s", "for how long"),
    DECISION_PAST_BYTES("decision.pastBytes", "67108864", "heap for compiled policies of the past, beside cacheBytes"),
    DECISION_PAST_GRAPHS("decision.pastGraphs", "32", "how many of them are kept at most"),
    DECISION_CONCURRENT_PAST_LOADS(
            "decision.concurrentPastLoads", "2", "policies of the past read and compiled at a time"),
    CLEAN_UP_ENABLED("cleanUp.enabled", "true", "whether bindings that ended long ago are deleted, once a day"),
    CLEAN_UP_AFTER("cleanUp.after", "90d", "how long after its end a binding is deleted, 1 to 36525 days"),
    UPSTREAM_ADDRESS("upstream.address", "", "host:port of the centre; with it this is a sidecar, without a database"),
    UPSTREAM_TENANTS("upstream.tenants", "", "the tenants it decides for, with commas between them"),
    UPSTREAM_KEY_FILE(
            "upstream.keyFile",
            "",
            "file with its key at the centre, mode 0600; default: upstream-key, in the home directory"),
    UPSTREAM_TLS("upstream.tls", "true", "whether the centre is spoken to by TLS; false for one on this machine only"),
    UPSTREAM_CA("upstream.ca", "", "PEM file, by which the centre is known; default: what the system trusts"),
    UPSTREAM_SERVER_NAME("upstream.serverName", "", "the name in its certificate; default: its address"),
    UPSTREAM_CERTIFICATE("upstream.certificate", "", "certificate chain of this sidecar, a PEM file"),
    UPSTREAM_PRIVATE_KEY("upstream.privateKey", "", "its private key, a PEM file"),
    UPSTREAM_ACT_AS("upstream.actAs", "", "types of subjects for which it speaks, with commas between them"),
    SPOOL_MAX_BYTES("spool.maxBytes", "536870912", "bytes of a sidecar's spool, over which it takes nothing more"),
    SPOOL_MAX_AGE(
            "spool.maxAge", "7d", "age of the oldest record that is not forwarded, over which it takes nothing more"),
    SPOOL_KEEP_FORWARDED("spool.keepForwarded", "1d", "how long forwarded records are kept, where there is room"),
    UPSTREAM_TIMEOUT(
            "upstream.timeout", "5s", "how long a question at the centre takes, and the first state of policy"),
    AUTHENTICATION_PEPPER_FILE("authentication.pepperFile", "", "default: pepper, in the home directory"),
    AUTHENTICATION_CACHE_TTL("authentication.cacheTtl", "5s", "within what a revoked key stops working everywhere"),
    AUTHENTICATION_CACHE_SIZE("authentication.cacheSize", "10000", "verified credentials kept");

    private final String text;
    private final String defaultValue;
    private final String description;

    ConfigKey(String text, String defaultValue, String description) {
        this.text = text;
        this.defaultValue = defaultValue;
        this.description = description;
    }

    /** As the file has it. */
    String text() {
        return text;
    }

    /** As the environment has it: `database.poolSize` is `ASSIZE_DATABASE_POOL_SIZE`. */
    String variable() {
        return "ASSIZE_"
                + text.replaceAll("([a-z])([A-Z])", "$1_$2").replace('.', '_').toUpperCase(Locale.ROOT);
    }

    String defaultValue() {
        return defaultValue;
    }

    String description() {
        return description;
    }

    static Optional<ConfigKey> ofText(String text) {
        return Arrays.stream(values()).filter(key -> key.text.equals(text)).findFirst();
    }

    static Optional<ConfigKey> ofVariable(String variable) {
        return Arrays.stream(values())
                .filter(key -> key.variable().equals(variable))
                .findFirst();
    }
}
