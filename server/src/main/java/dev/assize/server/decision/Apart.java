package dev.assize.server.decision;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Supplier;

/**
 * Work that may keep a processor busy for long, done on threads of the system's own: a virtual thread would keep its
 * carrier, of which there are as many as processors, from those that answer meanwhile. Threads are used again, because on
 * a busy machine a new one waits longest for its first turn; how many there are is for those to bound who bring work.
 */
final class Apart {

    private final ExecutorService threads = Executors.newCachedThreadPool(
            Thread.ofPlatform().name("policy-worker-", 0).daemon().factory());

    /** Does the work, and waits for it. */
    <T> T get(Supplier<T> work) {
        try {
            return CompletableFuture.supplyAsync(work, threads).join();
        } catch (CompletionException failed) {
            if (failed.getCause() instanceof Error cause) {
                throw cause;
            }
            throw failed.getCause() instanceof RuntimeException cause ? cause : failed;
        }
    }

    /** Begins the work, and does not wait. */
    void start(Runnable work) {
        threads.execute(work);
    }
}
