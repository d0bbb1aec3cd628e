package dev.assize.server.decision;

import com.google.inject.Inject;
import dev.assize.server.decision.GraphCache.Polled;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Collection;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps what this node holds fresh: asks every so often for the current revisions, confirms the graphs that are at
 * them and renews the others. A poll confirms as of the moment it began, since what it read may be as old as that.
 */
public final class PolicyWatch implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(PolicyWatch.class);

    private final GraphCache graphs;
    private final PolicySource source;
    private final DecisionConfig config;
    private final InstantSource clock;
    private final DecisionMetrics metrics;
    private final ScheduledExecutorService poller = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().name("policy-watch").daemon().factory());

    /** Written by the poller, read by the gauge and by readiness. */
    private volatile Instant confirmedAt = Instant.EPOCH;

    private volatile boolean failing;

    @Inject
    PolicyWatch(
            GraphCache graphs,
            PolicySource source,
            DecisionConfig config,
            InstantSource clock,
            DecisionMetrics metrics) {
        this.graphs = graphs;
        this.source = source;
        this.config = config;
        this.clock = clock;
        this.metrics = metrics;
        metrics.observe(this);
    }

    /** Polls once, then in the background until closed. */
    public void start() {
        poll();
        long millis = config.pollInterval().toMillis();
        var _ = poller.scheduleWithFixedDelay(this::poll, millis, millis, TimeUnit.MILLISECONDS);
    }

    /** Since the last poll that succeeded. */
    public Duration age() {
        return Duration.between(confirmedAt, clock.instant());
    }

    /** Whether a poll succeeded within the freshness bound; a node that is not fresh is not ready. */
    public boolean isFresh() {
        return age().abs().compareTo(config.freshnessBound()) <= 0;
    }

    @Override
    public void close() {
        poller.shutdownNow();
    }

    void poll() {
        try {
            Instant askedAt = clock.instant();
            Collection<HeldGraph> held = graphs.held();
            var _ = graphs.compare(held, new Polled(source.revisions(GraphCache.scopes(held)), askedAt));
            confirmedAt = askedAt;
            recovered();
        } catch (RuntimeException broken) {
            failed(broken);
        }
    }

    private void recovered() {
        if (failing) {
            failing = false;
            LOG.info("Policy revisions can be read again");
        }
    }

    private void failed(RuntimeException broken) {
        metrics.pollFailed();
        if (!failing) {
            failing = true;
            LOG.warn(
                    "Policy revisions cannot be read; decisions stop {} s after the last time they could",
                    config.freshnessBound().toSeconds(),
                    broken);
        }
    }
}
