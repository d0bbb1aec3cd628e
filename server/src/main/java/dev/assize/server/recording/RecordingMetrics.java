package dev.assize.server.recording;

import com.google.inject.Inject;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;

/** The meters of the record of decisions. */
final class RecordingMetrics {

    private final MeterRegistry registry;
    private final Counter recorded;
    private final Counter refused;
    private final Counter failed;
    private final Counter lost;
    private final DistributionSummary packs;
    private final Timer duration;

    @Inject
    RecordingMetrics(MeterRegistry registry) {
        this.registry = registry;
        recorded = counter("assize.decisionlog.recorded", "Decisions on record");
        refused = counter("assize.decisionlog.refused", "Decisions refused because their record could not be taken");
        failed = counter("assize.decisionlog.failures", "Packs of decisions that could not be written, each attempt");
        lost = counter(
                "assize.decisionlog.lost", "Decisions answered whose record was given up when the server stopped");
        packs = DistributionSummary.builder("assize.decisionlog.pack.decisions")
                .description("Decisions recorded with one entry")
                .register(registry);
        duration = Timer.builder("assize.decisionlog.pack.duration")
                .description("How long a pack of decisions took to be durable")
                .publishPercentileHistogram()
                .minimumExpectedValue(Duration.ofMillis(1))
                .maximumExpectedValue(Duration.ofSeconds(10))
                .register(registry);
    }

    void watch(AtomicInteger pending) {
        Gauge.builder("assize.decisionlog.pending", pending, AtomicInteger::get)
                .description("Decisions taken whose record is not durable yet")
                .strongReference(true)
                .register(registry);
    }

    void recorded(int decisions, Duration took) {
        recorded.increment(decisions);
        packs.record(decisions);
        duration.record(took);
    }

    void refused(int decisions) {
        refused.increment(decisions);
    }

    void failed() {
        failed.increment();
    }

    void lost(int decisions) {
        lost.increment(decisions);
    }

    private Counter counter(String name, String description) {
        return Counter.builder(name).description(description).register(registry);
    }
}
