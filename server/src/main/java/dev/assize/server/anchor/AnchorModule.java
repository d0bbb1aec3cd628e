package dev.assize.server.anchor;

import com.google.inject.AbstractModule;
import com.google.inject.Provides;
import com.google.inject.Singleton;
import dev.assize.server.ledger.HeadGuard;

/**
 * Binds signing, and the guard of every append. Needs an {@link AnchorRepository}, {@link StandingRecords}, an
 * {@link OutsideStore}, an {@link AnchorConfig} and a {@link WitnessConfig}.
 */
public final class AnchorModule extends AbstractModule {

    @Override
    protected void configure() {
        bind(AnchorMetrics.class).in(Singleton.class);
        bind(WitnessMetrics.class).in(Singleton.class);
        bind(Witnesses.class).in(Singleton.class);
        bind(Anchor.class).in(Singleton.class);
        bind(Incarnations.class).in(Singleton.class);
        bind(Rebinding.class).in(Singleton.class);
        bind(Checkpoints.class).in(Singleton.class);
        bind(Seal.class).in(Singleton.class);
        bind(Prefixes.class).in(Singleton.class);
        bind(SignedRoots.class).in(Singleton.class);
        bind(SignedLedgerVerifier.class).in(Singleton.class);
        bind(HeadGuard.class).to(AnchorView.class);
    }

    @Provides
    @Singleton
    static AnchorView view(AnchorConfig config) {
        return new AnchorView(config, System::nanoTime);
    }

    @Provides
    @Singleton
    static CheckpointSigner signer(AnchorConfig config) {
        return new CheckpointSigner(config.signingKeys());
    }

    @Provides
    @Singleton
    static Outside outside(OutsideStore store, CheckpointSigner signer) {
        return new Outside(store, signer);
    }
}
