package dev.assize.server.endpoint.authzen;

import com.google.inject.AbstractModule;
import com.google.inject.Singleton;
import dev.assize.server.endpoint.call.CentreSearches;
import dev.assize.server.endpoint.call.PageTokens;

/**
 * The same at a sidecar, which has its centre search. Needs an {@link AuthzenConfig} without requests for access: their tokens
 * are sealed with a secret that outlives a start, which a sidecar does not have.
 */
public final class SidecarAuthzenModule extends AbstractModule {

    @Override
    protected void configure() {
        install(new AuthzenDoorModule());
        bind(PageTokens.class).in(Singleton.class);
        bind(CentreSearches.class).in(Singleton.class);
        bind(CentreFinder.class).in(Singleton.class);
        bind(Finder.class).to(CentreFinder.class);
    }
}
