package dev.assize.server.retention;

import com.google.inject.Inject;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;

/** How much was erased, and how often a hold stood against it. */
public final class RetentionMetrics {

    private final Counter erased;
    private final Counter held;

    @Inject
    RetentionMetrics(MeterRegistry meters) {
        erased = Counter.builder("assize.retention.erased")
                .description("Values erased")
                .register(meters);
        held = Counter.builder("assize.retention.held")
                .description("Erasures that a legal hold refused")
                .register(meters);
    }

    void erased(int values) {
        erased.increment(values);
    }

    void held() {
        held.increment();
    }
}
