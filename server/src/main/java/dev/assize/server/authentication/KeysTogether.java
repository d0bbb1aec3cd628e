package dev.assize.server.authentication;

import dev.assize.server.model.StoreUnavailableException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Finds keys: those that are asked for within a moment, or while others are read, with one read. So many callers, each with
 * a key of its own, do not read the store as often as there are of them.
 */
final class KeysTogether {

    /** Keys of one read. */
    static final int AT_ONCE = 1_000;

    /** Who waits for a read. Anybody may ask for a key, known or not: beyond this nobody is let in. */
    static final int MOST_WAITING = 10_000;

    private final ApiKeyRepository repository;
    private final Executor beside;
    private final Duration moment;
    private final BlockingQueue<Asked<?>> asked = new LinkedBlockingQueue<>(MOST_WAITING);
    private final Semaphore readers;

    private record Asked<V extends @Nullable Object>(
            String id, Function<Optional<ApiKey>, V> as, CompletableFuture<V> found) {

        void complete(Optional<ApiKey> key) {
            found.complete(as.apply(key));
        }
    }

    /**
     * @param moment how long the first who asks waits for others
     * @param readers reads at a time: with more than one, others go on while the store is silent about one
     */
    KeysTogether(ApiKeyRepository repository, Executor beside, Duration moment, int readers) {
        this.repository = repository;
        this.beside = beside;
        this.moment = moment;
        this.readers = new Semaphore(readers);
    }

    /**
     * The key as the store has it after this was called; {@link StoreUnavailableException} where that does not answer, or
     * too many wait for it already.
     *
     * @param as what becomes of it
     */
    <V extends @Nullable Object> CompletableFuture<V> find(String id, Function<Optional<ApiKey>, V> as) {
        return ask(id, as).found;
    }

    /** The same, waited for no longer than so. */
    Optional<ApiKey> find(String id, Duration atMost) {
        Asked<Optional<ApiKey>> one = ask(id, Function.identity());
        try {
            return one.found.get(atMost.toNanos(), TimeUnit.NANOSECONDS);
        } catch (ExecutionException failure) {
            if (failure.getCause() instanceof Error error) {
                throw error;
            }
            throw failure.getCause() instanceof RuntimeException cause ? cause : new IllegalStateException(failure);
        } catch (TimeoutException late) {
            asked.remove(one);
            throw new StoreUnavailableException("a key was not read within " + atMost, late);
        } catch (InterruptedException e) {
            asked.remove(one);
            Thread.currentThread().interrupt();
            throw new StoreUnavailableException("interrupted; no key was read", e);
        }
    }

    private <V extends @Nullable Object> Asked<V> ask(String id, Function<Optional<ApiKey>, V> as) {
        Asked<V> one = new Asked<>(id, as, new CompletableFuture<>());
        if (asked.offer(one)) {
            begin();
        } else {
            one.found.completeExceptionally(new StoreUnavailableException(
                    MOST_WAITING + " wait for a key to be read", new RejectedExecutionException()));
        }
        return one;
    }

    private void begin() {
        if (!asked.isEmpty() && readers.tryAcquire()) {
            try {
                beside.execute(this::readAll);
            } catch (RuntimeException | Error failure) {
                readers.release();
                // Nobody may read for them: without memory for a thread, say.
                List<Asked<?>> left = new ArrayList<>();
                asked.drainTo(left);
                left.forEach(one -> one.found.completeExceptionally(failure));
            }
        }
    }

    private void readAll() {
        try {
            if (moment.isPositive()) {
                LockSupport.parkNanos(moment.toNanos());
            }
            List<Asked<?>> next = new ArrayList<>();
            while (asked.drainTo(next, AT_ONCE) > 0) {
                read(next);
                next.clear();
            }
        } finally {
            readers.release();
            // Who has asked since the last look found that enough were reading.
            begin();
        }
    }

    private void read(List<Asked<?>> next) {
        try {
            Set<String> ids = new HashSet<>();
            next.forEach(one -> ids.add(one.id));
            Map<String, ApiKey> found = repository.findAll(ids);
            next.forEach(one -> one.complete(Optional.ofNullable(found.get(one.id))));
        } catch (RuntimeException | Error failure) {
            // Errors, too: nobody else ends the waiting.
            next.forEach(one -> one.found.completeExceptionally(failure));
        }
    }
}
