package dev.assize.server.endpoint.operations;

import com.google.inject.AbstractModule;
import com.google.inject.Singleton;

/** Binds the operator's port. Needs an {@link OperationsConfig}, a Prometheus registry, the readiness checks and who handles other paths. */
public final class OperationsModule extends AbstractModule {

    @Override
    protected void configure() {
        bind(OperationsServer.class).in(Singleton.class);
    }
}
