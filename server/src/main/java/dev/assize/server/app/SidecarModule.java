package dev.assize.server.app;

import com.github.benmanes.caffeine.cache.Ticker;
import com.google.inject.AbstractModule;
import com.google.inject.Provider;
import com.google.inject.Provides;
import com.google.inject.Singleton;
import com.google.inject.multibindings.OptionalBinder;
import dev.assize.server.authentication.ApiKeyRepository;
import dev.assize.server.authentication.ApiKeys;
import dev.assize.server.authentication.AuthenticationConfig;
import dev.assize.server.authentication.BelievedKeys;
import dev.assize.server.authentication.BreakGlass;
import dev.assize.server.authentication.LocalKeys;
import dev.assize.server.authentication.Pepper;
import dev.assize.server.decision.DecisionConfig;
import dev.assize.server.decision.DecisionModule;
import dev.assize.server.decision.NodesModule;
import dev.assize.server.decision.PolicyWatch;
import dev.assize.server.decision.node.NodeIdentity;
import dev.assize.server.endpoint.authzen.AuthzenConfig;
import dev.assize.server.endpoint.authzen.SidecarAuthzenModule;
import dev.assize.server.endpoint.call.CallSpans;
import dev.assize.server.endpoint.envoy.EnvoyModule;
import dev.assize.server.endpoint.envoy.Mapping;
import dev.assize.server.endpoint.grpc.GrpcConfig;
import dev.assize.server.endpoint.grpc.GrpcServer;
import dev.assize.server.endpoint.grpc.SidecarGrpcModule;
import dev.assize.server.endpoint.grpc.SpooledAppendModule;
import dev.assize.server.endpoint.operations.OperationsConfig;
import dev.assize.server.endpoint.operations.OperationsModule;
import dev.assize.server.endpoint.operations.ReadinessCheck;
import dev.assize.server.model.Recorder;
import dev.assize.server.recording.DecisionStore;
import dev.assize.server.upstream.Authority;
import dev.assize.server.upstream.Upstream;
import dev.assize.server.upstream.UpstreamConfig;
import dev.assize.server.upstream.UpstreamModule;
import dev.assize.server.upstream.forward.ForwardModule;
import dev.assize.server.upstream.forward.ForwardedTenants;
import dev.assize.server.upstream.forward.Forwarding;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.security.SecureRandom;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The rooms of a sidecar: those that a check passes, and in the place of a database its centre. */
final class SidecarModule extends AbstractModule {

    private final SidecarConfig config;
    private final InstantSource clock;
    private final Ticker steady;

    /** Read before the wiring begins. Null without Envoy. */
    private final @Nullable Mapping mapping;

    SidecarModule(SidecarConfig config, InstantSource clock, Ticker steady) {
        this.config = config;
        this.clock = clock;
        this.steady = steady;
        this.mapping = ServerModule.mapping(config.envoy());
    }

    @Override
    protected void configure() {
        binder().requireExplicitBindings();
        binder().disableCircularProxies();

        install(new UpstreamModule());
        install(new DecisionModule());
        install(new NodesModule());
        install(new SidecarGrpcModule());
        install(new SpooledAppendModule());
        install(new ForwardModule(config.spool()));
        if (mapping != null) {
            install(new EnvoyModule(mapping));
        }
        install(new SidecarAuthzenModule());
        install(new OperationsModule());

        bind(ApiKeys.class).in(Singleton.class);
        bind(BreakGlass.class).in(Singleton.class);
        bind(ApiKeyRepository.class).to(LocalKeys.class);
        bind(BelievedKeys.class).to(LocalKeys.class);
        // What is to go on record is asked at the centre, which records it.
        bind(DecisionStore.class).toInstance(Unused.port(DecisionStore.class));

        bind(UpstreamConfig.class).toInstance(config.upstream());
        bind(ForwardedTenants.class)
                .toInstance(new ForwardedTenants(Set.copyOf(config.upstream().tenants())));
        bind(DecisionConfig.class).toInstance(config.decision());
        bind(NodeIdentity.class)
                .toInstance(NodeIdentity.starting(
                        config.nodeName(), config.decision().freshnessBound()));
        bind(AuthenticationConfig.class).toInstance(config.authentication());
        bind(GrpcConfig.class).toInstance(config.grpc());
        bind(AuthzenConfig.class).toInstance(config.authzen());
        bind(OperationsConfig.class).toInstance(config.operations());
        bind(InstantSource.class).toInstance(clock);
        bind(Ticker.class).toInstance(steady);
        bind(MeterRegistry.class).to(PrometheusMeterRegistry.class);

        Tracing tracing = Tracing.of(config.tracing(), config.nodeName());
        bind(Tracing.class).toInstance(tracing);
        OptionalBinder.newOptionalBinder(binder(), CallSpans.class).setBinding().toInstance(tracing.spans());
    }

    /** There is no database that could be away: what the centre is asked for fails by itself. */
    @Provides
    @Singleton
    static ServingHealth health(GrpcServer grpc, PolicyWatch policy) {
        return new ServingHealth(grpc::serving, () -> policy.isFresh() && policy.isOnTime(), () -> true);
    }

    /** Of this process: what it is good for ends with it. */
    @Provides
    @Singleton
    static Pepper pepper() {
        byte[] secret = new byte[32];
        new SecureRandom().nextBytes(secret);
        return Pepper.of(secret);
    }

    /** Who calls here is this sidecar itself, whom its key at the centre authenticates. */
    @Provides
    @Singleton
    LocalKeys localKeys(Pepper pepper, Provider<Upstream> upstream) {
        return LocalKeys.open(
                config.home().resolve("local-key"),
                pepper,
                Set.copyOf(config.upstream().tenants()),
                () -> {
                    Authority self = upstream.get().self();
                    return new Recorder(self.self(), self.home());
                });
    }

    @Provides
    @Singleton
    static PrometheusMeterRegistry meters(Tracing tracing) {
        return ServerModule.meters(tracing);
    }

    @Provides
    @Singleton
    static List<ReadinessCheck> readiness(
            Upstream upstream, Forwarding forwarding, PolicyWatch policy, Serving serving) {
        return List.of(
                ReadinessCheck.ofNotice("centre", upstream::complaint),
                ReadinessCheck.ofNotice("spool", forwarding::complaint),
                new ReadinessCheck(
                        "policy",
                        () -> policy.isFresh()
                                ? Optional.empty()
                                : Optional.of("not confirmed by the centre within the freshness bound")),
                new ReadinessCheck(
                        "clock",
                        () -> policy.isOnTime()
                                ? Optional.empty()
                                : Optional.of(policy.clockOffset().toMillis() / 1_000.0
                                        + " s off the centre's, expected at most "
                                        + PolicyWatch.CLOCK_TOLERANCE.toSeconds() + " s")),
                new ReadinessCheck("grpc", serving::complaint));
    }

    /** Whether the sidecar takes calls, between the end of its start and the beginning of its stop. */
    @Provides
    @Singleton
    static Serving serving() {
        return new Serving();
    }
}
