package dev.assize.server.retention;

import com.google.inject.Inject;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;

/** How much was erased and pruned, and how often a hold stood against it. */
public final class RetentionMetrics {

    private final Counter erased;
    private final Counter held;
    private final Counter pruned;
    private final Counter pruningHeld;

    @Inject
    RetentionMetrics(MeterRegistry meters) {
        erased = Counter.builder("assize.retention.erased")
                .description("Values erased")
                .register(meters);
        held = Counter.builder("assize.retention.held")
                .description("Erasures that a legal hold refused")
                .register(meters);
        pruned = Counter.builder("assize.retention.pruned")
                .description("Entries moved into the archive")
                .register(meters);
        pruningHeld = Counter.builder("assize.retention.pruning.held")
                .description("Prunings that a legal hold refused")
                .register(meters);
    }

    void pruned(long entries) {
        pruned.increment((double) entries);
    }

    void pruningHeld() {
        pruningHeld.increment();
    }

    void erased(int values) {
        erased.increment(values);
    }

    void held() {
        held.increment();
    }
}
