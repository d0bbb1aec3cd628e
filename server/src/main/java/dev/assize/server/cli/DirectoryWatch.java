package dev.assize.server.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;

/**
 * Notices when a file under a directory comes, goes or changes. Compares what it sees with what it saw, a few times a
 * second: file systems that tell of changes do not do so over a network, nor for directories made later.
 */
final class DirectoryWatch {

    private static final long PAUSE_NANOS = 200_000_000;

    private final Path directory;
    private Map<Path, String> seen;

    DirectoryWatch(Path directory) {
        this.directory = directory;
        this.seen = look();
    }

    /** How many files it watches. */
    int files() {
        return seen.size();
    }

    /** Waits for a change; false where the thread is interrupted instead. */
    boolean await() {
        while (!Thread.currentThread().isInterrupted()) {
            LockSupport.parkNanos(PAUSE_NANOS);
            Map<Path, String> now = look();
            if (!now.equals(seen)) {
                seen = now;
                return true;
            }
        }
        return false;
    }

    /** Size and time of every file; what cannot be read counts as not there. */
    private Map<Path, String> look() {
        Map<Path, String> files = new TreeMap<>();
        try (Stream<Path> found = Files.walk(directory)) {
            found.filter(Files::isRegularFile).forEach(file -> {
                try {
                    BasicFileAttributes attributes = Files.readAttributes(file, BasicFileAttributes.class);
                    files.put(file, attributes.size() + "@" + attributes.lastModifiedTime());
                } catch (IOException gone) {
                    files.remove(file);
                }
            });
        } catch (IOException | UncheckedIOException gone) {
            return files;
        }
        return files;
    }
}
