package dev.assize.server.lineage;

import com.google.inject.AbstractModule;
import com.google.inject.Singleton;

/** Binds the search for lineage. Needs a {@link LineageIndex}. */
public final class LineageModule extends AbstractModule {

    @Override
    protected void configure() {
        bind(LineageTracer.class).in(Singleton.class);
    }
}
