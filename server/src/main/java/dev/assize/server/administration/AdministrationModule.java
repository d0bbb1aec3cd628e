package dev.assize.server.administration;

import com.google.inject.AbstractModule;
import com.google.inject.Singleton;

/** Binds the administration of policy and approvals. Needs their repositories and the engine. */
public final class AdministrationModule extends AbstractModule {

    @Override
    protected void configure() {
        bind(PolicyAdministration.class).in(Singleton.class);
        bind(CleanUp.class).in(Singleton.class);
        bind(CleanUpTask.class).in(Singleton.class);
        bind(ExpiryRounds.class).in(Singleton.class);
        bind(TenantLife.class).in(Singleton.class);
        bind(Shorthands.class).in(Singleton.class);
        bind(Proposals.class).in(Singleton.class);
        bind(Approvals.class).in(Singleton.class);
        bind(PolicyRevisions.class).in(Singleton.class);
        bind(PolicyReplays.class).in(Singleton.class);
        bind(Bootstrap.class).in(Singleton.class);
    }
}
