package dev.assize.server.endpoint.grpc;

import com.google.inject.AbstractModule;
import com.google.inject.Singleton;
import com.google.inject.multibindings.Multibinder;
import io.grpc.BindableService;

/** Has a sidecar serve appends by itself; needs an {@link dev.assize.server.audit.AuditIntake}. */
public final class SpooledAppendModule extends AbstractModule {

    @Override
    protected void configure() {
        bind(AppendCalls.class).in(Singleton.class);
        Multibinder.newSetBinder(binder(), BindableService.class)
                .addBinding()
                .to(SpooledAppendEndpoint.class)
                .in(Singleton.class);
    }
}
