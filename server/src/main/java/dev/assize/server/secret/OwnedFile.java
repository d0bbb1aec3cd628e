package dev.assize.server.secret;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.EnumSet;
import java.util.Set;
import java.util.UUID;

/**
 * A short text file that nobody but its owner may write, nor, where it is a secret, read. One with wider permissions
 * is refused rather than narrowed: others may have read it already.
 */
public final class OwnedFile {

    private static final Set<PosixFilePermission> OWNER_ONLY_DIRECTORY = PosixFilePermissions.fromString("rwx------");
    private static final Set<PosixFilePermission> WRITABLE_BY_OTHERS =
            EnumSet.of(PosixFilePermission.GROUP_WRITE, PosixFilePermission.OTHERS_WRITE);

    private final Path path;
    private final Readers readers;

    private OwnedFile(Path path, Readers readers) {
        this.path = path.toAbsolutePath();
        this.readers = readers;
    }

    /** One that only its owner may read. */
    public static OwnedFile secret(Path path) {
        return new OwnedFile(path, Readers.OWNER);
    }

    /** One that everybody may read. */
    public static OwnedFile open(Path path) {
        return new OwnedFile(path, Readers.EVERYBODY);
    }

    public boolean exists() {
        return !Files.notExists(path, LinkOption.NOFOLLOW_LINKS);
    }

    /** What it says, without white space around it. Refuses one, or a directory, that others may change. */
    public String read() {
        try {
            requirePermissions();
            return Files.readString(path, StandardCharsets.UTF_8).strip();
        } catch (IOException e) {
            throw unusable(e);
        }
    }

    /** Makes it say that and nothing else, and its directory where there is none; wholly or not at all. */
    public void write(String text) {
        try {
            Path draft = draft(text);
            // A crash on the way must not leave a shorter text behind.
            Files.move(draft, path, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw unusable(e);
        }
    }

    /**
     * The same where there is none yet. Of several processes that do so at once, one makes it, where the file system has
     * links.
     *
     * @return false where it was there, and is left as it is
     */
    public boolean create(String text) {
        try {
            Path draft = draft(text);
            try {
                return link(draft);
            } finally {
                Files.deleteIfExists(draft);
            }
        } catch (IOException e) {
            throw unusable(e);
        }
    }

    /** Removes it, if it is there. */
    public void delete() {
        try {
            Files.deleteIfExists(path);
        } catch (IOException e) {
            throw unusable(e);
        }
    }

    private boolean link(Path draft) throws IOException {
        try {
            Files.createLink(path, draft);
            return true;
        } catch (FileAlreadyExistsException other) {
            return false;
        } catch (FileSystemException | UnsupportedOperationException withoutLinks) {
            if (exists()) {
                return false;
            }
            Files.move(draft, path);
            return true;
        }
    }

    /** The text in a file beside it, with a name of its own: another process may be writing, too. */
    private Path draft(String text) throws IOException {
        Path directory = path.getParent();
        if (directory != null && Files.notExists(directory)) {
            Files.createDirectories(directory, attribute(OWNER_ONLY_DIRECTORY));
        }
        Path draft = path.resolveSibling(path.getFileName() + "." + UUID.randomUUID() + ".new");
        write(draft, text + "\n");
        return draft;
    }

    /** What to throw where it says something else than it should. */
    public OwnedFileException isNo(String what, String expected) {
        return new OwnedFileException("`" + path + "` is not a " + what + ": expected " + expected);
    }

    private void write(Path draft, String text) throws IOException {
        Set<StandardOpenOption> options = EnumSet.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
        try (FileChannel channel = FileChannel.open(draft, options, attribute(readers.permissions()))) {
            ByteBuffer bytes = StandardCharsets.UTF_8.encode(text);
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
            channel.force(true);
        }
    }

    private FileAttribute<?>[] attribute(Set<PosixFilePermission> permissions) {
        return isPosix()
                ? new FileAttribute<?>[] {PosixFilePermissions.asFileAttribute(permissions)}
                : new FileAttribute<?>[0];
    }

    private void requirePermissions() throws IOException {
        if (!isPosix()) {
            return;
        }
        Set<PosixFilePermission> found = Files.getPosixFilePermissions(path);
        if (!readers.permissions().containsAll(found)) {
            throw new OwnedFileException("`" + path + "` has mode " + PosixFilePermissions.toString(found)
                    + ": expected " + readers.mode() + ", " + readers.meaning + "; run `chmod " + readers.octal + " "
                    + path + "`");
        }
        Path directory = path.getParent();
        if (directory != null) {
            Set<PosixFilePermission> around = EnumSet.copyOf(Files.getPosixFilePermissions(directory));
            String mode = PosixFilePermissions.toString(around);
            if (around.removeAll(WRITABLE_BY_OTHERS)) {
                throw new OwnedFileException("`" + directory + "` has mode " + mode
                        + ": expected rwx------ (0700), others could replace `" + path.getFileName()
                        + "` in it; run `chmod 700 " + directory + "`");
            }
        }
    }

    private boolean isPosix() {
        return path.getFileSystem().supportedFileAttributeViews().contains("posix");
    }

    private OwnedFileException unusable(IOException e) {
        return e instanceof NoSuchFileException
                ? new OwnedFileException("cannot read or create `" + path + "`: no such file or directory", e)
                : new OwnedFileException("cannot read or create `" + path + "`: " + e.getMessage(), e);
    }

    private enum Readers {
        OWNER("rw-------", "600", "readable by its owner only"),
        EVERYBODY("rw-r--r--", "644", "writable by its owner only");

        private final String mode;
        private final String octal;
        private final String meaning;

        Readers(String mode, String octal, String meaning) {
            this.mode = mode;
            this.octal = octal;
            this.meaning = meaning;
        }

        Set<PosixFilePermission> permissions() {
            return PosixFilePermissions.fromString(mode);
        }

        String mode() {
            return mode + " (0" + octal + ")";
        }
    }
}
