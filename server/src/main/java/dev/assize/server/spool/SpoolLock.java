package dev.assize.server.spool;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Lets one process at a time use a spool, whichever way the one before it ended. Within a process closing any channel on the
 * file would let go of it, so a file that is locked from here is not opened again.
 */
final class SpoolLock implements AutoCloseable {

    static final String FILE = "lock";

    private static final Set<Path> HELD = ConcurrentHashMap.newKeySet();

    private final Path file;
    private final FileChannel channel;

    private SpoolLock(Path file, FileChannel channel) {
        this.file = file;
        this.channel = channel;
    }

    static SpoolLock take(Path directory) throws IOException {
        Path file = directory.toRealPath().resolve(FILE);
        if (!HELD.add(file)) {
            throw inUse(directory);
        }
        try {
            FileChannel channel = FileChannel.open(
                    file,
                    Set.of(StandardOpenOption.CREATE, StandardOpenOption.WRITE),
                    DiskFiles.owned(file, "rw-------"));
            if (channel.tryLock() == null) {
                channel.close();
                throw inUse(directory);
            }
            return new SpoolLock(file, channel);
        } catch (IOException | RuntimeException e) {
            HELD.remove(file);
            throw e;
        }
    }

    private static SpoolFailedException inUse(Path directory) {
        return new SpoolFailedException(
                "the spool in `" + directory + "` is in use by another server; stop it or choose another directory");
    }

    @Override
    public void close() throws IOException {
        try {
            channel.close();
        } finally {
            HELD.remove(file);
        }
    }
}
