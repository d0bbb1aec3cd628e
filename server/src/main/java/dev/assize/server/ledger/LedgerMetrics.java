package dev.assize.server.ledger;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import jakarta.inject.Inject;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;

/** The ledger's meters. */
public final class LedgerMetrics {

    private final Counter appended;
    private final Counter replayed;
    private final Counter keyReused;
    private final Counter declined;
    private final Counter refused;
    private final Counter failed;
    private final Counter entries;
    private final DistributionSummary batchEntries;
    private final Timer batchDuration;
    private final Timer appendDuration;
    private final Counter soundVerifications;
    private final Counter brokenVerifications;
    private final AtomicLong pendingEntries = new AtomicLong();

    @Inject
    public LedgerMetrics(MeterRegistry registry) {
        appended = appends(registry, "appended");
        replayed = appends(registry, "replayed");
        keyReused = appends(registry, "key_reused");
        declined = appends(registry, "declined");
        refused = appends(registry, "refused");
        failed = appends(registry, "failed");
        entries = Counter.builder("assize.ledger.entries")
                .description("Entries appended")
                .register(registry);
        batchEntries = DistributionSummary.builder("assize.ledger.batch.entries")
                .description("Entries in a batch that is written in one transaction")
                .publishPercentileHistogram()
                .minimumExpectedValue(1.0)
                .maximumExpectedValue(1_024.0)
                .register(registry);
        batchDuration = timer(registry, "assize.ledger.batch.duration", "How long a batch took to be durable");
        appendDuration =
                timer(registry, "assize.ledger.append.duration", "From being queued to being durable or given up");
        soundVerifications = verifications(registry, "sound");
        brokenVerifications = verifications(registry, "broken");
        registry.gauge("assize.ledger.pending.entries", pendingEntries);
    }

    void queued(int count) {
        pendingEntries.addAndGet(count);
    }

    void settled(int count, Duration sinceQueued) {
        pendingEntries.addAndGet(-count);
        appendDuration.record(sinceQueued);
    }

    void batch(int count, Duration duration) {
        batchEntries.record(count);
        batchDuration.record(duration);
    }

    void result(AppendResult result) {
        switch (result) {
            case AppendResult.Appended(var receipts) -> {
                appended.increment();
                entries.increment(receipts.size());
            }
            case AppendResult.Replayed _ -> replayed.increment();
            case AppendResult.KeyReused _ -> keyReused.increment();
            case AppendResult.Refused _ -> declined.increment();
        }
    }

    void refused() {
        refused.increment();
    }

    void failed() {
        failed.increment();
    }

    void verified(boolean sound) {
        (sound ? soundVerifications : brokenVerifications).increment();
    }

    private static Counter appends(MeterRegistry registry, String result) {
        return Counter.builder("assize.ledger.appends")
                .description("Append commands by how they ended")
                .tag("result", result)
                .register(registry);
    }

    private static Counter verifications(MeterRegistry registry, String result) {
        return Counter.builder("assize.ledger.verifications")
                .description("Chains verified, by what was found")
                .tag("result", result)
                .register(registry);
    }

    private static Timer timer(MeterRegistry registry, String name, String description) {
        return Timer.builder(name)
                .description(description)
                .publishPercentileHistogram()
                .minimumExpectedValue(Duration.ofMillis(1))
                .maximumExpectedValue(Duration.ofSeconds(10))
                .register(registry);
    }
}
