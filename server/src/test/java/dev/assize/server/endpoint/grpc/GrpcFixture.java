package dev.assize.server.endpoint.grpc;

import com.github.benmanes.caffeine.cache.Ticker;
import com.google.inject.AbstractModule;
import com.google.inject.Guice;
import com.google.inject.Injector;
import com.google.inject.Module;
import com.google.inject.Stage;
import com.google.inject.multibindings.OptionalBinder;
import com.google.inject.util.Modules;
import dev.assize.proto.v1.AccessServiceGrpc;
import dev.assize.proto.v1.ApprovalServiceGrpc;
import dev.assize.proto.v1.DecisionServiceGrpc;
import dev.assize.proto.v1.LedgerServiceGrpc;
import dev.assize.proto.v1.PolicyServiceGrpc;
import dev.assize.server.access.AccessModule;
import dev.assize.server.administration.AdministrationModule;
import dev.assize.server.administration.ApprovalRepository;
import dev.assize.server.administration.CleanUpConfig;
import dev.assize.server.administration.CleanUpTurns;
import dev.assize.server.administration.ExpiredWaits;
import dev.assize.server.administration.InMemoryApprovalRepository;
import dev.assize.server.administration.InMemoryPolicyLedger;
import dev.assize.server.administration.InMemoryPolicyRecords;
import dev.assize.server.administration.InMemoryPolicyRepository;
import dev.assize.server.administration.InMemoryProposalRepository;
import dev.assize.server.administration.NoTenants;
import dev.assize.server.administration.NobodysTurn;
import dev.assize.server.administration.PolicyHistory;
import dev.assize.server.administration.PolicyLedger;
import dev.assize.server.administration.PolicyRepository;
import dev.assize.server.administration.ProposalRepository;
import dev.assize.server.administration.TenantRegister;
import dev.assize.server.administration.review.GrantRecords;
import dev.assize.server.administration.review.NothingWritten;
import dev.assize.server.anchor.Anchor;
import dev.assize.server.anchor.AnchorConfig;
import dev.assize.server.anchor.AnchorModule;
import dev.assize.server.anchor.AnchorRepository;
import dev.assize.server.anchor.OutsideStore;
import dev.assize.server.anchor.StandingRecords;
import dev.assize.server.anchor.WitnessConfig;
import dev.assize.server.audit.AuditCodec;
import dev.assize.server.audit.AuditExport;
import dev.assize.server.audit.AuditIndex;
import dev.assize.server.audit.AuditModule;
import dev.assize.server.audit.AuditSettings;
import dev.assize.server.audit.InMemorySpoolRepository;
import dev.assize.server.audit.Pseudonyms;
import dev.assize.server.audit.SpoolRepository;
import dev.assize.server.authentication.ApiKeyRepository;
import dev.assize.server.authentication.ApiKeys;
import dev.assize.server.authentication.AuthenticationConfig;
import dev.assize.server.authentication.AuthenticationModule;
import dev.assize.server.authentication.BelievedKeys;
import dev.assize.server.authentication.InMemoryApiKeyRepository;
import dev.assize.server.authentication.KeyGrant;
import dev.assize.server.decision.ApprovalPolicy;
import dev.assize.server.decision.DecisionService;
import dev.assize.server.decision.PolicyRecords;
import dev.assize.server.decision.PolicyStates;
import dev.assize.server.decision.SearchService;
import dev.assize.server.decision.node.InMemoryNodeRegistry;
import dev.assize.server.decision.node.NodeIdentity;
import dev.assize.server.decision.node.NodeRegistry;
import dev.assize.server.endpoint.call.CallSpans;
import dev.assize.server.ledger.InMemoryLedgerStore;
import dev.assize.server.ledger.LedgerConfig;
import dev.assize.server.ledger.LedgerModule;
import dev.assize.server.ledger.LedgerStore;
import dev.assize.server.ledger.archive.ArchiveStore;
import dev.assize.server.lineage.InMemoryLineageIndex;
import dev.assize.server.lineage.LineageIndex;
import dev.assize.server.lineage.LineageModule;
import dev.assize.server.model.Environment;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.recording.DecisionStore;
import dev.assize.server.recording.InMemoryDecisionStore;
import dev.assize.server.recording.RecordingConfig;
import dev.assize.server.recording.RecordingModule;
import dev.assize.server.retention.ArchiveBundles;
import dev.assize.server.retention.PolicyKeeper;
import dev.assize.server.retention.PruningRepository;
import dev.assize.server.retention.PseudonymRepository;
import dev.assize.server.retention.RetentionModule;
import dev.assize.server.retention.RetentionRepository;
import dev.assize.server.testing.FakeApprovalPolicy;
import io.grpc.CallOptions;
import io.grpc.ClientInterceptors;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Server;
import io.grpc.inprocess.InProcessChannelBuilder;
import io.grpc.inprocess.InProcessServerBuilder;
import io.grpc.stub.AbstractStub;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.MetadataUtils;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Collectors;

/** The real door on a transport inside the process, before an engine and stores that forget. */
public final class GrpcFixture implements AutoCloseable {

    public static final TenantId ACME = new TenantId("acme");

    public final FakeDecisions decisions = new FakeDecisions();
    public final FakeStates states = new FakeStates();
    public final FakeSearches searches = new FakeSearches();
    public final InstantSource clock = InstantSource.fixed(Instant.parse("2026-03-01T12:00:00Z"));

    /** How far what the door measures durations by is ahead of the machine's. */
    volatile Duration ahead = Duration.ZERO;

    public final InMemoryApiKeyRepository keyRepository = new InMemoryApiKeyRepository();
    public final SimpleMeterRegistry meters = new SimpleMeterRegistry();
    public final InMemoryLedgerStore ledger = new InMemoryLedgerStore(clock, new AuditCodec());
    final InMemorySpoolRepository spools = new InMemorySpoolRepository(ledger, clock);
    public final InMemoryDecisionStore records = new InMemoryDecisionStore(ledger);
    public final InMemoryPolicyRepository policies = new InMemoryPolicyRepository(ledger);
    public final InMemoryApprovalRepository approvals = new InMemoryApprovalRepository(ledger);
    public final InMemoryNodeRegistry nodes = new InMemoryNodeRegistry(clock);
    public final FakeApprovalPolicy approvalPolicy = new FakeApprovalPolicy();
    public final Injector injector;
    public final ManagedChannel channel;
    private final Server server;

    /** Reaches every tenant and may do everything. */
    public final String admin;

    /** `service:replay` of acme, reaching acme only, granted nothing. */
    public final String replay;

    public GrpcFixture(Path directory) {
        this(directory, GrpcConfig.defaults());
    }

    GrpcFixture(Path directory, GrpcConfig config) {
        this(directory, config, ExportCalls.Patience.DEFAULT);
    }

    /** With guests on the port. */
    public GrpcFixture(Path directory, Module guests) {
        this(directory, GrpcConfig.defaults(), ExportCalls.Patience.DEFAULT, CallSpans.none(), guests);
    }

    GrpcFixture(Path directory, GrpcConfig config, Module guests) {
        this(directory, config, ExportCalls.Patience.DEFAULT, CallSpans.none(), guests);
    }

    /** The same that makes spans. */
    public GrpcFixture(Path directory, Module guests, CallSpans spans) {
        this(directory, GrpcConfig.defaults(), ExportCalls.Patience.DEFAULT, spans, guests);
    }

    /** That makes spans. */
    public GrpcFixture(Path directory, CallSpans spans) {
        this(directory, GrpcConfig.defaults(), ExportCalls.Patience.DEFAULT, spans);
    }

    GrpcFixture(Path directory, GrpcConfig config, ExportCalls.Patience patience) {
        this(directory, config, patience, CallSpans.none(), Modules.EMPTY_MODULE);
    }

    GrpcFixture(Path directory, GrpcConfig config, ExportCalls.Patience patience, CallSpans spans) {
        this(directory, config, patience, spans, Modules.EMPTY_MODULE);
    }

    private GrpcFixture(
            Path directory, GrpcConfig config, ExportCalls.Patience patience, CallSpans spans, Module guests) {
        decisions.addTenant("acme");
        injector = Guice.createInjector(
                Stage.PRODUCTION,
                Modules.override(new AuthenticationModule())
                        .with(binder -> binder.bind(BelievedKeys.class).toInstance(keyRepository)),
                new AccessModule(),
                new LedgerModule(),
                new AuditModule(),
                new AnchorModule(),
                new LineageModule(),
                new RecordingModule(),
                new RetentionModule(),
                new AdministrationModule(),
                Modules.override(new GrpcModule()).with(new AbstractModule() {
                    @Override
                    protected void configure() {
                        bind(ExportCalls.Patience.class).toInstance(patience);
                    }
                }),
                guests,
                new Surroundings(directory, config, spans));
        injector.getInstance(Anchor.class).round();
        admin = key("user:admin", "assize", true);
        replay = key("service:replay", "acme", false, "acme");
        String name = UUID.randomUUID().toString();
        GrpcServices services = injector.getInstance(GrpcServices.class);
        try {
            server =
                    services.addTo(InProcessServerBuilder.forName(name)).build().start();
        } catch (IOException e) {
            throw new IllegalStateException("In-process servers always start", e);
        }
        services.serving(true);
        channel = InProcessChannelBuilder.forName(name).build();
    }

    public String key(String subject, String home, boolean allTenants, String... tenants) {
        return key(subject, home, allTenants, Set.of(), Set.of(), tenants);
    }

    public String key(
            String subject, String home, boolean allTenants, Set<String> envs, Set<String> rpcs, String... tenants) {
        return injector.getInstance(ApiKeys.class)
                .create(
                        new KeyGrant(
                                Subject.parse(subject),
                                new TenantId(home),
                                allTenants,
                                Arrays.stream(tenants).map(TenantId::new).collect(Collectors.toSet()),
                                envs.stream().map(Environment::new).collect(Collectors.toSet()),
                                rpcs,
                                "",
                                null),
                        Recorder.ASSIZE)
                .credential();
    }

    DecisionServiceGrpc.DecisionServiceBlockingStub decisions(String key) {
        return with(DecisionServiceGrpc.newBlockingStub(channel), key);
    }

    LedgerServiceGrpc.LedgerServiceBlockingStub ledger(String key) {
        return with(LedgerServiceGrpc.newBlockingStub(channel), key);
    }

    ApprovalServiceGrpc.ApprovalServiceBlockingStub approvals(String key) {
        return with(ApprovalServiceGrpc.newBlockingStub(channel), key);
    }

    AccessServiceGrpc.AccessServiceBlockingStub access(String key) {
        return with(AccessServiceGrpc.newBlockingStub(channel), key);
    }

    PolicyServiceGrpc.PolicyServiceBlockingStub policies(String key) {
        return with(PolicyServiceGrpc.newBlockingStub(channel), key);
    }

    <S extends AbstractStub<S>> S with(S stub, String key) {
        Metadata headers = new Metadata();
        headers.put(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), "Bearer " + key);
        return stub.withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers));
    }

    /** The first answer of a method of DecisionService to a message of whatever bytes, sent by the admin. */
    byte[] ask(String rpc, byte[] message) {
        MethodDescriptor<MessageBytes, MessageBytes> raw = MethodDescriptor.newBuilder(
                        MessageBytes.MARSHALLER, MessageBytes.MARSHALLER)
                .setType(MethodDescriptor.MethodType.SERVER_STREAMING)
                .setFullMethodName(DecisionServiceGrpc.SERVICE_NAME + "/" + rpc)
                .build();
        Metadata headers = new Metadata();
        headers.put(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), "Bearer " + admin);
        return ClientCalls.blockingServerStreamingCall(
                        ClientInterceptors.intercept(channel, MetadataUtils.newAttachHeadersInterceptor(headers)),
                        raw,
                        CallOptions.DEFAULT,
                        new MessageBytes(message))
                .next()
                .bytes();
    }

    @Override
    public void close() {
        channel.shutdownNow();
        server.shutdownNow();
    }

    private final class Surroundings extends AbstractModule {

        private final Path directory;
        private final GrpcConfig config;
        private final CallSpans spans;

        Surroundings(Path directory, GrpcConfig config, CallSpans spans) {
            this.directory = directory;
            this.config = config;
            this.spans = spans;
        }

        @Override
        protected void configure() {
            bind(InstantSource.class).toInstance(clock);
            bind(Ticker.class).toInstance(() -> System.nanoTime() + ahead.toNanos());
            bind(MeterRegistry.class).toInstance(meters);
            bind(DecisionService.class).toInstance(decisions);
            bind(SearchService.class).toInstance(searches);
            bind(ApiKeyRepository.class).toInstance(keyRepository);
            bind(DecisionStore.class).toInstance(records);
            bind(RecordingConfig.class).toInstance(RecordingConfig.defaults());
            bind(LedgerStore.class).toInstance(ledger);
            bind(ApprovalRepository.class).toInstance(approvals);
            bind(ApprovalPolicy.class).toInstance(approvalPolicy);
            bind(NodeIdentity.class).toInstance(NodeIdentity.starting("here", Duration.ofSeconds(60)));
            bind(PolicyStates.class).toInstance(states);
            bind(NodeRegistry.class).toInstance(nodes);
            bind(PolicyRepository.class).toInstance(policies);
            bind(ProposalRepository.class).toInstance(new InMemoryProposalRepository(policies, ledger));
            bind(PolicyHistory.class).toInstance(policies);
            bind(PolicyRecords.class).toInstance(new InMemoryPolicyRecords(policies, ledger));
            bind(PolicyLedger.class).toInstance(new InMemoryPolicyLedger(ledger));
            InMemoryAuditIndex index = new InMemoryAuditIndex(ledger);
            bind(AuditSettings.class)
                    .toInstance(tenant -> decisions.audit(tenant).piiPatterns());
            bind(AuditIndex.class).toInstance(index);
            bind(SpoolRepository.class).toInstance(spools);
            bind(AuditExport.class).toInstance(index);
            bind(LineageIndex.class).toInstance(new InMemoryLineageIndex(ledger));
            bind(CleanUpConfig.class).toInstance(CleanUpConfig.defaults());
            bind(CleanUpTurns.class).toInstance(new NobodysTurn());
            bind(ExpiredWaits.class).toInstance((by, limit) -> List.of());
            bind(TenantRegister.class).toInstance(new NoTenants());
            bind(GrantRecords.class).toInstance(new NothingWritten());
            NothingKept nothing = new NothingKept();
            bind(RetentionRepository.class).toInstance(nothing);
            bind(PseudonymRepository.class).toInstance(nothing);
            bind(Pseudonyms.class).toInstance((_, subject) -> subject);
            bind(StandingRecords.class).toInstance(_ -> Optional.empty());
            NothingPruned unpruned = new NothingPruned();
            bind(PruningRepository.class).toInstance(unpruned);
            bind(ArchiveStore.class).toInstance(unpruned);
            bind(ArchiveBundles.class).toInstance(unpruned);
            bind(PolicyKeeper.class).toInstance(unpruned);
            bind(LedgerConfig.class).toInstance(LedgerConfig.defaults());
            bind(WitnessConfig.class).toInstance(WitnessConfig.defaults());
            bind(AnchorConfig.class).toInstance(AnchorConfig.defaults(directory.resolve("signing-keys")));
            NothingSigned unsigned = new NothingSigned();
            bind(AnchorRepository.class).toInstance(unsigned);
            bind(OutsideStore.class).toInstance(unsigned);
            bind(AuthenticationConfig.class).toInstance(AuthenticationConfig.defaults(directory));
            bind(GrpcConfig.class).toInstance(config);
            OptionalBinder.newOptionalBinder(binder(), CallSpans.class)
                    .setBinding()
                    .toInstance(spans);
        }
    }
}
