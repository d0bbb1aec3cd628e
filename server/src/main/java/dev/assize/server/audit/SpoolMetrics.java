package dev.assize.server.audit;

import com.google.inject.Inject;
import dev.assize.server.audit.SpoolRepository.Verdict;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;

/** The meters of what spools send, at the ledger. */
final class SpoolMetrics {

    private final Map<Verdict, Counter> batches = new EnumMap<>(Verdict.class);
    private final Counter records;
    private final Counter left;
    private final Counter crowded;

    @Inject
    SpoolMetrics(MeterRegistry registry) {
        for (Verdict verdict : Verdict.values()) {
            batches.put(
                    verdict,
                    Counter.builder("assize.spool.received.batches")
                            .description("Batches that spools sent, by what became of them")
                            .tag("result", verdict.name().toLowerCase(Locale.ROOT))
                            .register(registry));
        }
        records = Counter.builder("assize.spool.received.records")
                .description("Records of spools that were appended")
                .register(registry);
        left = Counter.builder("assize.spool.left")
                .description("Spools that another took the place of before the ledger had all of their records")
                .register(registry);
        crowded = Counter.builder("assize.spool.crowded")
                .description(
                        "Spools that were begun with a key that has begun four fifths of what it may in a ledger, or more")
                .register(registry);
    }

    void received(Verdict verdict, int count) {
        Counter counter = batches.get(verdict);
        if (counter != null) {
            counter.increment();
        }
        if (verdict == Verdict.APPENDED) {
            records.increment(count);
        }
    }

    void left() {
        left.increment();
    }

    void crowded() {
        crowded.increment();
    }
}
