package dev.assize.server.endpoint.authzen;

import com.google.inject.AbstractModule;
import com.google.inject.Singleton;
import com.sun.net.httpserver.HttpHandler;

/** Binds AuthZEN as the handler of the HTTP port. Needs an {@link AuthzenConfig} and what every call passes. */
public final class AuthzenModule extends AbstractModule {

    @Override
    protected void configure() {
        bind(AuthzenMetrics.class).in(Singleton.class);
        bind(HttpSpans.class).in(Singleton.class);
        bind(Denials.class).in(Singleton.class);
        bind(Requestable.class).in(Singleton.class);
        bind(Tasks.class).in(Singleton.class);
        bind(AccessRequests.class).in(Singleton.class);
        bind(Evaluations.class).in(Singleton.class);
        bind(Searches.Patience.class).toInstance(Searches.Patience.DEFAULT);
        bind(Searches.class).in(Singleton.class);
        bind(Metadata.class).in(Singleton.class);
        bind(AuthzenHandler.class).in(Singleton.class);
        bind(HttpHandler.class).to(AuthzenHandler.class);
    }
}
