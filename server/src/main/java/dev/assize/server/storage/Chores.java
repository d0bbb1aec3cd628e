package dev.assize.server.storage;

import java.time.Duration;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What is done for the database beside everything else, one thing after the other on a thread of its own. */
final class Chores implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(Chores.class);

    private final ScheduledExecutorService thread = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("assize-storage-chores").factory());

    /** The first time before this returns. */
    void atOnceAndEvery(Duration interval, Runnable chore) {
        attempt(chore);
        every(interval, chore);
    }

    /** Once; it is not tried again where it fails. */
    void soon(Runnable chore) {
        thread.execute(() -> attempt(chore));
    }

    /** A chore that fails is tried again at its next turn. */
    void every(Duration interval, Runnable chore) {
        ScheduledFuture<?> _ = thread.scheduleWithFixedDelay(
                () -> attempt(chore), interval.toMillis(), interval.toMillis(), TimeUnit.MILLISECONDS);
    }

    /** What is thrown, errors too, would be the last turn: months would not be made ahead any more, and nobody told. */
    static void attempt(Runnable chore) {
        try {
            chore.run();
        } catch (RuntimeException | Error e) {
            LOG.warn("{}", Reasons.of(e));
        }
    }

    /** Waits for what is being done, and does nothing more. */
    @Override
    public void close() {
        thread.close();
    }
}
