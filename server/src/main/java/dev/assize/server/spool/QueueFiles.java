package dev.assize.server.spool;

import dev.assize.server.model.Digest;
import dev.assize.server.spool.RecordFormat.Parsed;
import dev.assize.server.spool.Segment.Continues;
import dev.assize.server.spool.Segment.Damage;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The files of one queue, which continue each other: its records from the oldest that is kept to the newest. Guarded by the
 * queue's lock, but that the one writer writes to the newest without it.
 */
final class QueueFiles {

    private static final Logger LOG = LoggerFactory.getLogger(QueueFiles.class);

    private final Path directory;
    private final SpoolFiles files;
    private final SpoolBudget budget;
    private final Deque<Segment> segments = new ArrayDeque<>();

    QueueFiles(Path directory, SpoolFiles files, SpoolBudget budget) {
        this.directory = directory;
        this.files = files;
        this.budget = budget;
    }

    /** The state of a queue; a fresh one, which lasts, where there is no queue yet. */
    QueueState state() throws IOException, Damage {
        try {
            return QueueState.read(files, directory);
        } catch (NoSuchFileException e) {
            if (!names().isEmpty()) {
                throw new Damage(directory.resolve(QueueState.FILE), 0, "it is gone, and records are there");
            }
            QueueState fresh = QueueState.fresh();
            fresh.write(files, directory);
            return fresh;
        }
    }

    private List<String> names() throws IOException {
        return files.names(directory).stream()
                .filter(name -> name.endsWith(Segment.SUFFIX))
                .sorted()
                .toList();
    }

    /**
     * Reads what there is.
     *
     * @param each is handed every record
     * @throws Damage where it is not what was written; what stands before that is there all the same
     */
    void open(QueueState state, Consumer<Parsed> each) throws IOException, Damage {
        List<String> names = names();
        Continues next = Continues.ANYTHING;
        for (String name : names) {
            boolean newest = name.equals(names.getLast());
            Path path = directory.resolve(name);
            Segment segment = Segment.open(files, path, state.id(), next, newest, each);
            if (segment == null) {
                files.delete(path);
                files.forceDirectory(directory);
            } else {
                segments.add(segment);
                budget.count(segment.length());
                if (segment.damage() != null) {
                    throw segment.damage();
                }
                next = new Continues(segment.last() + 1, segment.hash());
            }
        }
        requireWhole(state);
    }

    /** What was forwarded had been there; what was not, and does not begin the first file, is lost. */
    private void requireWhole(QueueState state) throws Damage {
        if (first() > state.forwarded() + 1 || (first() == 1 && !segments.isEmpty() && !isStart(state))) {
            throw new Damage(directory, 0, "records from " + (state.forwarded() + 1) + " on are gone");
        }
        if (last() < state.forwarded()) {
            throw new Damage(
                    directory, 0, "it ends at record " + last() + ", and " + state.forwarded() + " were forwarded");
        }
    }

    private boolean isStart(QueueState state) {
        try {
            return segments.getFirst().hashBefore(1).equals(state.start());
        } catch (IOException | Damage e) {
            return false;
        }
    }

    /** The number of the oldest record; one more than the newest where there is none. */
    long first() {
        return segments.isEmpty() ? 1 : segments.getFirst().first();
    }

    /** The number of the newest record; 0 where there never was one. */
    long last() {
        return segments.isEmpty() ? 0 : segments.getLast().last();
    }

    /** The newest file; null where there is none. */
    @Nullable
    Segment newest() {
        return segments.peekLast();
    }

    /** Makes the file that continues the newest. It does not count before it is {@link #add added}. */
    Segment begin(QueueState state, @Nullable Segment newest) throws IOException {
        return newest == null
                ? Segment.create(files, directory, state.id(), 1, state.start())
                : Segment.create(files, directory, state.id(), newest.last() + 1, newest.hash());
    }

    void add(Segment begun) {
        segments.add(begun);
        budget.count(Segment.HEADER_BYTES);
    }

    /**
     * What was read.
     *
     * @param damage what stands behind these; null where nothing does
     */
    record Reading(List<SpoolRecord> records, @Nullable Damage damage) {}

    /** Records from a number on; as many as fit, and at least one where there is one. */
    Reading read(long from, int maxRecords, int maxBytes) throws IOException {
        List<SpoolRecord> records = new ArrayList<>();
        Count count = new Count(maxBytes);
        try {
            for (Segment segment : segments) {
                if (segment.last() >= from && !count.full && records.size() < maxRecords) {
                    segment.read(from, record -> {
                        if (!count.add(record.payload().length)) {
                            return false;
                        }
                        records.add(record.record());
                        return records.size() < maxRecords;
                    });
                }
            }
            return new Reading(records, null);
        } catch (Damage e) {
            return new Reading(records, e);
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
            full = !first && bytes > max;
            return !full;
        }
    }

    /** The hash over all records before a number, from the oldest kept up to behind the newest. */
    Digest hashBefore(long number, QueueState state) throws IOException, Damage {
        if (number == 1) {
            return state.start();
        }
        for (Segment segment : segments) {
            if (number >= segment.first() && number <= segment.last() + 1) {
                return segment.hashBefore(number);
            }
        }
        throw new IllegalArgumentException("record " + number + " is not kept");
    }

    /**
     * Removes the oldest file, unless it is the newest, too.
     *
     * @param through it has no record behind this one
     * @param takenBefore nor one that was taken then or later
     * @return through which record it went; 0 where it stays
     */
    long dropOldest(long through, Instant takenBefore) {
        if (segments.size() < 2) {
            return 0;
        }
        Segment oldest = segments.getFirst();
        Instant newestAt = oldest.newestAt();
        boolean isOld = newestAt == null || newestAt.isBefore(takenBefore);
        return oldest.last() <= through && isOld && drop(oldest) ? oldest.last() : 0;
    }

    private boolean drop(Segment oldest) {
        try {
            files.delete(oldest.path());
        } catch (IOException e) {
            LOG.warn("`{}` cannot be removed: {}", oldest.path(), SpoolQueue.reason(e));
            return false;
        }
        segments.removeFirst();
        budget.release(oldest.length());
        try {
            oldest.close();
        } catch (IOException e) {
            LOG.warn("`{}` is removed, and cannot be closed: {}", oldest.path(), SpoolQueue.reason(e));
        }
        return true;
    }

    void close() throws IOException {
        for (Segment segment : segments) {
            segment.close();
        }
    }
}
