package dev.assize.server.recording;

import com.google.inject.AbstractModule;
import com.google.inject.Singleton;
import com.google.inject.multibindings.OptionalBinder;
import dev.assize.server.decision.DecisionRecorder;
import dev.assize.server.ledger.BesideCheck;

/** Binds the record of decisions; needs a {@link DecisionStore}, a {@link RecordingConfig} and the audit room's encoding. */
public final class RecordingModule extends AbstractModule {

    @Override
    protected void configure() {
        bind(RecordingMetrics.class).in(Singleton.class);
        bind(DecisionCodec.class).toInstance(new DecisionCodec());
        bind(RecordedRequests.class).in(Singleton.class);
        bind(PackingRecorder.class).in(Singleton.class);
        bind(DecisionRecorder.class).to(PackingRecorder.class);
        OptionalBinder.newOptionalBinder(binder(), BesideCheck.class)
                .setBinding()
                .to(PackCheck.class)
                .in(Singleton.class);
    }
}
