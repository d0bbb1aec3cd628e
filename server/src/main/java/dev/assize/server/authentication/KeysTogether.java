package dev.assize.server.authentication;

import dev.assize.server.model.StoreUnavailableException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;
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

    private final ApiKeyRepository repository;
    private final Executor beside;
    private final Duration moment;
    private final Queue<Asked<?>> asked = new ConcurrentLinkedQueue<>();
    private final AtomicBoolean reading = new AtomicBoolean();

    private record Asked<V extends @Nullable Object>(
            String id, Function<Optional<ApiKey>, V> as, CompletableFuture<V> found) {

        void complete(Optional<ApiKey> key) {
            found.complete(as.apply(key));
        }
    }

    /** @param moment how long the first who asks waits for others */
    KeysTogether(ApiKeyRepository repository, Executor beside, Duration moment) {
        this.repository = repository;
        this.beside = beside;
        this.moment = moment;
    }

    /**
     * The key as the store has it after this was called; {@link StoreUnavailableException} where that does not answer.
     *
     * @param as what becomes of it
     */
    <V extends @Nullable Object> CompletableFuture<V> find(String id, Function<Optional<ApiKey>, V> as) {
        Asked<V> one = new Asked<>(id, as, new CompletableFuture<>());
        asked.add(one);
        begin();
        return one.found;
    }

    private void begin() {
        if (!asked.isEmpty() && reading.compareAndSet(false, true)) {
            beside.execute(this::readAll);
        }
    }

    private void readAll() {
        if (moment.isPositive()) {
            LockSupport.parkNanos(moment.toNanos());
        }
        try {
            for (List<Asked<?>> next = next(); !next.isEmpty(); next = next()) {
                read(next);
            }
        } finally {
            reading.set(false);
            // Who has asked since the last look found that somebody was reading.
            begin();
        }
    }

    private List<Asked<?>> next() {
        List<Asked<?>> next = new ArrayList<>();
        for (Asked<?> one = asked.poll(); one != null; one = next.size() < AT_ONCE ? asked.poll() : null) {
            next.add(one);
        }
        return next;
    }

    private void read(List<Asked<?>> next) {
        Set<String> ids = new HashSet<>();
        next.forEach(one -> ids.add(one.id));
        try {
            Map<String, ApiKey> found = repository.findAll(ids);
            next.forEach(one -> one.complete(Optional.ofNullable(found.get(one.id))));
        } catch (RuntimeException failure) {
            next.forEach(one -> one.found.completeExceptionally(failure));
        }
    }
}
