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
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A queue on disk, in files of a directory of its own. What it has taken is on disk for good, in order, each under its
 * number; a number is never given twice.
 *
 * <p>What it takes waits for its {@link QueueWriter writer}, which answers when that is done. What cannot be read, other than the
 * end that a crash may leave, stops the queue: what stands before it can still be forwarded, and nothing more is taken.
 */
public final class SpoolQueue implements AutoCloseable {

    /** How long a stop waits for what is being written. */
    private static final Duration DRAIN = Duration.ofSeconds(10);

    private static final Logger LOG = LoggerFactory.getLogger(SpoolQueue.class);

    private final Path directory;
    private final SpoolConfig config;
    private final SpoolBudget budget;
    private final InstantSource clock;
    private final Runnable appended;

    /** Guards everything below, but that the writer writes to the newest file without it. */
    private final ReentrantLock lock = new ReentrantLock();

    private final QueueFiles kept;
    private final ForwardedMark forwarded;
    private final QueueKeys keys = new QueueKeys();
    private final WaitingRecords waiting = new WaitingRecords();
    private final QueueWriter writer;
    private long last;
    private boolean closed;
    private @Nullable String damage;
    private @Nullable Instant oldestPendingAt;

    private SpoolQueue(
            Path directory,
            SpoolFiles files,
            SpoolConfig config,
            SpoolBudget budget,
            DiskTurns turns,
            InstantSource clock,
            Runnable appended,
            QueueFiles kept,
            QueueState state) {
        this.directory = directory;
        this.config = config;
        this.budget = budget;
        this.clock = clock;
        this.appended = appended;
        this.kept = kept;
        this.forwarded = new ForwardedMark(directory, files, turns, state);
        this.writer = new QueueWriter(directory, config, turns, kept, waiting, forwarded::state, lock, new Written());
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
            DiskTurns turns,
            InstantSource clock,
            Runnable appended) {
        try {
            files.createDirectory(directory);
            QueueFiles kept = new QueueFiles(directory, files, budget);
            try {
                SpoolQueue queue =
                        new SpoolQueue(directory, files, config, budget, turns, clock, appended, kept, kept.state());
                queue.readAll();
                queue.forwarded.holdRoom();
                return queue;
            } catch (Damage e) {
                QueueState unknown = new QueueState("", 0);
                SpoolQueue queue =
                        new SpoolQueue(directory, files, config, budget, turns, clock, appended, kept, unknown);
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
            kept.open(forwarded.state(), this::remember);
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
            waiting.add(pending);
            writer.begin();
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

    /** What names this queue among all; kept with its files. */
    public String id() {
        return forwarded.state().id();
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
            return forwarded.through();
        } finally {
            lock.unlock();
        }
    }

    /** How many records are still to be forwarded. */
    public long depth() {
        lock.lock();
        try {
            return Math.max(0, last - forwarded.through());
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
            return kept.hashBefore(number, forwarded.state());
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
            if (through != forwarded.through()) {
                forwarded.move(through);
                lookAtOldest();
            }
        } finally {
            lock.unlock();
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

    private void dropForwarded(Instant takenBefore) {
        forwarded.note();
        long through = forwarded.lasting();
        for (long dropped = kept.dropOldest(through, takenBefore); dropped > 0; ) {
            keys.forgetThrough(dropped);
            dropped = kept.dropOldest(through, takenBefore);
        }
        // A disk that had no room for it may have some now; where nothing was let go of here, somebody else may have.
        forwarded.holdRoom();
    }

    private void lookAtOldest() {
        oldestPendingAt = null;
        if (forwarded.through() < last) {
            List<SpoolRecord> oldest = read(forwarded.through() + 1, 1, 0);
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
            writer.awaitEnd(DRAIN.toNanos());
            kept.close();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (IOException e) {
            LOG.warn("the spool in `{}` cannot be closed: {}", directory, reason(e));
        } finally {
            lock.unlock();
        }
    }

    static String reason(Throwable e) {
        return e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
    }

    /** What becomes of what waits for the writer. */
    private final class Written implements QueueWriter.Outcome {

        @Override
        public void written(List<Pending> batch, long through) {
            last = through;
            long number = through - batch.size() + 1;
            for (Pending pending : batch) {
                if (pending.draft().key() != null) {
                    keys.remember(pending.draft().key(), number, pending.content());
                }
                number++;
            }
            if (oldestPendingAt == null) {
                oldestPendingAt = batch.getFirst().draft().takenAt();
            }
        }

        @Override
        public void tell(List<Pending> batch, long first) {
            long number = first;
            for (Pending pending : batch) {
                pending.answer().complete(new SpoolAnswer.Taken(number++));
            }
            appended.run();
        }

        @Override
        public void refused(List<Pending> batch, Throwable failure) {
            batch.forEach(pending -> budget.release(pending.draft().bytes()));
            if (failure instanceof IOException) {
                // Whatever fills the disk: what need not be there does not.
                dropForwarded(Instant.MAX);
            }
        }
    }
}
