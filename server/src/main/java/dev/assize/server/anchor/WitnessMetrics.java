package dev.assize.server.anchor;

import com.google.inject.Inject;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.function.DoubleSupplier;

/** The meters of witnesses; each is named in the configuration, so there are few. */
final class WitnessMetrics {

    private final MeterRegistry registry;

    @Inject
    WitnessMetrics(MeterRegistry registry) {
        this.registry = registry;
    }

    /** Watches for how long a witness has not signed. */
    void watch(String witness, DoubleSupplier ageSeconds) {
        Gauge.builder("assize.anchor.witness.age.seconds", ageSeconds::getAsDouble)
                .description("Since when a witness has not signed the log of heads")
                .tag("witness", witness)
                .strongReference(true)
                .register(registry);
    }

    void asked(String witness, Result result) {
        Counter.builder("assize.anchor.witness.requests")
                .description("Checkpoints of the log of heads shown to a witness, by what came of it")
                .tag("witness", witness)
                .tag("result", result.tag)
                .register(registry)
                .increment();
    }

    /** What came of it. */
    enum Result {
        COSIGNED("cosigned"),
        /** Another node has shown it a later one. */
        OVERTAKEN("overtaken"),
        /** It has signed more than the database has. */
        AHEAD("ahead"),
        REFUSED("refused"),
        UNREACHED("unreached");

        private final String tag;

        Result(String tag) {
            this.tag = tag;
        }
    }
}
