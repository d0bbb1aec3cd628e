package dev.assize.server.app;

import com.github.benmanes.caffeine.cache.Ticker;
import com.google.inject.AbstractModule;
import com.google.inject.Provider;
import com.google.inject.Provides;
import com.google.inject.Singleton;
import com.google.inject.multibindings.OptionalBinder;
import dev.assize.server.access.AccessModule;
import dev.assize.server.administration.AdministrationModule;
import dev.assize.server.administration.CleanUpConfig;
import dev.assize.server.administration.SnapshotConfig;
import dev.assize.server.administration.SnapshotRounds;
import dev.assize.server.administration.SnapshotsModule;
import dev.assize.server.anchor.Anchor;
import dev.assize.server.anchor.AnchorConfig;
import dev.assize.server.anchor.AnchorModule;
import dev.assize.server.anchor.OutsideStore;
import dev.assize.server.anchor.WitnessConfig;
import dev.assize.server.audit.AuditModule;
import dev.assize.server.audit.AuditSettings;
import dev.assize.server.authentication.AuthenticationConfig;
import dev.assize.server.authentication.AuthenticationModule;
import dev.assize.server.authentication.BreakGlass;
import dev.assize.server.decision.DecisionConfig;
import dev.assize.server.decision.DecisionModule;
import dev.assize.server.decision.DecisionService;
import dev.assize.server.decision.NodesModule;
import dev.assize.server.decision.PolicyWatch;
import dev.assize.server.decision.node.NodeIdentity;
import dev.assize.server.endpoint.authzen.AuthzenConfig;
import dev.assize.server.endpoint.authzen.AuthzenModule;
import dev.assize.server.endpoint.call.CallSpans;
import dev.assize.server.endpoint.envoy.EnvoyConfig;
import dev.assize.server.endpoint.envoy.EnvoyModule;
import dev.assize.server.endpoint.envoy.Mapping;
import dev.assize.server.endpoint.grpc.GrpcConfig;
import dev.assize.server.endpoint.grpc.GrpcModule;
import dev.assize.server.endpoint.grpc.GrpcServer;
import dev.assize.server.endpoint.operations.OperationsConfig;
import dev.assize.server.endpoint.operations.OperationsModule;
import dev.assize.server.endpoint.operations.ReadinessCheck;
import dev.assize.server.ledger.LedgerConfig;
import dev.assize.server.ledger.LedgerModule;
import dev.assize.server.ledger.archive.ArchiveStore;
import dev.assize.server.lineage.LineageModule;
import dev.assize.server.model.PiiPattern;
import dev.assize.server.model.TenantId;
import dev.assize.server.recording.RecordingConfig;
import dev.assize.server.recording.RecordingModule;
import dev.assize.server.retention.ArchiveBundles;
import dev.assize.server.retention.RetentionModule;
import dev.assize.server.storage.DatabaseHealth;
import dev.assize.server.storage.PartitionHealth;
import dev.assize.server.storage.StorageConfig;
import dev.assize.server.storage.StorageModule;
import dev.assize.server.verification.Patrol;
import dev.assize.server.verification.VerificationConfig;
import dev.assize.server.verification.VerificationModule;
import io.micrometer.core.instrument.Clock;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmThreadMetrics;
import io.micrometer.core.instrument.binder.system.ProcessorMetrics;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The rooms, and what they share: clock, meters and their configuration. */
final class ServerModule extends AbstractModule {

    private final ServerConfig config;

    /** Read before the wiring begins, which would make a stack trace of what is wrong with it. Null without Envoy. */
    private final @Nullable Mapping mapping;

    ServerModule(ServerConfig config) {
        this.config = config;
        this.mapping = mapping(config.envoy());
    }

    static @Nullable Mapping mapping(EnvoyConfig config) {
        Path file = config.mappingFile();
        return file == null ? null : Mapping.read(file);
    }

    @Override
    protected void configure() {
        binder().requireExplicitBindings();
        binder().disableCircularProxies();

        install(new StorageModule());
        install(new LedgerModule());
        install(new AuditModule());
        install(new AnchorModule());
        install(new LineageModule());
        install(new VerificationModule());
        install(new RetentionModule());
        install(new DecisionModule());
        install(new RecordingModule());
        install(new NodesModule());
        install(new AdministrationModule());
        install(new SnapshotsModule());
        install(new AuthenticationModule());
        install(new AccessModule());
        install(new GrpcModule());
        install(new AuthzenModule());
        if (mapping != null) {
            install(new EnvoyModule(mapping));
        }
        install(new OperationsModule());

        bind(StorageConfig.class).toInstance(config.storage());
        bind(LedgerConfig.class).toInstance(config.ledger());
        bind(AnchorConfig.class).toInstance(config.anchor());
        bind(WitnessConfig.class).toInstance(config.witnesses());
        bind(SnapshotConfig.class).toInstance(config.snapshots());
        bind(VerificationConfig.class).toInstance(config.verification());
        bind(OutsideStore.class).toInstance(config.outside().open());
        bind(ArchiveStore.class).toInstance(config.archive().open());
        bind(ArchiveBundles.class).to(ClientBundles.class).in(Singleton.class);
        bind(DecisionConfig.class).toInstance(config.decision());
        bind(NodeIdentity.class)
                .toInstance(NodeIdentity.starting(
                        config.nodeName(), config.decision().freshnessBound()));
        bind(RecordingConfig.class).toInstance(config.recording());
        bind(CleanUpConfig.class).toInstance(config.cleanUp());
        bind(AuthenticationConfig.class).toInstance(config.authentication());
        bind(GrpcConfig.class).toInstance(config.grpc());
        bind(AuthzenConfig.class).toInstance(config.authzen());
        bind(OperationsConfig.class).toInstance(config.operations());
        bind(InstantSource.class).toInstance(InstantSource.system());
        bind(Ticker.class).toInstance(Ticker.systemTicker());
        bind(MeterRegistry.class).to(PrometheusMeterRegistry.class);
        Tracing tracing = Tracing.of(config.tracing(), config.nodeName());
        bind(Tracing.class).toInstance(tracing);
        OptionalBinder.newOptionalBinder(binder(), CallSpans.class).setBinding().toInstance(tracing.spans());
    }

    /** Asked for by the log that decisions may be recorded in, hence not before it is needed. */
    @Provides
    @Singleton
    static AuditSettings auditSettings(Provider<DecisionService> decisions) {
        return new AuditSettings() {
            @Override
            public List<PiiPattern> piiPatterns(TenantId tenant) {
                return decisions.get().audit(tenant).piiPatterns();
            }

            @Override
            public Set<String> pseudonyms(TenantId tenant) {
                return Set.copyOf(decisions.get().audit(tenant).pseudonyms());
            }
        };
    }

    @Provides
    @Singleton
    static PrometheusMeterRegistry meters(Tracing tracing) {
        PrometheusMeterRegistry registry = tracing.isOn()
                ? new PrometheusMeterRegistry(
                        PrometheusConfig.DEFAULT, new PrometheusRegistry(), Clock.SYSTEM, new TracedMeasurements())
                : new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
        new JvmMemoryMetrics().bindTo(registry);
        new JvmThreadMetrics().bindTo(registry);
        new ProcessorMetrics().bindTo(registry);
        FunctionCounter.builder("assize.log.lost", LogLines.class, any -> LogLines.lost())
                .description("Lines of the log that were lost because nobody read those before them")
                .register(registry);
        return registry;
    }

    @Provides
    @Singleton
    static List<ReadinessCheck> readiness(
            DatabaseHealth database,
            PartitionHealth partitions,
            BreakGlass breakGlass,
            PolicyWatch policy,
            Anchor anchor,
            Patrol patrol,
            SnapshotRounds snapshots,
            Serving serving) {
        return List.of(
                new ReadinessCheck("database", database::complaint),
                new ReadinessCheck(
                        "policy",
                        () -> policy.isFresh()
                                ? Optional.empty()
                                : Optional.of(
                                        "not confirmed for " + policy.age().toSeconds() + " s")),
                new ReadinessCheck(
                        "clock",
                        () -> policy.isOnTime()
                                ? Optional.empty()
                                : Optional.of(policy.clockOffset().toMillis() / 1_000.0
                                        + " s off the database's, expected at most "
                                        + PolicyWatch.CLOCK_TOLERANCE.toSeconds() + " s")),
                ReadinessCheck.ofNotice("anchor", anchor::complaint),
                ReadinessCheck.ofNotice("ledgers", patrol::complaint),
                ReadinessCheck.ofNotice("stored policy", snapshots::complaint),
                ReadinessCheck.ofNotice("partitions", partitions::complaint),
                ReadinessCheck.ofNotice("break-glass", breakGlass::complaint),
                new ReadinessCheck("grpc", serving::complaint));
    }

    @Provides
    @Singleton
    static ServingHealth health(GrpcServer grpc, PolicyWatch policy, DatabaseHealth database) {
        return new ServingHealth(
                grpc::serving,
                () -> policy.isFresh() && policy.isOnTime(),
                () -> database.complaint().isEmpty());
    }

    /** Whether the server as a whole takes calls, between the end of its start and the beginning of its stop. */
    @Provides
    @Singleton
    static Serving serving() {
        return new Serving();
    }
}
