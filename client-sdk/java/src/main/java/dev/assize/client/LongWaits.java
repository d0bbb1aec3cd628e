package dev.assize.client;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Finds those that wait for longer than a moment. Nearly every question is answered before, and a timer for each would cost
 * more than the rest of it; so whoever begins to wait is noted in a queue, and one look for all of them, a moment later, lets
 * go of those that were answered and does something for the others. While nobody waits nobody looks.
 */
final class LongWaits {

    /** Who waits for less may be found after up to twice as long. */
    static final Duration MOMENT = Duration.ofMillis(10);

    /** On a thread of its own: an application may block all of the common pool. */
    private static final Executor LATER =
            CompletableFuture.delayedExecutor(MOMENT.toNanos(), TimeUnit.NANOSECONDS, Thread::startVirtualThread);

    private final ConcurrentLinkedQueue<Wait> waits = new ConcurrentLinkedQueue<>();

    /** Whether somebody is going to look, who alone takes from the queue. */
    private final AtomicBoolean looking = new AtomicBoolean();

    private record Wait(CompletableFuture<?> awaited, long since, Runnable then) {

        void run() {
            try {
                then.run();
            } catch (RuntimeException | Error failure) {
                awaited.completeExceptionally(failure);
            }
        }
    }

    /**
     * Notes somebody who begins to wait.
     *
     * @param then what to do, soon after a moment, where it is not done by then; where that fails, what is awaited does
     */
    void note(CompletableFuture<?> awaited, Runnable then) {
        waits.add(new Wait(awaited, System.nanoTime(), then));
        lookLater();
    }

    private void lookLater() {
        if (!looking.get() && looking.compareAndSet(false, true)) {
            LATER.execute(this::look);
        }
    }

    private void look() {
        try {
            long moment = System.nanoTime() - MOMENT.toNanos();
            for (Wait oldest = waits.peek(); oldest != null && isOver(oldest, moment); oldest = waits.peek()) {
                waits.remove();
                if (!oldest.awaited.isDone()) {
                    oldest.run();
                }
            }
        } finally {
            looking.set(false);
            if (!waits.isEmpty()) {
                lookLater();
            }
        }
    }

    private static boolean isOver(Wait wait, long moment) {
        return wait.awaited.isDone() || wait.since - moment <= 0;
    }
}
