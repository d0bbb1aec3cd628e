package dev.assize.server.verification;

import com.google.inject.Inject;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/** The meters of the patrol. */
final class PatrolMetrics {

    private final Counter entries;
    private final Counter failedRounds;
    private final AtomicInteger broken = new AtomicInteger();
    private final AtomicLong oldestSeconds = new AtomicLong();

    @Inject
    PatrolMetrics(MeterRegistry registry) {
        entries = Counter.builder("assize.verification.entries")
                .description("Entries that this node has verified in the background")
                .register(registry);
        failedRounds = Counter.builder("assize.verification.rounds.failed")
                .description("Rounds in which a ledger could not be verified because something failed")
                .register(registry);
        registry.gauge("assize.verification.broken.ledgers", broken);
        registry.gauge("assize.verification.oldest.seconds", oldestSeconds);
    }

    void verified(long count) {
        entries.increment((double) count);
    }

    void failed() {
        failedRounds.increment();
    }

    /** Ledgers that are not as they were recorded, and for how long the one that waits longest was not walked through. */
    void stand(int brokenLedgers, long oldest) {
        broken.set(brokenLedgers);
        oldestSeconds.set(oldest);
    }
}
