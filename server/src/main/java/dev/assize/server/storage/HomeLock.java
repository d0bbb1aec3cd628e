package dev.assize.server.storage;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;

/**
 * Lets one server at a time use a home directory. The kernel lets go of the lock when the process ends, however it
 * ends; the process id in the file is for the message only.
 */
final class HomeLock implements AutoCloseable {

    static final String FILE = "server.lock";

    private final FileChannel channel;

    private HomeLock(FileChannel channel) {
        this.channel = channel;
    }

    static HomeLock take(Path home) {
        Path file = home.resolve(FILE);
        FileChannel channel = open(home, file);
        try {
            FileLock lock = tryLock(channel);
            if (lock == null) {
                String holder = Files.readString(file, UTF_8).strip();
                throw new StorageException("data directory " + home + " is in use by another server"
                        + (holder.isEmpty() ? "" : " (pid " + holder + ")") + "; stop it or choose another directory");
            }
            channel.truncate(0);
            channel.write(ByteBuffer.wrap((ProcessHandle.current().pid() + "\n").getBytes(UTF_8)), 0);
            return new HomeLock(channel);
        } catch (IOException | RuntimeException e) {
            closeQuietly(channel, e);
            if (e instanceof StorageException refused) {
                throw refused;
            }
            throw new StorageException("data directory " + home + ": cannot lock " + file + ": " + Reasons.of(e), e);
        }
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw new StorageException("cannot release the lock of the data directory: " + Reasons.of(e), e);
        }
    }

    private static FileChannel open(Path home, Path file) {
        try {
            return FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        } catch (IOException e) {
            throw new StorageException("data directory " + home + " cannot be written: " + Reasons.of(e), e);
        }
    }

    private static @Nullable FileLock tryLock(FileChannel channel) throws IOException {
        try {
            return channel.tryLock();
        } catch (OverlappingFileLockException e) {
            return null;
        }
    }

    private static void closeQuietly(FileChannel channel, Exception cause) {
        try {
            channel.close();
        } catch (IOException e) {
            cause.addSuppressed(e);
        }
    }
}
