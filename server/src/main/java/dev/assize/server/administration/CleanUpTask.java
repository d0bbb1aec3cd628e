package dev.assize.server.administration;

import com.google.inject.Inject;
import dev.assize.server.administration.CleanUp.Result;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.TenantId;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Cleans up in every tenant once a day, on one of the nodes. */
public final class CleanUpTask implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(CleanUpTask.class);

    private static final Duration EVERY = Duration.ofDays(1);

    /** A node that stops in the middle keeps the others waiting for as long. */
    private static final Duration TURN = Duration.ofHours(1);

    private static final Duration LOOK = Duration.ofMinutes(10);

    /** Changes of one tenant in a turn: what is left waits for the next one. */
    private static final int CHANGES = 10;

    private final CleanUp cleanUp;
    private final CleanUpTurns turns;
    private final CleanUpConfig config;
    private final Counter deleted;
    private final Counter failed;
    private final Counter refused;
    private final CountDownLatch closing = new CountDownLatch(1);
    private final ScheduledExecutorService thread = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("assize-clean-up").factory());

    @Inject
    CleanUpTask(CleanUp cleanUp, CleanUpTurns turns, CleanUpConfig config, MeterRegistry registry) {
        this.cleanUp = cleanUp;
        this.turns = turns;
        this.config = config;
        deleted = Counter.builder("assize.cleanup.deleted")
                .description("Bindings that this node has deleted long after their end")
                .register(registry);
        failed = Counter.builder("assize.cleanup.failed")
                .description("Tenants in which it could not, because something failed")
                .register(registry);
        refused = Counter.builder("assize.cleanup.refused")
                .description("Tenants in which it may not, because the change was refused")
                .register(registry);
    }

    /** Begins, where it is enabled, and goes on until it is closed. */
    public void start() {
        if (config.enabled()) {
            ScheduledFuture<?> _ =
                    thread.scheduleWithFixedDelay(this::round, 0, LOOK.toMillis(), TimeUnit.MILLISECONDS);
        }
    }

    @Override
    public void close() {
        closing.countDown();
        thread.close();
    }

    /** Cleans up if it is this node's turn; what fails is tried again in the next one. */
    void round() {
        try {
            if (turns.take(TURN)) {
                for (TenantId tenant : turns.tenants()) {
                    if (closing.getCount() == 0) {
                        return;
                    }
                    cleanUp(tenant);
                }
                turns.done(EVERY);
            }
        } catch (RuntimeException | Error e) {
            failed.increment();
            LOG.warn("Expired grants cannot be cleaned up", e);
        }
    }

    private void cleanUp(TenantId tenant) {
        try {
            for (int change = 0; change < CHANGES && isThereMore(tenant); change++) {
                LOG.debug("More has ended in {}", tenant);
            }
        } catch (RuntimeException e) {
            failed.increment();
            LOG.warn("Expired grants of {} cannot be cleaned up", tenant, e);
        }
    }

    private boolean isThereMore(TenantId tenant) {
        return switch (cleanUp.run(tenant, config.after(), Recorder.ASSIZE)) {
            case Result.Deleted it -> {
                deleted.increment(it.ended().size());
                yield it.more();
            }
            case Result.Refused _ -> {
                refused.increment();
                yield false;
            }
            case Result.Found _, Result.NoSuchTenant _ -> false;
        };
    }
}
