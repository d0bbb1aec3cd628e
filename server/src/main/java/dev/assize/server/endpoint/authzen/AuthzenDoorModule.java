package dev.assize.server.endpoint.authzen;

import com.google.inject.AbstractModule;
import com.google.inject.Singleton;
import com.google.inject.multibindings.OptionalBinder;
import com.sun.net.httpserver.HttpHandler;

/** Binds what AuthZEN is everywhere. Who searches is bound beside it, and who takes requests for access, if anybody. */
final class AuthzenDoorModule extends AbstractModule {

    @Override
    protected void configure() {
        bind(AuthzenMetrics.class).in(Singleton.class);
        bind(HttpSpans.class).in(Singleton.class);
        bind(Denials.class).in(Singleton.class);
        bind(Requestable.class).in(Singleton.class);
        OptionalBinder.newOptionalBinder(binder(), AccessRequests.class);
        bind(Evaluations.class).in(Singleton.class);
        bind(Searches.class).in(Singleton.class);
        bind(Metadata.class).in(Singleton.class);
        bind(AuthzenHandler.class).in(Singleton.class);
        bind(HttpHandler.class).to(AuthzenHandler.class);
    }
}
