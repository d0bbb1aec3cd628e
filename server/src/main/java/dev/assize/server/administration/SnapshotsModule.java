package dev.assize.server.administration;

import com.google.inject.AbstractModule;
import com.google.inject.Singleton;

/** Binds what writes snapshots in the background. Needs {@link PolicySnapshots} and a {@link SnapshotConfig}. */
public final class SnapshotsModule extends AbstractModule {

    @Override
    protected void configure() {
        bind(SnapshotRounds.class).in(Singleton.class);
    }
}
