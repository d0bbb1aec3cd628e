package dev.assize.server.app;

import com.github.benmanes.caffeine.cache.Ticker;
import dev.assize.proto.v1.AccessServiceGrpc;
import dev.assize.proto.v1.ApplyPolicyHeader;
import dev.assize.proto.v1.ApplyPolicyRequest;
import dev.assize.proto.v1.ApplyPolicyResponse;
import dev.assize.proto.v1.AuditEntry;
import dev.assize.proto.v1.CreateKeyRequest;
import dev.assize.proto.v1.DocumentKey;
import dev.assize.proto.v1.LedgerServiceGrpc;
import dev.assize.proto.v1.PolicyServiceGrpc;
import dev.assize.proto.v1.QueryAuditRequest;
import dev.assize.proto.v1.QueryAuditResponse;
import dev.assize.server.cli.Credentials;
import dev.assize.server.testing.ChangeCall;
import dev.assize.server.testing.CutNetwork;
import dev.assize.server.testing.TestDatabase;
import io.grpc.ChannelCredentials;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.stub.AbstractStub;
import io.grpc.stub.MetadataUtils;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** A server with a database, behind a network that can be cut, and sidecars of it. */
final class CentreFixture implements AutoCloseable {

    private final Path directory;
    private final Map<String, String> more;
    private final ChannelCredentials credentials;
    private final CutNetwork network;
    private final List<TestDatabase> lost = new ArrayList<>();
    private TestDatabase database = TestDatabase.migrated();
    private AssizeServer server;
    private ManagedChannel channel;
    private final String admin;
    private int homes;

    /** Chosen at the first start, and the same at each that follows. */
    private String port = "0";

    CentreFixture(Path directory) {
        this(directory, Map.of(), InsecureChannelCredentials.create());
    }

    /**
     * One that is configured otherwise.
     *
     * @param credentials by which this test speaks to it
     */
    CentreFixture(Path directory, Map<String, String> more, ChannelCredentials credentials) {
        this.directory = directory;
        this.more = more;
        this.credentials = credentials;
        this.server = start();
        this.port = server.grpcAddress().substring(server.grpcAddress().lastIndexOf(':') + 1);
        this.network = new CutNetwork("127.0.0.1", Integer.parseInt(port));
        this.channel = open();
        this.admin = Credentials.read(directory.resolve("centre")).orElseThrow().key();
    }

    private AssizeServer start() {
        Map<String, String> environment = new HashMap<>();
        Path home = directory.resolve("centre");
        environment.put("ASSIZE_GRPC_PORT", port);
        environment.put("ASSIZE_GRPC_WARM_UP", "0s");
        environment.put("ASSIZE_HTTP_PORT", "0");
        environment.put("ASSIZE_GRPC_STOP_TIMEOUT", "1s");
        environment.put("ASSIZE_AUTHENTICATION_CACHE_TTL", "1s");
        environment.putAll(database.patientEnvironment());
        environment.putAll(more);
        AssizeServer starting =
                AssizeServer.of(ServerConfig.of(home, Settings.read(home.resolve("assize.yaml"), false, environment)));
        starting.start();
        return starting;
    }

    private ManagedChannel open() {
        return Grpc.newChannelBuilder(server.grpcAddress(), credentials)
                .overrideAuthority("assize.test")
                .build();
    }

    static ManagedChannel channel(String address) {
        return Grpc.newChannelBuilder(address, InsecureChannelCredentials.create())
                .build();
    }

    CutNetwork network() {
        return network;
    }

    /** Where it is without a network between. */
    String address() {
        return server.grpcAddress();
    }

    /** Where it speaks HTTP, also without a network between. */
    String operationsAddress() {
        return server.operationsAddress();
    }

    String admin() {
        return admin;
    }

    ManagedChannel channel() {
        return channel;
    }

    void stop() {
        channel.shutdownNow();
        server.close();
    }

    void startAgain() {
        server = start();
        channel = open();
    }

    /** Its database as it is, while it is stopped. */
    TestDatabase copy() {
        return database.copy();
    }

    /** It stands on another database from its next start on. */
    void restore(TestDatabase older) {
        lost.add(database);
        database = older;
    }

    /** Puts documents, and deletes others. */
    ApplyPolicyResponse apply(String yaml, DocumentKey... deletes) {
        return apply(admin, yaml, deletes);
    }

    /** The same by somebody else. */
    ApplyPolicyResponse apply(String author, String yaml, DocumentKey... deletes) {
        List<ApplyPolicyRequest> parts = new ArrayList<>();
        parts.add(ApplyPolicyRequest.newBuilder()
                .setHeader(ApplyPolicyHeader.newBuilder().setForce(true))
                .build());
        if (!yaml.isBlank()) {
            parts.add(ChangeCall.put(yaml));
        }
        for (DocumentKey delete : deletes) {
            parts.add(ApplyPolicyRequest.newBuilder().setDelete(delete).build());
        }
        return ChangeCall.send(with(PolicyServiceGrpc.newStub(channel), author), parts);
    }

    /** A key of `service:sidecar` of acme. */
    String key(String... tenants) {
        return keyOf("acme", "service:sidecar", tenants);
    }

    /** A key of somebody. */
    String keyOf(String home, String subject, String... tenants) {
        return with(AccessServiceGrpc.newBlockingStub(channel), admin)
                .createKey(CreateKeyRequest.newBuilder()
                        .setTenant(home)
                        .setSubject(subject)
                        .addAllTenants(List.of(tenants))
                        .build())
                .getCredential();
    }

    /** A new home directory. */
    Path home() {
        return directory.resolve("sidecar-" + homes++);
    }

    /** How a sidecar in that home is configured. */
    Map<String, String> environment(Path home, String key, String tenants) {
        return environment(home, "127.0.0.1:" + network.port(), key, tenants);
    }

    /** The same for a sidecar that reaches its centre there. */
    static Map<String, String> environment(Path home, String centre, String key, String tenants) {
        try {
            Files.createDirectories(
                    home, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
            Path file = home.resolve("upstream-key");
            Files.writeString(file, key + "\n");
            Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        Map<String, String> environment = new HashMap<>();
        environment.put("ASSIZE_UPSTREAM_ADDRESS", centre);
        environment.put("ASSIZE_UPSTREAM_TENANTS", tenants);
        environment.put("ASSIZE_UPSTREAM_TLS", "false");
        environment.put("ASSIZE_UPSTREAM_ACT_AS", "user, agent");
        environment.put("ASSIZE_UPSTREAM_TIMEOUT", "30s");
        environment.put("ASSIZE_GRPC_PORT", "0");
        environment.put("ASSIZE_GRPC_WARM_UP", "0s");
        environment.put("ASSIZE_GRPC_STOP_TIMEOUT", "1s");
        environment.put("ASSIZE_HTTP_PORT", "0");
        environment.put("ASSIZE_DECISION_POLL_INTERVAL", "100ms");
        return environment;
    }

    static AssizeSidecar sidecar(Path home, Map<String, String> environment) {
        return sidecar(home, environment, InstantSource.system(), Ticker.systemTicker());
    }

    /** The same by other clocks. */
    static AssizeSidecar sidecar(Path home, Map<String, String> environment, InstantSource clock, Ticker steady) {
        AssizeSidecar sidecar = AssizeSidecar.of(
                SidecarConfig.of(home, Settings.read(home.resolve("assize.yaml"), false, environment)), clock, steady);
        sidecar.start();
        return sidecar;
    }

    /** What the ledger of acme has of a type, in its order. */
    List<AuditEntry> entries(String type) {
        List<AuditEntry> entries = new ArrayList<>();
        QueryAuditRequest.Builder request = QueryAuditRequest.newBuilder()
                .setTenant("acme")
                .setType(type)
                .setAscending(true)
                .setPageSize(1_000);
        QueryAuditResponse page;
        do {
            page = with(LedgerServiceGrpc.newBlockingStub(channel), admin).queryAudit(request.build());
            entries.addAll(page.getEntriesList());
            request.setPageToken(page.getNextPageToken());
        } while (!page.getNextPageToken().isEmpty());
        return entries;
    }

    /** The same, as the reasons that these entries give. */
    List<String> reasons(String type) {
        return entries(type).stream().map(entry -> entry.getEvent().getReason()).toList();
    }

    /** The same when these reasons are among them, or three minutes have passed. */
    List<String> reasonsWith(String type, Collection<String> all) {
        long end = System.nanoTime() + TimeUnit.MINUTES.toNanos(3);
        long pauseMillis = 10;
        List<String> reasons = reasons(type);
        while (!Set.copyOf(reasons).containsAll(all) && System.nanoTime() < end) {
            // Each look is at all of them, and so costs more and more.
            pauseMillis = Math.min(2 * pauseMillis, 1_000);
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(pauseMillis));
            reasons = reasons(type);
        }
        return reasons;
    }

    static <S extends AbstractStub<S>> S with(S stub, String key) {
        Metadata headers = new Metadata();
        headers.put(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), "Bearer " + key);
        return stub.withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers));
    }

    @Override
    public void close() {
        channel.shutdownNow();
        network.close();
        server.close();
        database.close();
        lost.forEach(TestDatabase::close);
    }
}
