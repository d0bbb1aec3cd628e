package dev.assize.server.endpoint.envoy;

import com.google.inject.Inject;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.Arrays;
import java.util.stream.Stream;

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
        // From the start on: what is counted for the first time is no increase to whoever alerts on one.
        Stream.concat(
                        Stream.of(ALLOWED, DENIED, FAILED),
                        Arrays.stream(Refusal.values()).map(Refusal::word))
                .forEach(this::answers);
        this.internalErrors = Counter.builder("assize.envoy.internal.errors")
                .description("Requests of Envoy's that were denied by an error of this server")
                .register(registry);
    }

    void answered(String outcome) {
        answers(outcome).increment();
    }

    private Counter answers(String outcome) {
        return Counter.builder("assize.envoy.answers")
                .description("Answers to Envoy by their outcome")
                .tag("outcome", outcome)
                .register(registry);
    }

    void internalError() {
        internalErrors.increment();
    }
}
