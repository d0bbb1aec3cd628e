package dev.assize.server.spool;

import dev.assize.server.spool.SpoolFiles.SpoolFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.nio.file.ReadOnlyFileSystemException;
import java.util.concurrent.ThreadLocalRandom;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A file that holds some blocks of the disk for the one moment when there are no others: what was forwarded goes only once that
 * is noted, and to note it takes a block. Guarded by the queue's lock.
 */
final class SpareRoom {

    static final String FILE = "spare";

    /** Enough for a file of a few lines and for its name, also where a block has 4 KiB. */
    static final int BYTES = 16 * 1_024;

    private static final Logger LOG = LoggerFactory.getLogger(SpareRoom.class);

    private final Path path;
    private final Path directory;
    private final SpoolFiles files;
    private boolean held;

    SpareRoom(Path directory, SpoolFiles files) {
        this.path = directory.resolve(FILE);
        this.directory = directory;
        this.files = files;
    }

    /** Holds it, where there is room for it, and it is not held already. */
    void hold() {
        if (!held) {
            try {
                held = isWhole() || make();
            } catch (IOException | ReadOnlyFileSystemException e) {
                LOG.debug("`{}` cannot be made: {}", path, SpoolQueue.reason(e));
            }
        }
    }

    /** An earlier process may have left it, wholly or begun. */
    private boolean isWhole() throws IOException {
        if (!files.names(directory).contains(FILE)) {
            return false;
        }
        try (SpoolFile file = files.open(path)) {
            return file.size() >= BYTES;
        }
    }

    private boolean make() throws IOException {
        // Random, as some file systems keep no blocks for what they can say more briefly.
        byte[] bytes = new byte[BYTES];
        ThreadLocalRandom.current().nextBytes(bytes);
        try (SpoolFile file = files.create(path)) {
            file.write(ByteBuffer.wrap(bytes), 0);
            file.force();
            return true;
        } catch (IOException e) {
            files.delete(path);
            throw e;
        }
    }

    /**
     * Lets go of it.
     *
     * @return whether there was any
     */
    boolean release() throws IOException {
        boolean was = held;
        held = false;
        if (was) {
            files.delete(path);
        }
        return was;
    }
}
