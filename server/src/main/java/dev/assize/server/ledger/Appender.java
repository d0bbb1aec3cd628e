package dev.assize.server.ledger;

import dev.assize.server.ledger.LedgerStore.Prepared;
import dev.assize.server.model.TenantId;
import jakarta.inject.Inject;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Appends by group commit. Each tenant with something to append has a lane: a queue, and a virtual thread that takes
 * everything queued (up to a bound), has the store write it in one transaction, completes the futures and repeats at
 * once. There is no timer: while a batch is being written the next one gathers, so batches grow with the load and a lone
 * caller waits for nobody. Where enough has gathered meanwhile, a second thread has the next batch written behind the one
 * that is being made durable, and where there is a whole batch more, a third. A lane without anything to write ends. A command with a precondition is written alone:
 * others neither wait for its answer under the head's lock nor fall with it.
 *
 * <p>Futures are completed on a lane's thread: what depends on them must be short.
 */
public final class Appender implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(Appender.class);

    /** Writers of one lane: one makes its batch durable, one has its inserted, and one puts its together. */
    private static final int WRITERS = 3;

    /** Queued entries that are worth a second writer; fewer are better added to. A third is worth a whole batch only. */
    private static final int FOLLOWED_BY = 100;

    private final LedgerStore store;
    private final LedgerConfig config;
    private final LedgerMetrics metrics;
    private final ThreadFactory threads;

    /** Guards everything below, lanes included. Held for moments, never while writing. */
    private final ReentrantLock lock = new ReentrantLock();

    private final Condition laneEnded = lock.newCondition();
    private final Map<TenantId, Lane> lanes = new HashMap<>();
    private long pendingEntries;
    private long pendingBytes;
    private boolean closed;

    @Inject
    public Appender(LedgerStore store, LedgerConfig config, LedgerMetrics metrics) {
        this(store, config, metrics, Thread.ofVirtual().name("ledger-lane-", 0).factory());
    }

    /** The same by threads of somebody's. */
    Appender(LedgerStore store, LedgerConfig config, LedgerMetrics metrics, ThreadFactory threads) {
        this.store = store;
        this.config = config;
        this.metrics = metrics;
        this.threads = threads;
    }

    /**
     * Queues the command and completes when it is durable; exceptionally with {@link LedgerBusyException} where the
     * queue is full, {@link DraftRefusedException} where it can never be appended, {@link LedgerHaltedException}
     * where an operator must act first, {@link LedgerUnanchoredException} where it may be tried again later,
     * {@link LedgerUnavailableException} where the store failed or the server is
     * stopping, and with what the precondition threw where it threw.
     */
    public CompletableFuture<AppendResult> append(TenantId tenant, AppendCommand command) {
        if (command.drafts().isEmpty()) {
            throw new IllegalArgumentException("a command has at least one draft");
        }
        Pending pending = new Pending(command);
        lock.lock();
        try {
            if (closed) {
                metrics.refused();
                return CompletableFuture.failedFuture(
                        new LedgerUnavailableException("the server is stopping; nothing was appended", null));
            }
            Lane lane = lanes.get(tenant);
            if (isFull(lane, pending)) {
                metrics.refused();
                return CompletableFuture.failedFuture(new LedgerBusyException(
                        "the ledger's queue is full; nothing was appended", config.retryAfter()));
            }
            enqueue(tenant, lane, pending);
        } catch (RuntimeException | Error e) {
            // Without memory for a thread, say: the next command finds no lane, and begins one.
            metrics.refused();
            return CompletableFuture.failedFuture(
                    new LedgerUnavailableException("there is no thread to append by; nothing was appended", e));
        } finally {
            lock.unlock();
        }
        return pending.future;
    }

    /** Whether nothing is pending. */
    boolean isIdle() {
        lock.lock();
        try {
            return lanes.isEmpty();
        } finally {
            lock.unlock();
        }
    }

    /** A tenant may always have one command pending; all tenants together keep to their bounds. */
    private boolean isFull(@Nullable Lane lane, Pending pending) {
        return (lane != null && lane.pendingEntries + pending.entries > config.tenantPendingEntries())
                || pendingEntries + pending.entries > config.pendingEntries()
                || pendingBytes + pending.bytes > config.pendingBytes();
    }

    private void enqueue(TenantId tenant, @Nullable Lane running, Pending pending) {
        Lane lane = running == null ? start(tenant) : running;
        lane.queue.add(pending);
        lane.queuedEntries += pending.entries;
        lane.pendingEntries += pending.entries;
        follow(tenant, lane);
        pendingEntries += pending.entries;
        pendingBytes += pending.bytes;
        metrics.queued(pending.entries);
    }

    /** The lane's thread waits for the lock, so it finds what is queued under it. */
    private Lane start(TenantId tenant) {
        Lane lane = new Lane();
        startWriter(tenant, lane);
        lanes.put(tenant, lane);
        return lane;
    }

    /** A second writer, or a third, where it is worth one. */
    private void follow(TenantId tenant, Lane lane) {
        int worth = lane.writers > 1 ? config.batchEntries() : FOLLOWED_BY;
        if (lane.writers < WRITERS && lane.queuedEntries >= worth) {
            try {
                startWriter(tenant, lane);
            } catch (RuntimeException | Error e) {
                // What is queued is written all the same, by those that there are.
                LOG.debug("no further writer for tenant {}", tenant, e);
            }
        }
    }

    private void startWriter(TenantId tenant, Lane lane) {
        threads.newThread(() -> run(tenant, lane)).start();
        lane.writers++;
    }

    @SuppressWarnings("ThreadPriorityCheck") // Batches grow by it; nothing relies on it.
    private void run(TenantId tenant, Lane lane) {
        boolean goesOn = true;
        while (goesOn) {
            Turn turn = new Turn(lane.turn);
            try (turn) {
                List<Pending> batch = take(tenant, lane);
                goesOn = !batch.isEmpty();
                if (goesOn) {
                    long start = System.nanoTime();
                    write(tenant, batch, turn);
                    metrics.batch(
                            batch.stream().mapToInt(pending -> pending.entries).sum(),
                            Duration.ofNanos(System.nanoTime() - start));
                    release(lane, batch);
                }
            }
            // Whoever was answered may append again at once: his next goes into the next batch, not behind a small one.
            Thread.yield();
        }
    }

    /** The next batch, at least one command; empty when there is none, and the writer has ended. */
    private List<Pending> take(TenantId tenant, Lane lane) {
        lock.lock();
        try {
            List<Pending> batch = new ArrayList<>();
            long entries = 0;
            long bytes = 0;
            for (Pending next = lane.queue.peek(); next != null; next = lane.queue.peek()) {
                entries += next.entries;
                bytes += next.bytes;
                if (!batch.isEmpty()
                        && (next.isConditional() || entries > config.batchEntries() || bytes > config.batchBytes())) {
                    break;
                }
                batch.add(lane.queue.remove());
                lane.queuedEntries -= next.entries;
                if (next.isConditional()) {
                    break;
                }
            }
            if (batch.isEmpty() && --lane.writers == 0) {
                lanes.remove(tenant);
                laneEnded.signalAll();
            }
            return batch;
        } finally {
            lock.unlock();
        }
    }

    private void write(TenantId tenant, List<Pending> batch, Turn turn) {
        try {
            Prepared prepared = store.prepare(
                    tenant, batch.stream().map(pending -> pending.command).toList());
            if (prepared.mayBeFollowed()) {
                turn.close();
            }
            List<AppendResult> results = prepared.write();
            if (results.size() != batch.size()) {
                throw new IllegalStateException(results.size() + " results for " + batch.size() + " commands");
            }
            for (int i = 0; i < results.size(); i++) {
                succeed(batch.get(i), results.get(i));
            }
        } catch (DraftRefusedException e) {
            isolate(tenant, batch, turn, e);
        } catch (LedgerHaltedException | LedgerUnanchoredException e) {
            batch.forEach(pending -> fail(pending, e));
        } catch (PreconditionFailedException e) {
            batch.forEach(pending -> fail(pending, e.failure()));
        } catch (Throwable e) {
            // Also errors: a lane that died would leave its callers waiting for ever.
            batch.forEach(pending -> fail(
                    pending, new LedgerUnavailableException("the ledger's store failed; retry with the same key", e)));
        }
    }

    /** Nothing of the batch was written: each command is tried alone, so that one does not take the others down. */
    private void isolate(TenantId tenant, List<Pending> batch, Turn turn, DraftRefusedException refusal) {
        if (batch.size() == 1) {
            fail(batch.getFirst(), refusal);
        } else {
            batch.forEach(pending -> write(tenant, List.of(pending), turn));
        }
    }

    private void succeed(Pending pending, AppendResult result) {
        metrics.result(result);
        settle(pending);
        pending.future.complete(result);
    }

    private void fail(Pending pending, RuntimeException reason) {
        metrics.failed();
        settle(pending);
        pending.future.completeExceptionally(reason);
    }

    private void settle(Pending pending) {
        metrics.settled(pending.entries, Duration.ofNanos(System.nanoTime() - pending.queuedNanos));
    }

    private void release(Lane lane, List<Pending> batch) {
        lock.lock();
        try {
            for (Pending pending : batch) {
                lane.pendingEntries -= pending.entries;
                pendingEntries -= pending.entries;
                pendingBytes -= pending.bytes;
            }
        } finally {
            lock.unlock();
        }
    }

    /** Refuses what comes, and waits until what is pending is durable; gives up what is still queued after a while. */
    @Override
    public void close() {
        List<Pending> abandoned = new ArrayList<>();
        lock.lock();
        try {
            closed = true;
            long nanos = config.drainTimeout().toNanos();
            while (!lanes.isEmpty() && nanos > 0) {
                nanos = laneEnded.awaitNanos(nanos);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            for (Lane lane : lanes.values()) {
                abandoned.addAll(lane.queue);
                lane.queue.clear();
                lane.queuedEntries = 0;
            }
            lock.unlock();
        }
        abandoned.forEach(pending ->
                fail(pending, new LedgerUnavailableException("the server stopped; nothing was appended", null)));
    }

    /** What one tenant has queued. Guarded by the appender's lock, but for the turn. */
    private static final class Lane {

        private final Deque<Pending> queue = new ArrayDeque<>();

        /** Held from the taking of a batch until it has its place. Taken before the appender's lock. */
        private final Semaphore turn = new Semaphore(1);

        private int writers;
        private long queuedEntries;
        private long pendingEntries;
    }

    /** A writer's turn to take a batch and to give it its place, which ends once. */
    private static final class Turn implements AutoCloseable {

        private final Semaphore turn;
        private boolean ended;

        Turn(Semaphore turn) {
            this.turn = turn;
            turn.acquireUninterruptibly();
        }

        @Override
        public void close() {
            if (!ended) {
                ended = true;
                turn.release();
            }
        }
    }

    /** A command and who waits for it. */
    private static final class Pending {

        private final AppendCommand command;
        private final CompletableFuture<AppendResult> future = new CompletableFuture<>();
        private final long queuedNanos = System.nanoTime();
        private final int entries;
        private final long bytes;

        Pending(AppendCommand command) {
            this.command = command;
            this.entries = command.drafts().size();
            this.bytes = command.drafts().stream()
                    .mapToLong(draft -> draft.body().length)
                    .sum();
        }

        boolean isConditional() {
            return command.precondition() != null;
        }
    }
}
