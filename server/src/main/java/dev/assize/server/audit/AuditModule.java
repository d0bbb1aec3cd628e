package dev.assize.server.audit;

import com.google.inject.AbstractModule;
import com.google.inject.Singleton;
import dev.assize.server.ledger.Projector;

/** Binds the log and the encoding; needs the ledger's appender and a {@link SpoolRepository}. */
public final class AuditModule extends AbstractModule {

    @Override
    protected void configure() {
        bind(AuditCodec.class).in(Singleton.class);
        bind(Projector.class).to(AuditCodec.class);
        bind(RecordedOnce.class).in(Singleton.class);
        bind(AuditLog.class).to(LedgerAuditLog.class).in(Singleton.class);
        bind(AuditIntake.class).to(LedgerIntake.class).in(Singleton.class);
        bind(SpoolMetrics.class).in(Singleton.class);
        bind(SpooledLog.class).in(Singleton.class);
    }
}
