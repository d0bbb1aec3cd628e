package dev.assize.server.upstream.forward;

import com.google.inject.AbstractModule;
import com.google.inject.Singleton;
import dev.assize.server.audit.AuditIntake;
import dev.assize.server.spool.SpoolConfig;

/** Binds forwarding and the intake that spools; needs the channel to the server with the ledgers, and whom to serve. */
public final class ForwardModule extends AbstractModule {

    private final SpoolConfig config;

    public ForwardModule(SpoolConfig config) {
        this.config = config;
    }

    @Override
    protected void configure() {
        bind(SpoolConfig.class).toInstance(config);
        bind(LedgerLink.class).in(Singleton.class);
        bind(ForwardMetrics.class).in(Singleton.class);
        bind(Forwarding.class).in(Singleton.class);
        bind(AuditIntake.class).to(SpoolingIntake.class).in(Singleton.class);
    }
}
