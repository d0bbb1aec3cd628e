package dev.assize.server.storage;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Lets one server at a time use a home directory. The kernel lets go of the lock when the process ends, however it
 * ends; the process id in the file is for the message only.
 */
final class HomeLock implements AutoCloseable {

    static final String FILE = "server.lock";

    /**
     * Files this process has locked. The kernel's lock belongs to the process as a whole, and closing any channel on
     * the file lets go of it: so a file that is locked from here must not even be opened.
     */
    private static final Set<Path> HELD = ConcurrentHashMap.newKeySet();

    private final FileChannel channel;
    private final Path file;

    private HomeLock(FileChannel channel, Path file) {
        this.channel = channel;
        this.file = file;
    }

    static HomeLock take(Path home) {
        Path file = home.resolve(FILE);
        if (!HELD.add(file)) {
            throw inUse(home, Long.toString(ProcessHandle.current().pid()));
        }
        try {
            return take(home, file);
        } catch (RuntimeException e) {
            HELD.remove(file);
            throw e;
        }
    }

    private static HomeLock take(Path home, Path file) {
        FileChannel channel = open(home, file);
        try {
            FileLock lock = channel.tryLock();
            if (lock == null) {
                throw inUse(home, Files.readString(file, UTF_8).strip());
            }
            channel.truncate(0);
            channel.write(ByteBuffer.wrap((ProcessHandle.current().pid() + "\n").getBytes(UTF_8)), 0);
            return new HomeLock(channel, file);
        } catch (IOException e) {
            closeQuietly(channel, e);
            throw new StorageException("data directory " + home + " cannot be locked: " + Reasons.of(e), e);
        } catch (RuntimeException e) {
            closeQuietly(channel, e);
            throw e;
        }
    }

    private static StorageException inUse(Path home, String pid) {
        return new StorageException("data directory " + home + " is in use by another server"
                + (pid.isEmpty() ? "" : " (pid " + pid + ")") + "; stop it or choose another directory");
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw new StorageException("cannot release " + file + ": " + Reasons.of(e), e);
        } finally {
            HELD.remove(file);
        }
    }

    private static FileChannel open(Path home, Path file) {
        try {
            return FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        } catch (IOException e) {
            throw new StorageException("data directory " + home + " cannot be written: " + Reasons.of(e), e);
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
