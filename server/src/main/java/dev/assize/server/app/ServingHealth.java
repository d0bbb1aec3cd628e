package dev.assize.server.app;

import java.time.Duration;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Has gRPC's health say what is well, looked at twice a second. Decisions are served while this node's policy is confirmed and
 * its clock is right, which needs no database for a while; all else, and the server in total, as long as the database
 * answers, too.
 */
final class ServingHealth implements AutoCloseable {

    private static final Duration INTERVAL = Duration.ofMillis(500);
    private static final Logger LOG = LoggerFactory.getLogger(ServingHealth.class);

    private final Told told;
    private final BooleanSupplier decides;
    private final BooleanSupplier stores;

    /** Two threads: a database that does not answer keeps whoever asks it waiting. */
    private final ScheduledExecutorService rounds = Executors.newScheduledThreadPool(
            2, Thread.ofPlatform().daemon().name("health-", 0).factory());

    /** Guarded by this, as what follows. */
    private boolean deciding;

    private boolean storing;

    /**
     * What is yet to be started.
     *
     * @param decides whether decisions can be served
     * @param stores whether the database answers; may wait for that
     */
    ServingHealth(Told told, BooleanSupplier decides, BooleanSupplier stores) {
        this.told = told;
        this.decides = decides;
        this.stores = stores;
    }

    /** Who is told. */
    @FunctionalInterface
    interface Told {

        void serving(boolean decisions, boolean others);
    }

    /** Says it for the first time, and from then on whenever it has changed. */
    void start() {
        lookAtDecisions();
        lookAtStore();
        var _ = rounds.scheduleWithFixedDelay(
                this::lookAtDecisions, INTERVAL.toMillis(), INTERVAL.toMillis(), TimeUnit.MILLISECONDS);
        var _ = rounds.scheduleWithFixedDelay(
                this::lookAtStore, INTERVAL.toMillis(), INTERVAL.toMillis(), TimeUnit.MILLISECONDS);
    }

    /** Says no more. */
    @Override
    public void close() {
        rounds.shutdownNow();
    }

    private void lookAtDecisions() {
        boolean well = isWell(decides);
        synchronized (this) {
            deciding = well;
            told.serving(deciding, storing);
        }
    }

    private void lookAtStore() {
        boolean well = isWell(stores);
        synchronized (this) {
            storing = well;
            told.serving(deciding, storing);
        }
    }

    /** A look that fails is not well. */
    private static boolean isWell(BooleanSupplier look) {
        try {
            return look.getAsBoolean();
        } catch (RuntimeException failure) {
            LOG.warn("What health says cannot be found out", failure);
            return false;
        }
    }
}
