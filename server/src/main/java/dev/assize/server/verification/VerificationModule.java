package dev.assize.server.verification;

import com.google.inject.AbstractModule;
import com.google.inject.Singleton;

/** Binds the patrol. Needs a {@link PatrolRepository} and a {@link VerificationConfig}. */
public final class VerificationModule extends AbstractModule {

    @Override
    protected void configure() {
        bind(PatrolMetrics.class).in(Singleton.class);
        bind(Patrol.class).in(Singleton.class);
    }
}
