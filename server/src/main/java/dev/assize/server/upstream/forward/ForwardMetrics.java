package dev.assize.server.upstream.forward;

import com.google.inject.Inject;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.function.Supplier;

/** The meters of a sidecar's spool. */
final class ForwardMetrics {

    private final MeterRegistry registry;
    private final Counter spooled;
    private final Counter full;
    private final Counter failed;
    private final Counter forwarded;
    private final Counter failures;
    private final Counter refusals;
    private final Counter rewinds;

    @Inject
    ForwardMetrics(MeterRegistry registry) {
        this.registry = registry;
        spooled = counter("assize.spool.records", "Requests that were spooled");
        full = refused("full");
        failed = refused("failed");
        forwarded = counter("assize.spool.forwarded", "Records of the spool that the ledger has");
        failures = counter("assize.spool.forward.failures", "Attempts to forward that had no answer, or one for now");
        refusals =
                counter("assize.spool.forward.refusals", "Attempts to forward that were refused until somebody acts");
        rewinds = counter("assize.spool.rewinds", "Times that the ledger had lost what it had of the spool");
    }

    /** Shows what there is. */
    void watch(Supplier<Number> depth, Supplier<Number> bytes, Supplier<Number> ageSeconds, Supplier<Number> stopped) {
        gauge("assize.spool.depth", "Records that are still to be forwarded", depth);
        gauge("assize.spool.bytes", "Bytes of the spool's files", bytes);
        gauge(
                "assize.spool.oldest.age",
                "Seconds since the oldest record was taken that is to be forwarded",
                ageSeconds);
        gauge("assize.spool.stopped", "Tenants whose records wait for an operator", stopped);
    }

    void spooled() {
        spooled.increment();
    }

    void full() {
        full.increment();
    }

    void failed() {
        failed.increment();
    }

    void forwarded(long records) {
        forwarded.increment((double) records);
    }

    void failure() {
        failures.increment();
    }

    void refusal() {
        refusals.increment();
    }

    void rewound() {
        rewinds.increment();
    }

    private Counter counter(String name, String description) {
        return Counter.builder(name).description(description).register(registry);
    }

    private Counter refused(String reason) {
        return Counter.builder("assize.spool.refused")
                .description("Requests that could not be spooled, by reason")
                .tag("reason", reason)
                .register(registry);
    }

    private void gauge(String name, String description, Supplier<Number> value) {
        Gauge.builder(name, value).description(description).register(registry);
    }
}
