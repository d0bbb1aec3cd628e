package dev.assize.server.decision;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Supplier;

/**
 * Work that may keep a processor busy for long, done on a thread of the system's own: a virtual thread would keep its
 * carrier, of which there are as many as processors, from those that answer meanwhile.
 */
final class Apart {

    private Apart() {}

    /** Does the work, and waits for it. */
    static <T> T get(Supplier<T> work) {
        CompletableFuture<T> done = new CompletableFuture<>();
        start("policy-worker", () -> {
            try {
                done.complete(work.get());
            } catch (Throwable broken) {
                done.completeExceptionally(broken);
            }
        });
        try {
            return done.join();
        } catch (CompletionException failed) {
            if (failed.getCause() instanceof Error cause) {
                throw cause;
            }
            throw failed.getCause() instanceof RuntimeException cause ? cause : failed;
        }
    }

    /** Begins the work, and does not wait. */
    static void start(String name, Runnable work) {
        var _ = Thread.ofPlatform().name(name).daemon().start(work);
    }
}
