package dev.assize.server.spool;

import dev.assize.server.spool.WaitingRecords.Pending;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The one writer of a queue: a virtual thread for as long as there is something to write. Records that gather while others are
 * written are written together, and made to last together. It writes to the newest file without the queue's lock, so that
 * others are taken and read meanwhile.
 *
 * <p>A write that fails is cut off again, so that nothing is kept of what was refused; until that is done nothing else is
 * written.
 */
final class QueueWriter {

    private static final Logger LOG = LoggerFactory.getLogger(QueueWriter.class);

    private final Path directory;
    private final SpoolConfig config;
    private final DiskTurns turns;
    private final QueueFiles kept;
    private final WaitingRecords waiting;
    private final Supplier<QueueState> state;
    private final Outcome outcome;

    /** The queue's. It guards what follows. */
    private final ReentrantLock lock;

    private final Condition ended;
    private boolean writing;
    private boolean mustCut;
    private boolean failing;

    /** What becomes of what waits. */
    interface Outcome {

        /** The batch is on disk for good, and ends with this number. The queue's lock is held. */
        void written(List<Pending> batch, long last);

        /** Those who wait are to be told. */
        void tell(List<Pending> batch, long first);

        /** The batch is not taken, and kept by nobody but perhaps the disk. The queue's lock is held. */
        void refused(List<Pending> batch, Throwable failure);
    }

    QueueWriter(
            Path directory,
            SpoolConfig config,
            DiskTurns turns,
            QueueFiles kept,
            WaitingRecords waiting,
            Supplier<QueueState> state,
            ReentrantLock lock,
            Outcome outcome) {
        this.directory = directory;
        this.config = config;
        this.turns = turns;
        this.kept = kept;
        this.waiting = waiting;
        this.state = state;
        this.lock = lock;
        this.ended = lock.newCondition();
        this.outcome = outcome;
    }

    /** Something waits. The queue's lock is held. */
    void begin() {
        if (!writing) {
            writing = true;
            Thread.ofVirtual().name("spool-writer").start(this::write);
        }
    }

    /** Waits until nothing is written, so long at most. The queue's lock is held. */
    void awaitEnd(long nanos) throws InterruptedException {
        long left = nanos;
        while (writing && left > 0) {
            left = ended.awaitNanos(left);
        }
    }

    private void write() {
        for (List<Pending> batch = take(); !batch.isEmpty(); batch = take()) {
            try {
                write(batch);
            } catch (IOException | RuntimeException | Error e) {
                // Also errors: behind a writer that died whoever waits would wait for ever.
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
                ended.signalAll();
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
        Lock together = turns.together();
        together.lock();
        try {
            newest.write(prepared);
        } finally {
            together.unlock();
        }
        long last;
        lock.lock();
        try {
            newest.commit(prepared);
            failing = false;
            last = newest.last();
            batch.forEach(waiting::settle);
            outcome.written(batch, last);
        } finally {
            lock.unlock();
        }
        outcome.tell(batch, last - batch.size() + 1);
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
        Lock together = turns.together();
        together.lock();
        try {
            begun = kept.begin(state.get(), before);
        } finally {
            together.unlock();
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
    private void giveUp(List<Pending> batch, Throwable failure) {
        boolean clean = cutNow();
        RuntimeException refusal = clean
                ? new SpoolFullException(
                        "the spool is full: it cannot be written (" + SpoolQueue.reason(failure)
                                + "); nothing was kept",
                        config.retryAfter())
                : new SpoolFailedException(
                        "the spool cannot be written, and it is unknown what is kept: send the same again under the same"
                                + " key",
                        failure);
        lock.lock();
        try {
            warn(failure);
            batch.forEach(waiting::settle);
            outcome.refused(batch, failure);
        } finally {
            lock.unlock();
        }
        batch.forEach(pending -> pending.answer().completeExceptionally(refusal));
    }

    /** Once, until it can be written again: a full disk fails every request. */
    private void warn(Throwable failure) {
        if (!failing) {
            LOG.warn("the spool in `{}` cannot be written: {}", directory, SpoolQueue.reason(failure));
        }
        failing = true;
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
}
