package dev.assize.server.endpoint.grpc;

import com.github.benmanes.caffeine.cache.Ticker;
import com.google.inject.AbstractModule;
import com.google.inject.Guice;
import com.google.inject.Injector;
import com.google.inject.Module;
import com.google.inject.Provider;
import com.google.inject.Provides;
import com.google.inject.Singleton;
import com.google.inject.Stage;
import dev.assize.proto.v1.AppendAuditRequest;
import dev.assize.proto.v1.AppendedEntry;
import dev.assize.proto.v1.ApplyPolicyHeader;
import dev.assize.proto.v1.ApplyPolicyRequest;
import dev.assize.proto.v1.ApplyPolicyResponse;
import dev.assize.proto.v1.AuditEntry;
import dev.assize.proto.v1.AuditEvent;
import dev.assize.proto.v1.CheckRequest;
import dev.assize.proto.v1.CheckResponse;
import dev.assize.proto.v1.DecisionServiceGrpc;
import dev.assize.proto.v1.LedgerServiceGrpc;
import dev.assize.proto.v1.Outcome;
import dev.assize.proto.v1.PolicyServiceGrpc;
import dev.assize.proto.v1.QueryAuditRequest;
import dev.assize.proto.v1.Reason;
import dev.assize.server.access.AccessModule;
import dev.assize.server.administration.AdministrationModule;
import dev.assize.server.administration.Bootstrap;
import dev.assize.server.administration.CleanUpConfig;
import dev.assize.server.anchor.Anchor;
import dev.assize.server.anchor.AnchorConfig;
import dev.assize.server.anchor.AnchorModule;
import dev.assize.server.anchor.FileOutsideStore;
import dev.assize.server.anchor.OutsideStore;
import dev.assize.server.anchor.WitnessConfig;
import dev.assize.server.app.ClientBundles;
import dev.assize.server.audit.AuditModule;
import dev.assize.server.audit.AuditSettings;
import dev.assize.server.authentication.ApiKeys;
import dev.assize.server.authentication.AuthenticationConfig;
import dev.assize.server.authentication.AuthenticationModule;
import dev.assize.server.authentication.KeyGrant;
import dev.assize.server.decision.DecisionConfig;
import dev.assize.server.decision.DecisionModule;
import dev.assize.server.decision.DecisionService;
import dev.assize.server.decision.NodesModule;
import dev.assize.server.decision.PolicyWatch;
import dev.assize.server.decision.node.NodeIdentity;
import dev.assize.server.ledger.Appender;
import dev.assize.server.ledger.LedgerConfig;
import dev.assize.server.ledger.LedgerModule;
import dev.assize.server.ledger.archive.ArchiveStore;
import dev.assize.server.ledger.archive.DirectoryArchive;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.recording.RecordingConfig;
import dev.assize.server.recording.RecordingModule;
import dev.assize.server.retention.ArchiveBundles;
import dev.assize.server.retention.RetentionModule;
import dev.assize.server.storage.Database;
import dev.assize.server.storage.StorageConfig;
import dev.assize.server.storage.StorageModule;
import dev.assize.server.testing.ChangeCall;
import dev.assize.server.testing.TestDatabase;
import dev.assize.server.testing.Ticks;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.Metadata;
import io.grpc.stub.AbstractStub;
import io.grpc.stub.MetadataUtils;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** A whole node, all rooms as they are served: a port, a database, the real engine. Each test has a tenant of its own. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class ServedNode {

    final TestDatabase database = TestDatabase.migrated();
    Path directory = Path.of("");

    /** How far the node's clock is behind. */
    volatile Duration behind = Duration.ZERO;

    Injector node = Guice.createInjector();
    String admin = "";
    ManagedChannel channel = ManagedChannelBuilder.forTarget("unused").build();

    @BeforeAll
    void start(@TempDir Path temporary) {
        directory = temporary;
        node = Guice.createInjector(
                Stage.PRODUCTION,
                modules(database, directory, 0, () -> Instant.now().minus(behind)));
        node.getInstance(Database.class).start();
        node.getInstance(Anchor.class).start();
        seedTwiceAtOnce();
        node.getInstance(PolicyWatch.class).start();
        node.getInstance(GrpcServer.class).start();
        channel.shutdownNow();
        channel = ManagedChannelBuilder.forAddress(
                        "127.0.0.1", node.getInstance(GrpcServer.class).port())
                .usePlaintext()
                .build();
        admin = key("user:admin", "assize", true);
    }

    @AfterAll
    void stop() {
        channel.shutdownNow();
        node.getInstance(GrpcServer.class).close();
        node.getInstance(PolicyWatch.class).close();
        node.getInstance(Appender.class).close();
        node.getInstance(Anchor.class).close();
        node.getInstance(Database.class).close();
        database.close();
    }

    void seedTwiceAtOnce() {
        CompletableFuture.allOf(
                        CompletableFuture.runAsync(node.getInstance(Bootstrap.class)::run),
                        CompletableFuture.runAsync(node.getInstance(Bootstrap.class)::run))
                .join();
    }

    Reason reason(CheckRequest question) {
        return decisions(admin).check(question).getReason();
    }

    DecisionServiceGrpc.DecisionServiceBlockingStub decisions(String key) {
        return with(DecisionServiceGrpc.newBlockingStub(channel), key);
    }

    AuditEntry entry(String tenant, long seq) {
        return ledger(admin)
                .queryAudit(QueryAuditRequest.newBuilder().setTenant(tenant).build())
                .getEntriesList()
                .stream()
                .filter(it -> it.getSeq() == seq)
                .findFirst()
                .orElseThrow();
    }

    List<AppendedEntry> append(String tenant, int count) {
        AppendAuditRequest.Builder request = AppendAuditRequest.newBuilder().setTenant(tenant);
        for (int i = 0; i < count; i++) {
            request.addEvents(AuditEvent.newBuilder()
                    .setType("replay.executed")
                    .setAction("replay")
                    .setResource("vault:company")
                    .setOutcome(Outcome.OUTCOME_SUCCESS)
                    .setRunId("run-" + i));
        }
        return ledger(admin).appendAudit(request.build()).getEntriesList();
    }

    CheckResponse check(String key, String tenant, String subject) {
        return with(DecisionServiceGrpc.newBlockingStub(channel), key)
                .check(CheckRequest.newBuilder()
                        .setSubject(subject)
                        .setResource("replay:1")
                        .setAction("execute")
                        .setTenant(tenant)
                        .build());
    }

    ApplyPolicyResponse apply(String key, ApplyPolicyHeader header, ApplyPolicyRequest... parts) {
        List<ApplyPolicyRequest> all = new ArrayList<>();
        all.add(ApplyPolicyRequest.newBuilder().setHeader(header).build());
        all.addAll(List.of(parts));
        return ChangeCall.send(with(PolicyServiceGrpc.newStub(channel), key), all);
    }

    PolicyServiceGrpc.PolicyServiceBlockingStub policies(String key) {
        return with(PolicyServiceGrpc.newBlockingStub(channel), key);
    }

    LedgerServiceGrpc.LedgerServiceBlockingStub ledger(String key) {
        return with(LedgerServiceGrpc.newBlockingStub(channel), key);
    }

    static <S extends AbstractStub<S>> S with(S stub, String key) {
        Metadata headers = new Metadata();
        headers.put(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), "Bearer " + key);
        return stub.withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers));
    }

    String key(String subject, String home, boolean allTenants, String... tenants) {
        Set<TenantId> reached = Arrays.stream(tenants).map(TenantId::new).collect(Collectors.toSet());
        return node.getInstance(ApiKeys.class)
                .create(
                        new KeyGrant(
                                Subject.parse(subject),
                                new TenantId(home),
                                allTenants,
                                reached,
                                Set.of(),
                                Set.of(),
                                "",
                                null),
                        Recorder.ASSIZE)
                .credential();
    }

    static ApplyPolicyHeader header() {
        return ApplyPolicyHeader.newBuilder().setReason("for the test").build();
    }

    static ApplyPolicyRequest put(String yaml) {
        return ChangeCall.put(yaml);
    }

    static String tenant(String name) {
        return """
                apiVersion: assize.dev/v1
                kind: Tenant
                metadata: {name: %s}
                spec: {environments: [default]}
                """.formatted(name);
    }

    static String role(String tenant) {
        return """
                apiVersion: assize.dev/v1
                kind: Role
                metadata: {tenant: %s, name: r}
                spec: {permissions: [{resources: [replay], actions: [execute]}]}
                """.formatted(tenant);
    }

    static String binding(String tenant, String role) {
        return """
                apiVersion: assize.dev/v1
                kind: RoleBinding
                metadata: {tenant: %s, name: b}
                spec: {subjects: ["user:alice"], role: %s}
                """.formatted(tenant, role);
    }

    /** Waits for a policy for as long as for the database. */
    private static DecisionConfig patient() {
        DecisionConfig usual = DecisionConfig.defaults();
        return new DecisionConfig(
                usual.cacheBytes(),
                usual.freshnessBound(),
                usual.pollInterval(),
                usual.freshnessBound(),
                usual.concurrentLoads(),
                usual.unknownTenants(),
                usual.unknownTenantTtl(),
                usual.pastBytes(),
                usual.pastGraphs(),
                usual.concurrentPastLoads());
    }

    /** All rooms of a node on a database. */
    static Module modules(TestDatabase database, Path directory, int port) {
        return modules(database, directory, port, InstantSource.system());
    }

    static Module modules(TestDatabase database, Path directory, int port, InstantSource clock) {
        return new AbstractModule() {
            @Provides
            @Singleton
            AuditSettings auditSettings(Provider<DecisionService> decisions) {
                return tenant -> decisions.get().audit(tenant).piiPatterns();
            }

            @Override
            protected void configure() {
                install(new AuthenticationModule());
                install(new AccessModule());
                install(new LedgerModule());
                install(new AuditModule());
                install(new AnchorModule());
                install(new RetentionModule());
                install(new DecisionModule());
                install(new RecordingModule());
                install(new NodesModule());
                install(new AdministrationModule());
                install(new StorageModule());
                install(new GrpcModule());
                bind(ArchiveStore.class).toInstance(new DirectoryArchive(directory.resolve("archive")));
                bind(ArchiveBundles.class).to(ClientBundles.class);
                bind(InstantSource.class).toInstance(clock);
                bind(Ticker.class).toInstance(Ticks.of(clock));
                bind(MeterRegistry.class).toInstance(new SimpleMeterRegistry());
                bind(StorageConfig.class).toInstance(database.patientConfig());
                bind(LedgerConfig.class).toInstance(LedgerConfig.defaults());
                bind(WitnessConfig.class).toInstance(WitnessConfig.defaults());
                bind(AnchorConfig.class).toInstance(AnchorConfig.defaults(directory.resolve("signing-keys")));
                bind(OutsideStore.class).toInstance(new FileOutsideStore(directory.resolve("anchor")));
                bind(CleanUpConfig.class).toInstance(CleanUpConfig.defaults());
                bind(RecordingConfig.class).toInstance(RecordingConfig.defaults());
                bind(DecisionConfig.class).toInstance(patient());
                bind(NodeIdentity.class).toInstance(NodeIdentity.starting("node", Duration.ofSeconds(60)));
                bind(AuthenticationConfig.class).toInstance(AuthenticationConfig.defaults(directory));
                bind(GrpcConfig.class)
                        .toInstance(new GrpcConfig(
                                "127.0.0.1",
                                port,
                                null,
                                GrpcConfig.Reflection.AUTHENTICATED,
                                GrpcConfig.DEFAULT_MAX_REQUEST_BYTES,
                                GrpcConfig.DEFAULT_MAX_METADATA_BYTES,
                                Duration.ZERO,
                                Duration.ofSeconds(5)));
            }
        };
    }
}
