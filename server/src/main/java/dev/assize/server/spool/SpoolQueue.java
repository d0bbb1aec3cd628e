package dev.assize.server.spool;

import dev.assize.server.model.Digest;
import dev.assize.server.spool.RecordFormat.Draft;
import dev.assize.server.spool.RecordFormat.Parsed;
import dev.assize.server.spool.Segment.Continues;
import dev.assize.server.spool.Segment.Damage;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
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

    /** Records that are written together. */
    private static final int BATCH_BYTES = 1_024 * 1_024;

    /** Waiting to be written. */
    private static final int WAITING_BYTES = 32 * 1_024 * 1_024;

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

    private final Condition writerEnded = lock.newCondition();
    private final Deque<Segment> segments = new ArrayDeque<>();

    /** Keys of what is on disk, oldest first. */
    private final Map<String, Use> keys = new LinkedHashMap<>();

    /** Keys of what waits to be written. */
    private final Map<String, Pending> waitingKeys = new HashMap<>();

    private final Deque<Pending> waiting = new ArrayDeque<>();
    private QueueState state;
    private long last;
    private long waitingBytes;
    private boolean writing;
    private boolean mustCut;
    private boolean failing;
    private boolean closed;
    private @Nullable String damage;
    private @Nullable Instant oldestPendingAt;

    /** What a key was used for; half of the digest tells one content from another. */
    private record Use(long number, long high, long low) {

        static Use of(long number, Digest content) {
            ByteBuffer bytes = ByteBuffer.wrap(content.bytes());
            return new Use(number, bytes.getLong(), bytes.getLong());
        }

        boolean isOf(Digest content) {
            return equals(of(number, content));
        }
    }

    /** A record and who waits for it. */
    private record Pending(Draft draft, Digest content, CompletableFuture<SpoolAnswer> answer) {}

    private SpoolQueue(
            Path directory,
            SpoolFiles files,
            SpoolConfig config,
            SpoolBudget budget,
            InstantSource clock,
            Runnable appended,
            QueueState state) {
        this.directory = directory;
        this.files = files;
        this.config = config;
        this.budget = budget;
        this.clock = clock;
        this.appended = appended;
        this.state = state;
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
            SpoolQueue queue;
            try {
                queue = new SpoolQueue(directory, files, config, budget, clock, appended, state(directory, files));
                queue.readAll();
            } catch (Damage e) {
                queue = new SpoolQueue(directory, files, config, budget, clock, appended, new QueueState("", 0));
                queue.damaged(e);
            }
            return queue;
        } catch (IOException e) {
            throw new SpoolFailedException("the spool in `" + directory + "` cannot be used: " + reason(e), e);
        }
    }

    private static QueueState state(Path directory, SpoolFiles files) throws IOException, Damage {
        try {
            return QueueState.read(files, directory);
        } catch (NoSuchFileException e) {
            if (!names(directory, files).isEmpty()) {
                throw new Damage(directory.resolve(QueueState.FILE), 0, "it is gone, and records are there");
            }
            QueueState fresh = QueueState.fresh();
            fresh.write(files, directory);
            return fresh;
        }
    }

    private static List<String> names(Path directory, SpoolFiles files) throws IOException {
        return files.names(directory).stream()
                .filter(name -> name.endsWith(Segment.SUFFIX))
                .sorted()
                .toList();
    }

    /** Reads what there is; where that is damaged, what stands before it. */
    private void readAll() throws IOException {
        List<String> names = names(directory, files);
        Continues next = Continues.ANYTHING;
        try {
            for (String name : names) {
                boolean newest = name.equals(names.getLast());
                Path path = directory.resolve(name);
                Segment segment = Segment.open(files, path, state.id(), next, newest, this::remember);
                if (segment == null) {
                    files.delete(path);
                    files.forceDirectory(directory);
                } else {
                    add(segment);
                    if (segment.damage() != null) {
                        throw segment.damage();
                    }
                    next = new Continues(segment.last() + 1, segment.hash());
                }
            }
            requireWhole();
        } catch (Damage e) {
            damaged(e);
        }
        last = segments.isEmpty() ? 0 : segments.getLast().last();
        lookAtOldest();
    }

    private void add(Segment segment) {
        segments.add(segment);
        budget.count(segment.length());
        last = segment.last();
    }

    private void remember(Parsed record) {
        if (record.key() != null && record.content() != null) {
            keys.put(record.key(), Use.of(record.number(), record.content()));
        }
    }

    /** What was forwarded had been there; what was not, and does not begin the first file, is lost. */
    private void requireWhole() throws Damage {
        long first = segments.isEmpty() ? 1 : segments.getFirst().first();
        long reached = segments.isEmpty() ? 0 : segments.getLast().last();
        if (first > state.forwarded() + 1 || (first == 1 && !segments.isEmpty() && !isStart())) {
            throw new Damage(directory, 0, "records from " + (state.forwarded() + 1) + " on are gone");
        }
        if (reached < state.forwarded()) {
            throw new Damage(
                    directory, 0, "it ends at record " + reached + ", and " + state.forwarded() + " were forwarded");
        }
    }

    private boolean isStart() {
        try {
            return segments.getFirst().hashBefore(1).equals(state.start());
        } catch (IOException | Damage e) {
            return false;
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
            SpoolAnswer known = key == null ? null : known(key, content);
            if (known != null) {
                return CompletableFuture.completedFuture(known);
            }
            Pending other = key == null ? null : waitingKeys.get(key);
            if (other != null) {
                return other.answer.thenApply(answer -> sameOrOther(other, content, answer));
            }
            requireUsable();
            requireRoom(draft);
            enqueue(pending);
        } catch (SpoolFullException | SpoolFailedException e) {
            return CompletableFuture.failedFuture(e);
        } finally {
            lock.unlock();
        }
        return pending.answer;
    }

    /** Whether something is kept that was given under a key. */
    public boolean knows(String key) {
        lock.lock();
        try {
            return keys.containsKey(key) || waitingKeys.containsKey(key);
        } finally {
            lock.unlock();
        }
    }

    private @Nullable SpoolAnswer known(String key, Digest content) {
        Use use = keys.get(key);
        if (use == null) {
            return null;
        }
        return use.isOf(content) ? new SpoolAnswer.Known(use.number) : new SpoolAnswer.OtherContent();
    }

    private static SpoolAnswer sameOrOther(Pending other, Digest content, SpoolAnswer answer) {
        return other.content.equals(content) && answer instanceof SpoolAnswer.Taken(long number)
                ? new SpoolAnswer.Known(number)
                : new SpoolAnswer.OtherContent();
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
        if (waitingBytes + draft.bytes() > WAITING_BYTES) {
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
        waitingBytes += pending.draft.bytes();
        if (pending.draft.key() != null) {
            waitingKeys.put(pending.draft.key(), pending);
        }
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
            List<Pending> batch = new ArrayList<>();
            int bytes = 0;
            for (Pending next = waiting.peek(); next != null; next = waiting.peek()) {
                bytes += next.draft.bytes();
                if (!batch.isEmpty() && bytes > BATCH_BYTES) {
                    break;
                }
                batch.add(waiting.remove());
            }
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
        newest.write(prepared);
        long first;
        lock.lock();
        try {
            newest.commit(prepared);
            failing = false;
            last = newest.last();
            first = last - batch.size() + 1;
            for (int i = 0; i < batch.size(); i++) {
                Pending pending = batch.get(i);
                settle(pending);
                if (pending.draft.key() != null) {
                    keys.put(pending.draft.key(), Use.of(first + i, pending.content));
                }
            }
            if (oldestPendingAt == null) {
                oldestPendingAt = batch.getFirst().draft.takenAt();
            }
        } finally {
            lock.unlock();
        }
        for (int i = 0; i < batch.size(); i++) {
            batch.get(i).answer.complete(new SpoolAnswer.Taken(first + i));
        }
        appended.run();
    }

    /** The file to append to, with nothing behind its last record. */
    private Segment newest() throws IOException {
        Segment newest;
        boolean cut;
        lock.lock();
        try {
            newest = segments.peekLast();
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
        Segment begun = before == null
                ? Segment.create(files, directory, state.id(), 1, state.start())
                : Segment.create(files, directory, state.id(), before.last() + 1, before.hash());
        lock.lock();
        try {
            segments.add(begun);
            budget.count(Segment.HEADER_BYTES);
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
                settle(pending);
                budget.release(pending.draft.bytes());
            }
        } finally {
            lock.unlock();
        }
        batch.forEach(pending -> pending.answer.completeExceptionally(refusal));
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
            Segment newest = segments.peekLast();
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

    private void settle(Pending pending) {
        waitingBytes -= pending.draft.bytes();
        if (pending.draft.key() != null) {
            waitingKeys.remove(pending.draft.key());
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
            return segments.isEmpty() ? last + 1 : segments.getFirst().first();
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
        List<SpoolRecord> records = new ArrayList<>();
        Count count = new Count(maxBytes);
        lock.lock();
        try {
            for (Iterator<Segment> it = segments.iterator(); it.hasNext() && records.size() < maxRecords; ) {
                Segment segment = it.next();
                if (segment.last() >= from && !count.full) {
                    segment.read(from, record -> {
                        if (!count.add(record.payload().length)) {
                            count.full = true;
                            return false;
                        }
                        records.add(record.record());
                        return records.size() < maxRecords;
                    });
                }
            }
            return records;
        } catch (IOException e) {
            throw new SpoolFailedException("the spool in `" + directory + "` cannot be read: " + reason(e), e);
        } catch (Damage e) {
            damaged(e);
            if (!records.isEmpty()) {
                return records;
            }
            throw new SpoolFailedException(String.valueOf(e.getMessage()), e);
        } finally {
            lock.unlock();
        }
    }

    private static final class Count {

        private final int max;
        private int bytes;
        private boolean full;

        Count(int max) {
            this.max = max;
        }

        boolean add(int more) {
            boolean first = bytes == 0;
            bytes += more;
            return first || bytes <= max;
        }
    }

    /** The hash over all records before a number, from the oldest kept up to behind the newest. */
    public Digest hashBefore(long number) {
        lock.lock();
        try {
            if (number == 1) {
                return state.start();
            }
            for (Segment segment : segments) {
                if (number >= segment.first() && number <= segment.last() + 1) {
                    return segment.hashBefore(number);
                }
            }
            throw new IllegalArgumentException("record " + number + " is not kept");
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
                state.write(files, directory);
                lookAtOldest();
            }
        } catch (IOException e) {
            // The ledger knows it, too: after a crash it is asked.
            LOG.warn("the spool in `{}` cannot note what was forwarded: {}", directory, reason(e));
            lookAtOldest();
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
        while (segments.size() > 1) {
            Segment oldest = segments.getFirst();
            Instant newestAt = oldest.newestAt();
            boolean old = newestAt == null || newestAt.isBefore(takenBefore);
            if (oldest.last() > state.forwarded() || !old || !drop(oldest)) {
                return;
            }
        }
    }

    private boolean drop(Segment oldest) {
        try {
            oldest.close();
            files.delete(oldest.path());
            segments.removeFirst();
            budget.release(oldest.length());
            keys.values().removeIf(use -> use.number <= oldest.last());
            return true;
        } catch (IOException e) {
            LOG.warn("`{}` cannot be removed: {}", oldest.path(), reason(e));
            return false;
        }
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
            for (Segment segment : segments) {
                segment.close();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (IOException e) {
            LOG.warn("the spool in `{}` cannot be closed: {}", directory, reason(e));
        } finally {
            lock.unlock();
        }
    }

    private static String reason(Exception e) {
        return e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
    }
}
