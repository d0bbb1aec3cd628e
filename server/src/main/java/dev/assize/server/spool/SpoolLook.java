package dev.assize.server.spool;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A tenant's queue as it lies on disk.
 *
 * @param id of the queue; empty where that cannot be read
 * @param first the oldest record that is kept
 * @param last the newest
 * @param forwarded through which record the ledger was known to have it
 * @param bytes of all its files
 * @param oldestPendingAt when the oldest record was taken that was not forwarded
 * @param damage what is wrong with it; null where nothing is
 */
public record SpoolLook(
        String tenant,
        String id,
        long first,
        long last,
        long forwarded,
        long bytes,
        @Nullable Instant oldestPendingAt,
        @Nullable String damage) {

    /** How many records are to be forwarded. */
    public long depth() {
        return Math.max(0, last - forwarded);
    }

    /**
     * Looks at all queues of a spool's directory, and changes nothing. One that is in use may be a moment behind.
     *
     * @throws SpoolFailedException where there is none
     */
    public static List<SpoolLook> at(Path directory, InstantSource clock) {
        List<SpoolLook> looks = new ArrayList<>();
        for (Path queue : queues(directory)) {
            looks.add(look(queue, clock));
        }
        return looks;
    }

    private static List<Path> queues(Path directory) {
        try (var files = Files.list(directory)) {
            return files.filter(file -> Files.exists(file.resolve(QueueState.FILE)) || hasRecords(file))
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw new SpoolFailedException("there is no spool in `" + directory + "`", e);
        }
    }

    private static boolean hasRecords(Path directory) {
        String[] names = directory.toFile().list((parent, name) -> name.endsWith(Segment.SUFFIX));
        return names != null && names.length > 0;
    }

    private static SpoolLook look(Path directory, InstantSource clock) {
        Path parent = directory.toAbsolutePath().getParent();
        SpoolConfig config = SpoolConfig.defaults(parent == null ? directory : parent);
        SpoolBudget budget = new SpoolBudget(Long.MAX_VALUE);
        try (SpoolQueue queue =
                SpoolQueue.open(directory, new ReadOnlyFiles(), config, budget, new DiskTurns(), clock, () -> {})) {
            return new SpoolLook(
                    directory.getFileName().toString(),
                    queue.id(),
                    queue.first(),
                    queue.last(),
                    queue.forwarded(),
                    budget.used(),
                    queue.oldestPendingAt().orElse(null),
                    queue.complaint().orElse(null));
        }
    }
}
