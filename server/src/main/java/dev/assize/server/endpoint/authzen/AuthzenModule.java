package dev.assize.server.endpoint.authzen;

import com.google.inject.AbstractModule;
import com.google.inject.Singleton;

/** Binds AuthZEN as the handler of the HTTP port. Needs an {@link AuthzenConfig} and what every call passes. */
public final class AuthzenModule extends AbstractModule {

    @Override
    protected void configure() {
        install(new AuthzenDoorModule());
        bind(Tasks.class).in(Singleton.class);
        bind(AccessRequests.class).in(Singleton.class);
        bind(LocalFinder.Patience.class).toInstance(LocalFinder.Patience.DEFAULT);
        bind(LocalFinder.class).in(Singleton.class);
        bind(Finder.class).to(LocalFinder.class);
    }
}
