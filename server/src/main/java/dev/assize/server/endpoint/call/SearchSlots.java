package dev.assize.server.endpoint.call;

import java.time.Duration;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * Bounds how many searches look at names at a time, to half of the processors: whoever may search must not be able to
 * keep others from checking. A slot is held for one stretch of work, so that searches take turns.
 */
public final class SearchSlots {

    private static final Duration RETRY_AFTER = Duration.ofSeconds(1);

    private final Semaphore free;

    public SearchSlots() {
        this(Math.max(1, Runtime.getRuntime().availableProcessors() / 2));
    }

    SearchSlots(int slots) {
        this.free = new Semaphore(slots, true);
    }

    /** Does a stretch of work when it is its turn, which it waits for so long. */
    public <T> T run(Duration patience, Supplier<T> work) {
        try {
            if (!free.tryAcquire(patience.toNanos(), TimeUnit.NANOSECONDS)) {
                throw busy();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw busy();
        }
        try {
            return work.get();
        } finally {
            free.release();
        }
    }

    private static RefusedException busy() {
        return RefusedException.retry(
                ErrorReason.SEARCH_BUSY, "this node has as many searches under way as it runs at a time", RETRY_AFTER);
    }
}
