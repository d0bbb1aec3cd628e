package dev.assize.server.administration;

import com.google.inject.Inject;
import dev.assize.server.model.PolicyScope;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes snapshots in the background: of each policy that has changed, one {@link SnapshotConfig#every} after the first
 * change that the last one does not hold. Nodes take scopes for a while, so that one of them does it.
 */
public final class SnapshotRounds implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(SnapshotRounds.class);

    /** How often a node looks, at the least. */
    private static final Duration LOOK = Duration.ofMinutes(10);

    /** Scopes taken at a time. Where that takes longer than their lease, another node finds them written, and goes on. */
    private static final int AT_ONCE = 1_000;

    private final PolicySnapshots snapshots;
    private final SnapshotConfig config;
    private final Counter written;
    private final Counter failed;
    private final ScheduledExecutorService thread = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("assize-policy-snapshots").factory());

    /** Policies that are not as they were left, and why; a snapshot that succeeds takes them off. */
    private final Map<PolicyScope, String> drifted = new ConcurrentSkipListMap<>();

    @Inject
    SnapshotRounds(PolicySnapshots snapshots, SnapshotConfig config, MeterRegistry registry) {
        this.snapshots = snapshots;
        this.config = config;
        written = Counter.builder("assize.policy.snapshots")
                .description("Policies that this node has written into their ledgers whole")
                .register(registry);
        failed = Counter.builder("assize.policy.snapshots.failed")
                .description("Policies of which no snapshot could be written")
                .register(registry);
        registry.gauge("assize.policy.drifted", drifted, Map::size);
    }

    /** Begins, and goes on until it is closed. */
    public void start() {
        long millis = Math.min(LOOK.toMillis(), config.every().toMillis());
        ScheduledFuture<?> _ = thread.scheduleWithFixedDelay(this::round, millis, millis, TimeUnit.MILLISECONDS);
    }

    @Override
    public void close() {
        thread.close();
    }

    /** What stands against stored policies, as one line; empty where nothing does. */
    public Optional<String> complaint() {
        return drifted.values().stream().findFirst();
    }

    /** Writes all that are due; what fails is tried again when the lease has ended. */
    void round() {
        try {
            List<PolicyScope> due = snapshots.takeDue(config.every(), AT_ONCE);
            while (!due.isEmpty() && !thread.isShutdown()) {
                due.forEach(this::write);
                due = snapshots.takeDue(config.every(), AT_ONCE);
            }
        } catch (RuntimeException | Error e) {
            failed.increment();
            LOG.warn("Policies cannot be looked at for their snapshots: {}", e.getMessage());
        }
    }

    private void write(PolicyScope scope) {
        try {
            if (snapshots.write(scope)) {
                written.increment();
            }
            drifted.remove(scope);
        } catch (PolicyDriftException e) {
            failed.increment();
            if (drifted.put(scope, e.getMessage()) == null) {
                LOG.error("{}", e.getMessage());
            }
        } catch (RuntimeException e) {
            failed.increment();
            LOG.warn("The policy of {} cannot be written into its ledger: {}", scope, e.getMessage());
        }
    }
}
