package dev.assize.server.ledger.archive;

import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.regex.Pattern;

/**
 * A directory: on another disk than the database's, or mounted from elsewhere. A file is written beside its place, synced
 * and linked there, so that it is there whole or not at all, and of two that create it one does. That nobody removes it
 * before its time is up to whoever owns the directory.
 */
public final class DirectoryArchive implements ArchiveStore {

    private static final Pattern NAME =
            Pattern.compile("(?!\\.+(?:/|$))[A-Za-z0-9._-]+(?:/(?!\\.+(?:/|$))[A-Za-z0-9._-]+)*");

    private final Path directory;

    public DirectoryArchive(Path directory) {
        this.directory = directory;
    }

    @Override
    public boolean create(String name, Path content, Instant retainUntil) {
        Path target = place(name);
        Path parent = Objects.requireNonNull(target.getParent());
        Path beside = parent.resolve("." + UUID.randomUUID() + ".new");
        try {
            makeDirectory(parent);
            write(beside, content);
            try {
                Files.createLink(target, beside);
            } catch (FileAlreadyExistsException present) {
                return false;
            } finally {
                Files.delete(beside);
            }
            sync(parent);
            return true;
        } catch (IOException | UnsupportedOperationException e) {
            throw unavailable("write", target, e);
        }
    }

    @Override
    public Optional<InputStream> read(String name) {
        Path target = place(name);
        try {
            return Optional.of(Files.newInputStream(target));
        } catch (NoSuchFileException none) {
            return Optional.empty();
        } catch (IOException e) {
            throw unavailable("read", target, e);
        }
    }

    @Override
    public String describe() {
        return directory.toString();
    }

    private Path place(String name) {
        if (!NAME.matcher(name).matches()) {
            throw new IllegalArgumentException("Not the name of an object: " + name);
        }
        return directory.resolve(name);
    }

    private static void makeDirectory(Path wanted) throws IOException {
        if (!Files.isDirectory(wanted)) {
            Files.createDirectories(
                    wanted, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        }
    }

    private static void write(Path beside, Path content) throws IOException {
        try (FileChannel file = FileChannel.open(
                beside,
                Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("r--------")))) {
            Files.copy(content, Channels.newOutputStream(file));
            file.force(true);
        }
    }

    /** The link itself is durable once the directory is. */
    private static void sync(Path directory) throws IOException {
        try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }

    private static ArchiveUnavailableException unavailable(String verb, Path target, Exception e) {
        return new ArchiveUnavailableException(
                "cannot " + verb + " " + target + ": " + e.getClass().getSimpleName() + " " + e.getMessage(), e);
    }
}
