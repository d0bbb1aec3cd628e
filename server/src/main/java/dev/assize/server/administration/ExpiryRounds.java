package dev.assize.server.administration;

import com.google.inject.Inject;
import dev.assize.server.administration.ExpiredWaits.Wait;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Has it recorded that requests for approval and proposals have expired, once a minute, though nobody asks for them. All
 * nodes do it: each transition has one of them.
 */
public final class ExpiryRounds implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(ExpiryRounds.class);

    private static final Duration EVERY = Duration.ofMinutes(1);

    /** Of one round: what is left waits for the next. */
    static final int AT_ONCE = 1_000;

    private final ExpiredWaits waits;
    private final Approvals approvals;
    private final Proposals proposals;
    private final InstantSource clock;
    private final Counter recorded;
    private final Counter failed;
    private final CountDownLatch closing = new CountDownLatch(1);
    private final ScheduledExecutorService thread = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("assize-expiry").factory());

    @Inject
    ExpiryRounds(
            ExpiredWaits waits, Approvals approvals, Proposals proposals, InstantSource clock, MeterRegistry registry) {
        this.waits = waits;
        this.approvals = approvals;
        this.proposals = proposals;
        this.clock = clock;
        recorded = Counter.builder("assize.expiry.recorded")
                .description("Requests for approval and proposals that this node has recorded as expired")
                .register(registry);
        failed = Counter.builder("assize.expiry.failed")
                .description(
                        "Requests and proposals of which that could not be recorded, and rounds that could not look")
                .register(registry);
    }

    /** Begins, and goes on until it is closed. */
    public void start() {
        ScheduledFuture<?> _ =
                thread.scheduleWithFixedDelay(this::round, EVERY.toMillis(), EVERY.toMillis(), TimeUnit.MILLISECONDS);
    }

    @Override
    public void close() {
        closing.countDown();
        thread.close();
    }

    /** Looks once; what fails is tried again in the next round. */
    void round() {
        try {
            List<Wait> found = waits.find(clock.instant(), AT_ONCE);
            found.stream().takeWhile(wait -> closing.getCount() > 0).forEach(this::record);
        } catch (RuntimeException | Error e) {
            failed.increment();
            LOG.warn("What has expired cannot be looked for: {}", e.getMessage());
        }
    }

    private void record(Wait wait) {
        try {
            if (expire(wait)) {
                recorded.increment();
            }
        } catch (RuntimeException e) {
            failed.increment();
            LOG.warn("That {} of {} has expired cannot be recorded: {}", wait.id(), wait.scope(), e.getMessage());
        }
    }

    private boolean expire(Wait wait) {
        return switch (wait.type()) {
            case APPROVAL -> approvals.expire(wait.scope().ledgerTenant(), wait.id());
            case PROPOSAL -> proposals.expire(wait.scope(), wait.id());
        };
    }
}
