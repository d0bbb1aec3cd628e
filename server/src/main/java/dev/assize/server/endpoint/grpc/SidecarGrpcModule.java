package dev.assize.server.endpoint.grpc;

import com.google.inject.AbstractModule;
import com.google.inject.Provides;
import com.google.inject.Singleton;
import com.google.inject.multibindings.Multibinder;
import io.grpc.BindableService;

/**
 * Binds the gRPC door of a sidecar. Needs a {@link GrpcConfig}, the engine, authentication and a centre. Services that are
 * bound as one of a set of {@link BindableService} have the methods that {@link SidecarCalls} says are answered here.
 */
public final class SidecarGrpcModule extends AbstractModule {

    @Override
    protected void configure() {
        install(new CheckModule());
        Multibinder.newSetBinder(binder(), BindableService.class);
        bind(Watches.class).in(Singleton.class);
        bind(PolicyParts.class).in(Singleton.class);
        bind(WatchCalls.class).in(Singleton.class);
        bind(SidecarCalls.class).in(Singleton.class);
        bind(GrpcServices.class).in(Singleton.class);
        bind(GrpcServer.class).in(Singleton.class);
    }

    @Provides
    @Singleton
    static Endpoints endpoints(SidecarCalls calls) {
        return calls.endpoints();
    }
}
