package dev.assize.server.ledger;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.util.Optional;

/** Verifiers for tests of other rooms. */
public final class LedgerVerifiers {

    private LedgerVerifiers() {}

    /** One that looks beside the entries, too. */
    public static ChainVerifier of(LedgerStore store, Projector projector, BesideCheck beside) {
        return new ChainVerifier(
                store, projector, Optional.of(beside), Optional.empty(), new LedgerMetrics(new SimpleMeterRegistry()));
    }
}
