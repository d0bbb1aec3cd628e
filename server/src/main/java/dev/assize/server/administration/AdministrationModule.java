package dev.assize.server.administration;

import com.google.inject.AbstractModule;
import com.google.inject.Singleton;

/** Binds policy administration. Needs a {@link PolicyRepository} and the engine. */
public final class AdministrationModule extends AbstractModule {

    @Override
    protected void configure() {
        bind(PolicyAdministration.class).in(Singleton.class);
        bind(Bootstrap.class).in(Singleton.class);
    }
}
