package dev.assize.server.spool;

import java.util.concurrent.atomic.AtomicLong;

/** The bytes that all queues of a spool may have together. */
final class SpoolBudget {

    private final long max;
    private final AtomicLong used = new AtomicLong();

    SpoolBudget(long max) {
        this.max = max;
    }

    /** Whether there was room for so many more; they are used then. */
    boolean take(long bytes) {
        long before;
        do {
            before = used.get();
            if (before + bytes > max) {
                return false;
            }
        } while (!used.compareAndSet(before, before + bytes));
        return true;
    }

    /** What is on disk is counted, room or not. */
    void count(long bytes) {
        used.addAndGet(bytes);
    }

    void release(long bytes) {
        used.addAndGet(-bytes);
    }

    long used() {
        return used.get();
    }
}
