package dev.assize.server.endpoint.envoy;

import com.google.inject.AbstractModule;
import com.google.inject.Singleton;
import com.google.inject.multibindings.Multibinder;
import dev.assize.server.endpoint.call.GuestService;

/** Puts Envoy's service among the guests of the gRPC port. Needs what every call passes. */
public final class EnvoyModule extends AbstractModule {

    private final Mapping mapping;

    public EnvoyModule(Mapping mapping) {
        this.mapping = mapping;
    }

    @Override
    protected void configure() {
        bind(Mapping.class).toInstance(mapping);
        bind(EnvoyMetrics.class).in(Singleton.class);
        bind(EnvoySpans.class).in(Singleton.class);
        bind(AuthorizationService.class).in(Singleton.class);
        Multibinder.newSetBinder(binder(), GuestService.class).addBinding().to(AuthorizationService.class);
    }
}
