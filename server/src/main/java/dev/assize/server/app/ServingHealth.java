package dev.assize.server.app;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Has gRPC's health say what is well, looked at twice a second. Decisions are served while this node's policy is confirmed and
 * its clock is right, which needs no database for a while; all else, and the server in total, as long as the database
 * answers, too. A look that does not end in time is not well either: what it found the last time is long ago by then.
 */
final class ServingHealth implements AutoCloseable {

    private static final Duration INTERVAL = Duration.ofMillis(500);

    /** How long a look may take: a driver waits far longer for a database that says nothing. */
    private static final Duration PATIENCE = Duration.ofSeconds(2);

    private static final Logger LOG = LoggerFactory.getLogger(ServingHealth.class);

    private final Told told;
    private final Duration patience;
    private final Look deciding;
    private final Look storing;

    /** Three threads: each look keeps one waiting as long as it takes, and somebody has to notice. */
    private final ScheduledExecutorService rounds = Executors.newScheduledThreadPool(
            3, Thread.ofPlatform().daemon().name("health-", 0).factory());

    /**
     * What is yet to be started.
     *
     * @param decides whether decisions can be served
     * @param stores whether the database answers; may wait for that
     */
    ServingHealth(Told told, BooleanSupplier decides, BooleanSupplier stores) {
        this(told, decides, stores, PATIENCE);
    }

    ServingHealth(Told told, BooleanSupplier decides, BooleanSupplier stores, Duration patience) {
        this.told = told;
        this.patience = patience;
        this.deciding = new Look(decides);
        this.storing = new Look(stores);
    }

    /** Who is told. */
    @FunctionalInterface
    interface Told {

        void serving(boolean decisions, boolean others);
    }

    /** Says it for the first time, which is waited for no longer than a look may take, and from then on twice a second. */
    void start() {
        CompletableFuture.allOf(begin(deciding), begin(storing))
                .completeOnTimeout(null, patience.toNanos(), TimeUnit.NANOSECONDS)
                .join();
        repeat(this::noticeSilence);
    }

    private CompletableFuture<Void> begin(Look look) {
        return CompletableFuture.runAsync(() -> unbroken(look), rounds).thenRun(() -> repeat(look));
    }

    private void repeat(Runnable work) {
        var _ = rounds.scheduleWithFixedDelay(
                () -> unbroken(work), INTERVAL.toMillis(), INTERVAL.toMillis(), TimeUnit.MILLISECONDS);
    }

    /** What is thrown would be the end of all rounds, and what was said last would be said for ever. */
    private static void unbroken(Runnable work) {
        try {
            work.run();
        } catch (Throwable failure) {
            LOG.warn("Health could not be said", failure);
        }
    }

    /** Says no more. */
    @Override
    public void close() {
        rounds.shutdownNow();
    }

    private synchronized void noticeSilence() {
        deciding.giveUpIfLate();
        storing.giveUpIfLate();
        tell();
    }

    private synchronized void tell() {
        told.serving(deciding.well, storing.well);
    }

    /** One of the two things that are looked at; what it came to is guarded by the health it is part of. */
    private final class Look implements Runnable {

        private final BooleanSupplier question;
        private boolean well;
        private boolean underWay;
        private long begunNanos;

        Look(BooleanSupplier question) {
            this.question = question;
        }

        @Override
        public void run() {
            begin();
            end(isWell());
        }

        private void begin() {
            synchronized (ServingHealth.this) {
                underWay = true;
                begunNanos = System.nanoTime();
            }
        }

        /** A look that fails is not well, whatever fails. */
        private boolean isWell() {
            try {
                return question.getAsBoolean();
            } catch (Throwable failure) {
                LOG.warn("What health says cannot be found out", failure);
                return false;
            }
        }

        private void end(boolean found) {
            synchronized (ServingHealth.this) {
                well = found && !isLate();
                underWay = false;
                tell();
            }
        }

        void giveUpIfLate() {
            if (underWay && isLate()) {
                well = false;
            }
        }

        private boolean isLate() {
            return System.nanoTime() - begunNanos > patience.toNanos();
        }
    }
}
