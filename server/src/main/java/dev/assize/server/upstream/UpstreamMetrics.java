package dev.assize.server.upstream;

import com.google.inject.Inject;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.util.concurrent.TimeUnit;
import java.util.function.DoubleSupplier;

/** The meters of a sidecar's centre. */
final class UpstreamMetrics {

    private final MeterRegistry registry;
    private final Counter wholes;
    private final Counter changes;
    private final Counter broken;
    private final Counter refused;
    private final Timer asked;
    private final Counter askingFailed;

    @Inject
    UpstreamMetrics(MeterRegistry registry) {
        this.registry = registry;
        this.wholes = states("whole");
        this.changes = states("changes");
        this.broken = ends("broken");
        this.refused = ends("refused");
        this.asked = Timer.builder("assize.upstream.questions")
                .description("Questions that the centre answered")
                .register(registry);
        this.askingFailed = Counter.builder("assize.upstream.questions.failed")
                .description("Questions for the centre that it did not answer")
                .register(registry);
    }

    private Counter states(String as) {
        return Counter.builder("assize.upstream.states")
                .tag("as", as)
                .description("States of policy taken from the centre, whole or as changes")
                .register(registry);
    }

    private Counter ends(String why) {
        return Counter.builder("assize.upstream.streams.ended")
                .tag("why", why)
                .description("Streams of policy that ended: broken, or refused by the centre or here")
                .register(registry);
    }

    void observe(DoubleSupplier connected, DoubleSupplier oldestSeconds) {
        Gauge.builder("assize.upstream.streams", connected::getAsDouble)
                .description("Streams of policy on which something was heard")
                .register(registry);
        Gauge.builder("assize.upstream.age", oldestSeconds::getAsDouble)
                .baseUnit("seconds")
                .description("Since the centre confirmed the policy that was confirmed longest ago")
                .register(registry);
    }

    void taken(boolean whole) {
        (whole ? wholes : changes).increment();
    }

    void ended(boolean byRefusal) {
        (byRefusal ? refused : broken).increment();
    }

    long start() {
        return registry.config().clock().monotonicTime();
    }

    void asked(long start) {
        asked.record(registry.config().clock().monotonicTime() - start, TimeUnit.NANOSECONDS);
    }

    void askingFailed() {
        askingFailed.increment();
    }
}
