package dev.assize.server.retention;

import com.google.inject.AbstractModule;
import com.google.inject.Singleton;

/**
 * Binds erasing and pruning; needs a {@link RetentionRepository}, a {@link PruningRepository}, an archive with its
 * {@link ArchiveBundles}, a {@link PolicyKeeper}, a clock and a registry of meters.
 */
public final class RetentionModule extends AbstractModule {

    @Override
    protected void configure() {
        bind(RetentionMetrics.class).in(Singleton.class);
        bind(Erasures.class).in(Singleton.class);
        bind(Pruner.class).in(Singleton.class);
    }
}
