package dev.assize.server.access;

import com.google.inject.AbstractModule;
import com.google.inject.Singleton;

/** Binds access control to the engine. */
public final class AccessModule extends AbstractModule {

    @Override
    protected void configure() {
        bind(AccessMetrics.class).in(Singleton.class);
        bind(AccessControl.class).to(EngineAccessControl.class).in(Singleton.class);
    }
}
