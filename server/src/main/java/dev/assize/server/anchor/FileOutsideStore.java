package dev.assize.server.anchor;

import dev.assize.server.model.Digest;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * A directory: on another disk than the database's, or mounted from elsewhere. For one node, or several on one machine.
 *
 * <p>A file is written beside its place, synced and moved there, so that it is there whole or not at all. Replacing holds
 * a lock on a file of its own, against other processes and other stores of this one.
 */
public final class FileOutsideStore implements OutsideStore {

    private static final String LOCK = ".lock";
    private static final Duration LOCK_TIMEOUT = Duration.ofSeconds(5);
    private static final Duration LOCK_PAUSE = Duration.ofMillis(2);

    private final Path directory;

    public FileOutsideStore(Path directory) {
        this.directory = directory;
    }

    @Override
    public Optional<Versioned> read(String name) {
        try {
            byte[] content = Files.readAllBytes(directory.resolve(name));
            return Optional.of(new Versioned(version(content), content));
        } catch (NoSuchFileException none) {
            return Optional.empty();
        } catch (IOException e) {
            throw unavailable("read", name, e);
        }
    }

    @Override
    public void put(String name, byte[] content) {
        Optional<String> _ = locked(name, () -> {
            write(directory.resolve(name), content);
            return Optional.of(version(content));
        });
    }

    @Override
    public Optional<String> replace(String name, @Nullable String version, byte[] content) {
        return locked(name, () -> {
            String present = read(name).map(Versioned::version).orElse(null);
            if (!Objects.equals(present, version)) {
                return Optional.empty();
            }
            write(directory.resolve(name), content);
            return Optional.of(version(content));
        });
    }

    @Override
    public void remove(String name) {
        try {
            Files.deleteIfExists(directory.resolve(name));
        } catch (IOException e) {
            throw unavailable("remove", name, e);
        }
    }

    @Override
    public String describe() {
        return directory.toString();
    }

    private Optional<String> locked(String name, Writing writing) {
        try {
            makeDirectory(Objects.requireNonNull(directory.resolve(name).getParent()));
            try (FileChannel channel = FileChannel.open(
                            directory.resolve(LOCK), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
                    FileLock _ = lock(channel)) {
                return writing.run();
            }
        } catch (IOException e) {
            throw unavailable("write", name, e);
        }
    }

    private static void makeDirectory(Path wanted) throws IOException {
        if (!Files.isDirectory(wanted)) {
            Files.createDirectories(
                    wanted, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        }
    }

    /** Within one process a lock that is held is an exception rather than a wait. */
    private static FileLock lock(FileChannel channel) throws IOException {
        long deadline = System.nanoTime() + LOCK_TIMEOUT.toNanos();
        while (true) {
            FileLock lock = tryLock(channel);
            if (lock != null) {
                return lock;
            }
            if (System.nanoTime() > deadline) {
                throw new IOException("another process has held " + LOCK + " for " + LOCK_TIMEOUT.toSeconds() + " s");
            }
            LockSupport.parkNanos(LOCK_PAUSE.toNanos());
        }
    }

    private static @Nullable FileLock tryLock(FileChannel channel) throws IOException {
        try {
            return channel.tryLock();
        } catch (OverlappingFileLockException heldHere) {
            return null;
        }
    }

    private static void write(Path target, byte[] content) throws IOException {
        Path beside = target.resolveSibling(target.getFileName() + ".new");
        try (FileChannel file = FileChannel.open(
                beside, StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING, StandardOpenOption.WRITE)) {
            ByteBuffer rest = ByteBuffer.wrap(content);
            while (rest.hasRemaining()) {
                file.write(rest);
            }
            file.force(true);
        }
        try {
            Files.move(beside, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (AtomicMoveNotSupportedException e) {
            throw new IOException("its file system cannot replace a file in one step", e);
        }
        sync(Objects.requireNonNull(target.getParent()));
    }

    /** The move itself is durable once the directory is. */
    private static void sync(Path directory) throws IOException {
        try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }

    private static String version(byte[] content) {
        return Digest.sha256(content).toString();
    }

    private OutsideUnavailableException unavailable(String verb, String name, IOException e) {
        return new OutsideUnavailableException(
                "cannot " + verb + " " + directory.resolve(name) + ": "
                        + e.getClass().getSimpleName() + " " + e.getMessage(),
                e);
    }

    /** What is done under the lock. */
    @FunctionalInterface
    private interface Writing {
        Optional<String> run() throws IOException;
    }
}
