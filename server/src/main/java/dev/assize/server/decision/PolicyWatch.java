package dev.assize.server.decision;

import com.google.inject.Inject;
import dev.assize.server.decision.NodeClock.Reading;
import dev.assize.server.decision.PolicySource.Heads;
import dev.assize.server.decision.node.ChangeSignals;
import dev.assize.server.decision.node.NodeRegistry.Asked;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Revision;
import dev.assize.server.model.TenantId;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps what this node holds fresh: asks every so often for the current revisions, confirms the graphs that are at
 * them and renews the others. A poll confirms as of the moment it began, since what it read may be as old as that.
 *
 * <p>Signals of changes only make it sooner: freshness rests on polls, and so does whatever a lost signal would have said.
 * Each poll also compares this node's clock with the database's: how far apart they are at least, for the answer was given
 * at some moment while it was waited for.
 */
public final class PolicyWatch implements AutoCloseable {

    /** How far a node's clock may be from the database's: grants and freezes begin and end by it. */
    public static final Duration CLOCK_TOLERANCE = Duration.ofSeconds(2);

    private static final Duration PRESENCE_INTERVAL = Duration.ofSeconds(1);

    private static final Logger LOG = LoggerFactory.getLogger(PolicyWatch.class);

    private final GraphCache graphs;
    private final PolicySource source;
    private final DecisionConfig config;
    private final NodeClock clock;
    private final DecisionMetrics metrics;
    private final ChangeSignals signals;
    private final NodePresence presence;
    private final ScheduledExecutorService poller = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().name("policy-watch").daemon().factory());

    /** Written by the poller, read by the gauge and by readiness. */
    private volatile Reading confirmedAt;

    /** Written by the poller; positive where this node's clock is ahead. */
    private volatile Duration clockOffset = Duration.ZERO;

    private volatile boolean failing;

    /** Whether a poll is asked for already; of many changes of the platform one poll sees all. */
    private final AtomicBoolean pollAsked = new AtomicBoolean();

    /** Of the poller alone. */
    private Reading saidAt;

    private boolean clockComplained;

    @Inject
    PolicyWatch(
            GraphCache graphs,
            PolicySource source,
            DecisionConfig config,
            NodeClock clock,
            DecisionMetrics metrics,
            ChangeSignals signals,
            NodePresence presence) {
        this.graphs = graphs;
        this.source = source;
        this.config = config;
        this.clock = clock;
        this.confirmedAt = clock.never();
        this.saidAt = clock.never();
        this.metrics = metrics;
        this.signals = signals;
        this.presence = presence;
        metrics.observe(this);
    }

    /** Polls once, then in the background until closed, and sooner where a change is signalled. */
    public void start() {
        presence.sayNow();
        poll();
        signals.start(new Signalled());
        long millis = config.pollInterval().toMillis();
        var _ = poller.scheduleWithFixedDelay(this::poll, millis, millis, TimeUnit.MILLISECONDS);
    }

    /** Since the last poll that succeeded. */
    public Duration age() {
        return clock.since(confirmedAt);
    }

    /** Whether a poll succeeded within the freshness bound; a node that is not fresh is not ready. */
    public boolean isFresh() {
        return age().compareTo(config.freshnessBound()) <= 0;
    }

    /** Whether changes are signalled, and not only found by polling. */
    public boolean isSignalled() {
        return signals.isConnected();
    }

    /** By how much this node's clock is ahead of the database's at least, as the last poll found; negative where behind. */
    public Duration clockOffset() {
        return clockOffset;
    }

    /** Whether the clocks are near enough; a node whose clock is not is not ready. */
    public boolean isOnTime() {
        return clockOffset.abs().compareTo(CLOCK_TOLERANCE) <= 0;
    }

    @Override
    public void close() {
        signals.close();
        poller.shutdownNow();
        presence.close();
    }

    void poll() {
        try {
            pollAsked.set(false);
            Reading askedAt = clock.read();
            Collection<HeldGraph> held = graphs.held();
            Heads heads = source.heads(GraphCache.scopes(held));
            measure(askedAt.instant(), heads.readAt(), clock.instant());
            var _ = graphs.compare(held, new Polled(heads.revisions(), askedAt, heads.ages()));
            confirmedAt = askedAt.minus(heads.oldest());
            recovered();
            say(askedAt);
        } catch (RuntimeException | Error broken) {
            // Whatever it was: of a poll that ended here there would never be another one.
            failed(broken);
        }
    }

    /** The nearest to its own time that the database's may have been. */
    private void measure(Instant askedAt, @Nullable Instant readAt, Instant answeredAt) {
        if (readAt == null) {
            return;
        }
        Instant nearest = readAt.isBefore(askedAt) ? askedAt : readAt.isAfter(answeredAt) ? answeredAt : readAt;
        clockOffset = Duration.between(readAt, nearest);
        if (clockComplained == isOnTime()) {
            clockComplained = !clockComplained;
            if (clockComplained) {
                LOG.warn(
                        "This node's clock is {} s off the database's, which is too much to be ready: set it right",
                        clockOffset.toMillis() / 1_000.0);
            } else {
                LOG.info("This node's clock is right again");
            }
        }
    }

    private void say(Reading now) {
        if (saidAt.until(now).compareTo(PRESENCE_INTERVAL) >= 0) {
            saidAt = now;
            presence.say();
        }
    }

    private void pollSoon() {
        if (pollAsked.compareAndSet(false, true)) {
            try {
                poller.execute(this::poll);
            } catch (RejectedExecutionException closed) {
                // Nothing is to be kept fresh any more.
                pollAsked.set(false);
            }
        }
    }

    private void recovered() {
        if (failing) {
            failing = false;
            LOG.info("Policy revisions can be read again");
        }
    }

    private void failed(Throwable broken) {
        metrics.pollFailed();
        if (!failing) {
            failing = true;
            LOG.warn(
                    "Policy revisions cannot be read; decisions stop {} s after the last time they could",
                    config.freshnessBound().toSeconds(),
                    broken);
        }
    }

    /** What a signal makes sooner. */
    private final class Signalled implements ChangeSignals.Listener {

        @Override
        public void connected() {
            pollSoon();
        }

        @Override
        public void changed(PolicyScope scope, Revision revision, Instant at) {
            if (scope.isPlatform()) {
                pollSoon();
                return;
            }
            TenantId tenant = scope.ledgerTenant();
            var _ = graphs.catchUp(tenant, revision).thenAccept(isSo -> {
                if (isSo && graphs.getIfHeld(tenant) != null) {
                    metrics.effective(Duration.between(at, clock.instant()).minus(clockOffset));
                }
            });
        }

        @Override
        public void asked(Asked asked) {
            presence.confirm(asked);
        }
    }
}
