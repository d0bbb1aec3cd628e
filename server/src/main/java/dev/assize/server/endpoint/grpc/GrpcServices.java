package dev.assize.server.endpoint.grpc;

import com.google.inject.Inject;
import dev.assize.proto.v1.DecisionServiceGrpc;
import dev.assize.server.endpoint.call.GuestService;
import io.grpc.BindableService;
import io.grpc.ServerBuilder;
import io.grpc.ServerInterceptors;
import io.grpc.ServerServiceDefinition;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.protobuf.services.HealthStatusManager;
import io.grpc.protobuf.services.ProtoReflectionServiceV1;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/** All services with the interceptors before them, to be put on any transport. */
public final class GrpcServices {

    private final Endpoints endpoints;
    private final Set<GuestService> guests;

    /** What they are called. */
    private final List<String> services;

    private final CheckMethods checks;
    private final PlainCalls plain;
    private final MetricsInterceptor measured;
    private final SpanInterceptor spanned;
    private final PromptInterceptor prompt;
    private final AuthenticationInterceptor authenticated;
    private final MalformedMessageInterceptor wellFormed;
    private final Watches watches;
    private final GrpcConfig config;
    private final HealthStatusManager health = new HealthStatusManager();

    @Inject
    GrpcServices(
            Endpoints endpoints,
            CheckMethods checks,
            PlainCalls plain,
            Set<GuestService> guests,
            MetricsInterceptor measured,
            SpanInterceptor spanned,
            PromptInterceptor prompt,
            AuthenticationInterceptor authenticated,
            MalformedMessageInterceptor wellFormed,
            Watches watches,
            GrpcConfig config) {
        this.endpoints = endpoints;
        this.guests = guests;
        this.services = Stream.concat(
                        endpoints.services().stream(), guests.stream().map(BindableService::bindService))
                .map(service -> service.getServiceDescriptor().getName())
                .toList();
        this.checks = checks;
        this.plain = plain;
        this.measured = measured;
        this.spanned = spanned;
        this.prompt = prompt;
        this.authenticated = authenticated;
        this.wellFormed = wellFormed;
        this.watches = watches;
        this.config = config;
        serving(false);
    }

    /** Adds everything to a server that is being built, and where it runs. */
    public <B extends ServerBuilder<B>> B addTo(B builder) {
        builder.directExecutor().decompressorRegistry(GzipLater.registry()).addTransportFilter(new Connections());
        for (ServerServiceDefinition endpoint : endpoints.services()) {
            builder.addService(guarded(checks.in(ServerInterceptors.intercept(read(endpoint), wellFormed))));
        }
        for (GuestService guest : guests) {
            builder.addService(ServerInterceptors.intercept(read(guest.bindService()), prompt, measured));
        }
        builder.addService(guarded(read(health.getHealthService().bindService())));
        if (config.reflection() != GrpcConfig.Reflection.OFF) {
            builder.addService(
                    guarded(read(ProtoReflectionServiceV1.newInstance().bindService())));
        }
        return builder;
    }

    /** What health says of the server as a whole and of each service. */
    public void serving(boolean serving) {
        serving(serving, serving);
    }

    /** The same where decisions may be served although nothing else can be; the server as a whole serves everything. */
    void serving(boolean decisions, boolean others) {
        services.forEach(name ->
                health.setStatus(name, status(decisions && (others || name.equals(DecisionServiceGrpc.SERVICE_NAME)))));
        health.setStatus(HealthStatusManager.SERVICE_NAME_ALL_SERVICES, status(decisions && others));
    }

    private static ServingStatus status(boolean serving) {
        return serving ? ServingStatus.SERVING : ServingStatus.NOT_SERVING;
    }

    /** Health says NOT_SERVING from now on, whatever else is said. */
    void stopServing() {
        health.enterTerminalState();
    }

    /** Who listens is told to go elsewhere, and nobody is taken in who would listen. */
    void endWatches() {
        watches.close();
    }

    /** The service with its messages read where its calls are handled, which need not be where they arrive. */
    private static ServerServiceDefinition read(ServerServiceDefinition service) {
        return ServerInterceptors.useMarshalledMessages(service, MessageBytes.READ_LATER);
    }

    private ServerServiceDefinition guarded(ServerServiceDefinition service) {
        // The last one named is the first one called.
        return spanned.isNeeded()
                ? ServerInterceptors.intercept(service, spanned, authenticated, prompt, measured)
                : plain.before(ServerInterceptors.intercept(service, authenticated, prompt, measured));
    }
}
