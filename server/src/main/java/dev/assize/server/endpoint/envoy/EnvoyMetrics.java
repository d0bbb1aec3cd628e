package dev.assize.server.endpoint.envoy;

import com.google.inject.Inject;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;

/** The meters of what Envoy asks: answers by their outcome, of which there are few, and errors of ours. */
final class EnvoyMetrics {

    static final String ALLOWED = "allowed";
    static final String DENIED = "denied";

    /** No answer: what Envoy does then is configured there. */
    static final String FAILED = "failed";

    private final MeterRegistry registry;
    private final Counter internalErrors;

    @Inject
    EnvoyMetrics(MeterRegistry registry) {
        this.registry = registry;
        this.internalErrors = Counter.builder("assize.envoy.internal.errors")
                .description("Requests of Envoy's that were denied by an error of this server")
                .register(registry);
    }

    void answered(String outcome) {
        Counter.builder("assize.envoy.answers")
                .description("Answers to Envoy by their outcome")
                .tag("outcome", outcome)
                .register(registry)
                .increment();
    }

    void internalError() {
        internalErrors.increment();
    }
}
