package dev.assize.server.endpoint.authzen;

import com.google.inject.Inject;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.util.concurrent.TimeUnit;

/** The meters of AuthZEN: requests by endpoint and status, both of which are few, and errors of ours. */
final class AuthzenMetrics {

    private final MeterRegistry registry;
    private final Counter internalErrors;

    @Inject
    AuthzenMetrics(MeterRegistry registry) {
        this.registry = registry;
        this.internalErrors = Counter.builder("assize.authzen.internal.errors")
                .description("AuthZEN requests that failed by an error of this server")
                .register(registry);
    }

    void answered(String endpoint, int status, long nanos) {
        Timer.builder("assize.authzen.duration")
                .description("AuthZEN requests, from their arrival to their answer")
                .tag("endpoint", endpoint)
                .tag("status", Integer.toString(status))
                .register(registry)
                .record(nanos, TimeUnit.NANOSECONDS);
    }

    void internalError() {
        internalErrors.increment();
    }
}
