package dev.assize.server.retention;

import com.google.inject.AbstractModule;
import com.google.inject.Singleton;

/** Binds erasing; needs a {@link RetentionRepository} and a registry of meters. */
public final class RetentionModule extends AbstractModule {

    @Override
    protected void configure() {
        bind(RetentionMetrics.class).in(Singleton.class);
        bind(Erasures.class).in(Singleton.class);
    }
}
