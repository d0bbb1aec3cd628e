package dev.assize.server.anchor;

import com.google.inject.Inject;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;

/** The meters of signing. */
final class AnchorMetrics {

    private final MeterRegistry registry;
    private final Timer rounds;
    private final Counter failedRounds;
    private final Counter checkpoints;
    private final Counter halts;
    private final AtomicInteger behind = new AtomicInteger();

    @Inject
    AnchorMetrics(MeterRegistry registry) {
        this.registry = registry;
        rounds = Timer.builder("assize.anchor.round.duration")
                .description("How long a round of signing took")
                .publishPercentileHistogram()
                .minimumExpectedValue(Duration.ofMillis(1))
                .maximumExpectedValue(Duration.ofSeconds(30))
                .register(registry);
        failedRounds = Counter.builder("assize.anchor.rounds.failed")
                .description("Rounds that signed nothing because something failed")
                .register(registry);
        checkpoints = Counter.builder("assize.anchor.checkpoints")
                .description("Checkpoints of ledgers signed and kept outside")
                .register(registry);
        halts = Counter.builder("assize.anchor.halts")
                .description("Ledgers halted because what is stored is not what was signed")
                .register(registry);
        registry.gauge("assize.anchor.behind.ledgers", behind);
    }

    /** Watches for how long the copy has not been reached. */
    void watch(AnchorView view) {
        Gauge.builder("assize.anchor.age.seconds", view, it -> it.age().toMillis() / 1_000.0)
                .description("Since when the outside copy was not read or advanced")
                .register(registry);
        Gauge.builder("assize.anchor.lag.seconds", view, it -> it.longestWait().toMillis() / 1_000.0)
                .description("The longest that an entry of any ledger has waited to be signed and kept outside")
                .register(registry);
    }

    void round(Duration duration) {
        rounds.record(duration);
    }

    void signed(int ledgers) {
        checkpoints.increment(ledgers);
    }

    void failed() {
        failedRounds.increment();
    }

    void halted() {
        halts.increment();
    }

    void behind(int ledgers) {
        behind.set(ledgers);
    }
}
