package dev.assize.server.ledger;

import com.google.inject.AbstractModule;
import com.google.inject.Singleton;
import com.google.inject.multibindings.OptionalBinder;

/** Binds the appender and the verifier; needs a {@link LedgerStore}, a {@link Projector} and a {@link LedgerConfig}. */
public final class LedgerModule extends AbstractModule {

    @Override
    protected void configure() {
        bind(LedgerMetrics.class).in(Singleton.class);
        bind(Appender.class).in(Singleton.class);
        OptionalBinder.newOptionalBinder(binder(), BesideCheck.class);
        OptionalBinder.newOptionalBinder(binder(), MentionCheck.class);
        bind(ChainVerifier.class).in(Singleton.class);
    }
}
