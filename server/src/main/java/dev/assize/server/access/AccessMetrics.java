package dev.assize.server.access;

import com.google.inject.Inject;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;

/** The meters of access: questions that were answered no because the engine broke. */
final class AccessMetrics {

    private final Counter failedClosed;

    @Inject
    AccessMetrics(MeterRegistry registry) {
        this.failedClosed = Counter.builder("assize.access.failed.closed")
                .description("Callers refused because their permission could not be decided")
                .register(registry);
    }

    void failedClosed() {
        failedClosed.increment();
    }
}
