package dev.assize.server.spool;

import dev.assize.server.model.Digest;
import dev.assize.server.spool.RecordFormat.Draft;
import dev.assize.server.spool.RecordFormat.Parsed;
import dev.assize.server.spool.Segment.Damage;
import dev.assize.server.spool.WaitingRecords.Pending;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A queue on disk, in files of a directory of its own. What it has taken is on disk for good, in order, each under its
 * number; a number is never given twice.
 *
 * <p>Records that gather while others are written are written together, and made to last together: one virtual thread writes,
 * for as long as there is something to write. A write that fails is cut off again, so that nothing is kept of what was
 * refused; until that is done nothing else is taken. What cannot be read, other than the end that a crash may leave, stops
 * the queue: what stands before it can still be forwarded, and nothing more is taken.
 */
public final class SpoolQueue implements AutoCloseable {

    /** How long a stop waits for what is being written. */
    private static final Duration DRAIN = Duration.ofSeconds(10);

    private static final Logger LOG = LoggerFactory.getLogger(SpoolQueue.class);

    private final Path directory;
    private final SpoolFiles files;
    private final SpoolConfig config;
    private final SpoolBudget budget;
    private final InstantSource clock;
    private final Runnable appended;

    /** Guards everything below, but that the one writer writes to the newest file without it. */
    private final ReentrantLock lock = new ReentrantLock();

    /** Held for whatever takes room on the disk where the one above is not; where both are, that comes first. */
    private final ReentrantLock disk = new ReentrantLock();

    private final Condition writerEnded = lock.newCondition();
    private final QueueFiles kept;
    private final SpareRoom spare;
    private final QueueKeys keys = new QueueKeys();
    private final WaitingRecords waiting = new WaitingRecords();
    private QueueState state;

    /** What the disk has of the state: on a disk that is full it may be behind. */
    private long noted;

    private long last;
    private boolean writing;
    private boolean mustCut;
    private boolean failing;
    private boolean closed;
    private @Nullable String damage;
    private @Nullable Instant oldestPendingAt;

    private SpoolQueue(
            Path directory,
            SpoolFiles files,
            SpoolConfig config,
            SpoolBudget budget,
            InstantSource clock,
            Runnable appended,
            QueueFiles kept,
            QueueState state) {
        this.directory = directory;
        this.files = files;
        this.config = config;
        this.budget = budget;
        this.clock = clock;
        this.appended = appended;
        this.kept = kept;
        this.spare = new SpareRoom(directory, files);
        this.state = state;
        this.noted = state.forwarded();
    }

    /**
     * Opens the queue in a directory, and begins one where there is none.
     *
     * @param appended called when something was appended; must be short
     * @throws SpoolFailedException where its files cannot be read at all
     */
    static SpoolQueue open(
            Path directory,
            SpoolFiles files,
            SpoolConfig config,
            SpoolBudget budget,
            InstantSource clock,
            Runnable appended) {
        try {
            files.createDirectory(directory);
            QueueFiles kept = new QueueFiles(directory, files, budget);
            try {
                SpoolQueue queue =
                        new SpoolQueue(directory, files, config, budget, clock, appended, kept, kept.state());
                queue.readAll();
                queue.spare.hold();
                return queue;
            } catch (Damage e) {
                QueueState unknown = new QueueState("", 0);
                SpoolQueue queue = new SpoolQueue(directory, files, config, budget, clock, appended, kept, unknown);
                queue.damaged(e);
                return queue;
            }
        } catch (IOException e) {
            throw new SpoolFailedException("the spool in `" + directory + "` cannot be used: " + reason(e), e);
        }
    }

    /** Reads what there is; where that is damaged, what stands before it. */
    private void readAll() throws IOException {
        try {
            kept.open(state, this::remember);
        } catch (Damage e) {
            damaged(e);
        }
        last = kept.last();
        lookAtOldest();
    }

    private void remember(Parsed record) {
        if (record.key() != null && record.content() != null) {
            keys.remember(record.key(), record.number(), record.content());
        }
    }

    /**
     * Takes a record; completes when it is on disk for good.
     *
     * @param key recognises a retry for as long as the record is kept; null where none is to be
     * @param content tells a retry from something else under the same key
     * @return completes exceptionally with {@link SpoolFullException} where nothing was kept, and with
     *     {@link SpoolFailedException} where that is not known, or an operator must act first
     */
    public CompletableFuture<SpoolAnswer> append(byte[] payload, @Nullable String key, Digest content) {
        Draft draft = Draft.of(clock.instant(), key, content, payload);
        Pending pending = new Pending(draft, content, new CompletableFuture<>());
        lock.lock();
        try {
            SpoolAnswer known = key == null ? null : keys.answer(key, content);
            if (known != null) {
                return CompletableFuture.completedFuture(known);
            }
            Pending other = key == null ? null : waiting.under(key);
            if (other != null) {
                return other.answerTo(content);
            }
            requireUsable();
            requireRoom(draft);
            enqueue(pending);
        } catch (SpoolFullException | SpoolFailedException e) {
            return CompletableFuture.failedFuture(e);
        } finally {
            lock.unlock();
        }
        return pending.answer();
    }

    /** Whether something is kept that was given under a key. */
    public boolean knows(String key) {
        lock.lock();
        try {
            return keys.has(key) || waiting.under(key) != null;
        } finally {
            lock.unlock();
        }
    }

    private void requireUsable() {
        if (closed) {
            throw new SpoolFailedException("the server is stopping; nothing was kept");
        }
        if (damage != null) {
            throw new SpoolFailedException("nothing is taken: " + damage);
        }
    }

    private void requireRoom(Draft draft) {
        Instant oldest = oldestPendingAt;
        if (oldest != null && oldest.plus(config.maxAge()).isBefore(clock.instant())) {
            throw full("its oldest record has not been forwarded for " + config.maxAge());
        }
        if (!waiting.hasRoomFor(draft)) {
            throw full("too much waits to be written");
        }
        if (!budget.take(draft.bytes())) {
            dropForwarded(Instant.MAX);
            if (!budget.take(draft.bytes())) {
                throw full("it has " + budget.used() + " of " + config.maxBytes() + " bytes");
            }
        }
    }

    private SpoolFullException full(String why) {
        return new SpoolFullException("the spool is full: " + why + "; nothing was kept", config.retryAfter());
    }

    private void enqueue(Pending pending) {
        waiting.add(pending);
        if (!writing) {
            writing = true;
            Thread.ofVirtual().name("spool-writer").start(this::write);
        }
    }

    private void write() {
        for (List<Pending> batch = take(); !batch.isEmpty(); batch = take()) {
            try {
                write(batch);
            } catch (IOException | RuntimeException e) {
                giveUp(batch, e);
            }
        }
    }

    private List<Pending> take() {
        lock.lock();
        try {
            List<Pending> batch = waiting.take();
            if (batch.isEmpty()) {
                writing = false;
                writerEnded.signalAll();
            }
            return batch;
        } finally {
            lock.unlock();
        }
    }

    private void write(List<Pending> batch) throws IOException {
        Segment newest = newest();
        Segment.Batch prepared =
                newest.prepare(batch.stream().map(Pending::draft).toList());
        disk.lock();
        try {
            newest.write(prepared);
        } finally {
            disk.unlock();
        }
        long first;
        lock.lock();
        try {
            newest.commit(prepared);
            failing = false;
            last = newest.last();
            first = last - batch.size() + 1;
            for (int i = 0; i < batch.size(); i++) {
                Pending pending = batch.get(i);
                waiting.settle(pending);
                if (pending.draft().key() != null) {
                    keys.remember(pending.draft().key(), first + i, pending.content());
                }
            }
            if (oldestPendingAt == null) {
                oldestPendingAt = batch.getFirst().draft().takenAt();
            }
        } finally {
            lock.unlock();
        }
        for (int i = 0; i < batch.size(); i++) {
            batch.get(i).answer().complete(new SpoolAnswer.Taken(first + i));
        }
        appended.run();
    }

    /** The file to append to, with nothing behind its last record. */
    private Segment newest() throws IOException {
        Segment newest;
        boolean cut;
        lock.lock();
        try {
            newest = kept.newest();
            cut = mustCut;
        } finally {
            lock.unlock();
        }
        if (newest != null && cut) {
            newest.cut();
        }
        lock.lock();
        try {
            mustCut = false;
        } finally {
            lock.unlock();
        }
        return newest == null || newest.length() >= config.segmentBytes() ? next(newest) : newest;
    }

    private Segment next(@Nullable Segment before) throws IOException {
        Segment begun;
        disk.lock();
        try {
            begun = kept.begin(state, before);
        } finally {
            disk.unlock();
        }
        lock.lock();
        try {
            kept.add(begun);
            return begun;
        } finally {
            lock.unlock();
        }
    }

    /** Nothing of the batch was acknowledged; where it can be cut off now, nothing of it is kept. */
    private void giveUp(List<Pending> batch, Exception failure) {
        boolean clean = cutNow();
        warn(failure);
        RuntimeException refusal = clean
                ? full("it cannot be written (" + reason(failure) + ")")
                : new SpoolFailedException(
                        "the spool cannot be written, and it is unknown what is kept: send the same again under the same"
                                + " key",
                        failure);
        lock.lock();
        try {
            for (Pending pending : batch) {
                waiting.settle(pending);
                budget.release(pending.draft().bytes());
            }
            if (failure instanceof IOException) {
                // Whatever fills the disk: what need not be there does not.
                dropForwarded(Instant.MAX);
            }
        } finally {
            lock.unlock();
        }
        batch.forEach(pending -> pending.answer().completeExceptionally(refusal));
    }

    /** Once, until it can be written again: a full disk fails every request. */
    private void warn(Exception failure) {
        lock.lock();
        try {
            if (!failing) {
                LOG.warn("the spool in `{}` cannot be written: {}", directory, reason(failure));
            }
            failing = true;
        } finally {
            lock.unlock();
        }
    }

    private boolean cutNow() {
        lock.lock();
        try {
            mustCut = true;
            Segment newest = kept.newest();
            if (newest != null) {
                newest.cut();
            }
            mustCut = false;
            return true;
        } catch (IOException e) {
            return false;
        } finally {
            lock.unlock();
        }
    }

    /** What names this queue among all; kept with its files. */
    public String id() {
        return state.id();
    }

    /** The number of the newest record that is on disk for good; 0 where there is none. */
    public long last() {
        lock.lock();
        try {
            return last;
        } finally {
            lock.unlock();
        }
    }

    /** The number of the oldest record that is kept; one more than the newest where none is. */
    public long first() {
        lock.lock();
        try {
            return kept.first();
        } finally {
            lock.unlock();
        }
    }

    /** Through which number records were forwarded. */
    public long forwarded() {
        lock.lock();
        try {
            return state.forwarded();
        } finally {
            lock.unlock();
        }
    }

    /** How many records are still to be forwarded. */
    public long depth() {
        lock.lock();
        try {
            return Math.max(0, last - state.forwarded());
        } finally {
            lock.unlock();
        }
    }

    /** When the oldest record was taken that is still to be forwarded. */
    public Optional<Instant> oldestPendingAt() {
        lock.lock();
        try {
            return Optional.ofNullable(oldestPendingAt);
        } finally {
            lock.unlock();
        }
    }

    /** Why an operator must act; empty where nobody must. */
    public Optional<String> complaint() {
        lock.lock();
        try {
            return Optional.ofNullable(damage);
        } finally {
            lock.unlock();
        }
    }

    /**
     * Records from a number on, which is kept; as many as fit, and at least one where there is one.
     *
     * @throws SpoolFailedException where they cannot be read
     */
    public List<SpoolRecord> read(long from, int maxRecords, int maxBytes) {
        lock.lock();
        try {
            QueueFiles.Reading reading = kept.read(from, maxRecords, maxBytes);
            if (reading.damage() != null) {
                damaged(reading.damage());
                if (reading.records().isEmpty()) {
                    throw new SpoolFailedException(
                            String.valueOf(reading.damage().getMessage()), reading.damage());
                }
            }
            return reading.records();
        } catch (IOException e) {
            throw new SpoolFailedException("the spool in `" + directory + "` cannot be read: " + reason(e), e);
        } finally {
            lock.unlock();
        }
    }

    /** The hash over all records before a number, from the oldest kept up to behind the newest. */
    public Digest hashBefore(long number) {
        lock.lock();
        try {
            return kept.hashBefore(number, state);
        } catch (IOException e) {
            throw new SpoolFailedException("the spool in `" + directory + "` cannot be read: " + reason(e), e);
        } catch (Damage e) {
            damaged(e);
            throw new SpoolFailedException(String.valueOf(e.getMessage()), e);
        } finally {
            lock.unlock();
        }
    }

    /**
     * Notes durably through which number records were forwarded, which may be fewer than before; and lets go of what was
     * forwarded and need not be kept any more.
     */
    public void forwarded(long through) {
        lock.lock();
        try {
            if (through > last || through < 0) {
                throw new IllegalArgumentException("forwarded through " + through + " of " + last);
            }
            if (through != state.forwarded()) {
                state = new QueueState(state.id(), through);
                note();
                lookAtOldest();
            }
        } finally {
            lock.unlock();
        }
    }

    /** Has the disk know through which number records were forwarded. */
    private void note() {
        if (noted == state.forwarded()) {
            return;
        }
        try {
            noteNow();
            noted = state.forwarded();
        } catch (IOException e) {
            // The ledger knows it, too: after a crash it is asked.
            if (!failing) {
                LOG.warn("the spool in `{}` cannot note what was forwarded: {}", directory, reason(e));
            }
        }
    }

    private void noteNow() throws IOException {
        try {
            state.write(files, directory);
        } catch (IOException e) {
            // Records that are being written would take its place.
            disk.lock();
            try {
                if (!spare.release()) {
                    throw e;
                }
                state.write(files, directory);
                spare.hold();
            } finally {
                disk.unlock();
            }
        }
    }

    /** Lets go of what was forwarded and need not be kept any more. */
    public void tidy() {
        lock.lock();
        try {
            dropForwarded(clock.instant().minus(config.keepForwarded()));
        } finally {
            lock.unlock();
        }
    }

    /** What the disk does not know to be forwarded would be missed there by the next start. */
    private void dropForwarded(Instant takenBefore) {
        note();
        long through = Math.min(noted, state.forwarded());
        for (long dropped = kept.dropOldest(through, takenBefore); dropped > 0; ) {
            keys.forgetThrough(dropped);
            dropped = kept.dropOldest(through, takenBefore);
        }
        // A disk that had no room for it may have some now; where nothing was let go of here, somebody else may have.
        spare.hold();
    }

    private void lookAtOldest() {
        oldestPendingAt = null;
        if (state.forwarded() < last) {
            List<SpoolRecord> oldest = read(state.forwarded() + 1, 1, 0);
            oldestPendingAt = oldest.isEmpty() ? null : oldest.getFirst().takenAt();
        }
    }

    private void damaged(Damage e) {
        if (damage == null) {
            damage = e.getMessage();
            LOG.error("the spool is stopped: {}", damage);
        }
    }

    /** Takes nothing more, and waits until what was taken is written. */
    @Override
    public void close() {
        lock.lock();
        try {
            closed = true;
            long nanos = DRAIN.toNanos();
            while (writing && nanos > 0) {
                nanos = writerEnded.awaitNanos(nanos);
            }
            kept.close();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (IOException e) {
            LOG.warn("the spool in `{}` cannot be closed: {}", directory, reason(e));
        } finally {
            lock.unlock();
        }
    }

    static String reason(Exception e) {
        return e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
    }
}
