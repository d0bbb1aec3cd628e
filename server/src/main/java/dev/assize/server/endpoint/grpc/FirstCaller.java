package dev.assize.server.endpoint.grpc;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** Whoever asks a server for a decision first, often as soon as its port is open. */
final class FirstCaller {

    private final CountDownLatch begun = new CountDownLatch(1);
    private final CountDownLatch ended = new CountDownLatch(1);

    /** A call has come. */
    void begins() {
        begun.countDown();
    }

    /** A call was answered, or refused. */
    void ends() {
        ended.countDown();
    }

    /**
     * Returns when a call has ended; whether one has.
     *
     * @param toBegin how long to wait for one that begins
     * @param toEnd how long one that has begun is waited for
     */
    boolean await(Duration toBegin, Duration toEnd) {
        try {
            return begun.await(toBegin.toNanos(), TimeUnit.NANOSECONDS)
                    && ended.await(toEnd.toNanos(), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }
}
