package dev.assize.server.authentication;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;

/** The meters of authentication: how credentials were answered. */
final class AuthenticationMetrics {

    private final Counter remembered;
    private final Counter verified;
    private final Counter refused;

    AuthenticationMetrics(MeterRegistry registry) {
        this.remembered = counter(registry, "remembered");
        this.verified = counter(registry, "verified");
        this.refused = counter(registry, "refused");
    }

    /** A credential was verified a moment ago. */
    void remembered() {
        remembered.increment();
    }

    /** A credential was verified against the store. */
    void verified() {
        verified.increment();
    }

    /** A credential authenticates nobody. */
    void refused() {
        refused.increment();
    }

    private static Counter counter(MeterRegistry registry, String outcome) {
        return Counter.builder("assize.authentications")
                .description("Credentials presented, by how they were answered")
                .tag("outcome", outcome)
                .register(registry);
    }
}
