package dev.assize.server.anchor;

import dev.assize.server.model.Digest;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
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
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
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

    /**
     * Locks that this process holds, or is about to take. The kernel's lock belongs to the process as a whole, and closing
     * any channel on the file lets go of it; nor does the JDK keep channels on one file apart that are closed at the same
     * time. So a file that is locked from here must not even be opened.
     */
    private static final Set<Path> HELD = ConcurrentHashMap.newKeySet();

    private final Path directory;
    private final Duration lockTimeout;

    public FileOutsideStore(Path directory) {
        this(directory, LOCK_TIMEOUT);
    }

    /**
     * One of other patience.
     *
     * @param lockTimeout how long to wait for others who write
     */
    FileOutsideStore(Path directory, Duration lockTimeout) {
        this.directory = directory;
        this.lockTimeout = lockTimeout;
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
            long deadline = System.nanoTime() + lockTimeout.toNanos();
            Path file = directory.toRealPath().resolve(LOCK);
            await(() -> HELD.add(file), deadline, "this process");
            try {
                return locked(file, deadline, writing);
            } finally {
                HELD.remove(file);
            }
        } catch (IOException e) {
            throw unavailable("write", name, e);
        }
    }

    private Optional<String> locked(Path file, long deadline, Writing writing) throws IOException {
        // Its lock goes with it.
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            await(() -> channel.tryLock() != null, deadline, "another process");
            return writing.run();
        }
    }

    private void await(Attempt attempt, long deadline, String holder) throws IOException {
        while (!attempt.succeeds()) {
            if (System.nanoTime() > deadline) {
                throw new IOException(holder + " has held " + LOCK + " for " + lockTimeout.toMillis() + " ms");
            }
            LockSupport.parkNanos(LOCK_PAUSE.toNanos());
        }
    }

    private static void makeDirectory(Path wanted) throws IOException {
        if (!Files.isDirectory(wanted)) {
            Files.createDirectories(
                    wanted, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
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

    /** What is tried until it succeeds. */
    @FunctionalInterface
    private interface Attempt {
        boolean succeeds() throws IOException;
    }

    /** What is done under the lock. */
    @FunctionalInterface
    private interface Writing {
        Optional<String> run() throws IOException;
    }
}
