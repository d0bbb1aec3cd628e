package dev.assize.server.storage;

import dev.assize.server.model.Digest;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Stream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.tukaani.xz.XZInputStream;

/**
 * The programs of PostgreSQL, unpacked from the class path once for each version of them.
 *
 * <p>A directory is named after the archive's digest and appears by a rename when it is complete, so processes that
 * unpack at the same time do not disturb each other: the first rename wins, the others throw their copies away.
 */
final class PostgresBinaries {

    private static final Set<PosixFilePermission> OWNER_ONLY = PosixFilePermissions.fromString("rwx------");
    private static final Set<PosixFilePermission> PROGRAM = PosixFilePermissions.fromString("rwxr-xr-x");
    private static final Set<PosixFilePermission> DATA = PosixFilePermissions.fromString("rw-r--r--");

    private PostgresBinaries() {}

    /** Where the programs are kept between runs: the user's cache directory; none where there is no home. */
    static List<Path> cacheDirectories() {
        String configured = System.getenv("XDG_CACHE_HOME");
        if (configured != null && !configured.isBlank()) {
            return List.of(Path.of(configured, "assize"));
        }
        Path home = Path.of(System.getProperty("user.home", ""));
        return home.isAbsolute() && Files.isDirectory(home) ? List.of(home.resolve(".cache/assize")) : List.of();
    }

    /** The unpacked programs below the first of the directories that can be written. */
    static Path unpack(List<Path> parents) {
        String resource = resource();
        String name = "postgresql-" + digest(resource).substring(0, 16);
        IOException failure = null;
        for (Path parent : parents) {
            try {
                return unpack(resource, parent, name);
            } catch (IOException e) {
                failure = e;
            }
        }
        throw new StorageException(
                "cannot unpack the embedded PostgreSQL below " + parents + ": "
                        + (failure == null ? "no directory to try" : Reasons.of(failure)),
                failure == null ? new IOException("nowhere to unpack") : failure);
    }

    private static Path unpack(String resource, Path parent, String name) throws IOException {
        Path target = parent.resolve(name);
        if (Files.isExecutable(target.resolve("bin/postgres"))) {
            return target;
        }
        Files.createDirectories(parent);
        Path scratch = Files.createTempDirectory(parent, ".unpacking-");
        try {
            extract(resource, scratch);
            Files.setPosixFilePermissions(scratch, PROGRAM);
            Files.move(scratch, target, StandardCopyOption.ATOMIC_MOVE);
        } catch (AtomicMoveNotSupportedException e) {
            throw e;
        } catch (FileSystemException e) {
            if (!Files.isExecutable(target.resolve("bin/postgres"))) {
                throw e;
            }
        } finally {
            deleteTree(scratch);
        }
        return target;
    }

    private static void extract(String resource, Path target) throws IOException {
        Files.setPosixFilePermissions(target, OWNER_ONLY);
        try (TarArchiveInputStream tar =
                new TarArchiveInputStream(new XZInputStream(new BufferedInputStream(open(resource), 1 << 16)))) {
            for (TarArchiveEntry entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
                extract(tar, entry, target);
            }
        }
    }

    private static void extract(TarArchiveInputStream tar, TarArchiveEntry entry, Path target) throws IOException {
        Path path = target.resolve(entry.getName()).normalize();
        if (!path.startsWith(target)) {
            throw new IOException("archive entry " + entry.getName() + " leaves its directory");
        }
        if (entry.isDirectory()) {
            Files.createDirectories(path);
            return;
        }
        Files.createDirectories(path.resolveSibling("."));
        if (entry.isSymbolicLink()) {
            Files.createSymbolicLink(path, Path.of(entry.getLinkName()));
        } else if (entry.isLink()) {
            Files.createLink(path, target.resolve(entry.getLinkName()).normalize());
        } else {
            Files.copy(tar, path);
            Files.setPosixFilePermissions(path, (entry.getMode() & 0100) != 0 ? PROGRAM : DATA);
        }
    }

    /** Deletes a directory with what is in it, where it exists. */
    static void deleteTree(Path directory) throws IOException {
        if (!Files.exists(directory)) {
            return;
        }
        try (Stream<Path> paths = Files.walk(directory)) {
            for (Path path : paths.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(path);
            }
        }
    }

    private static String resource() {
        String system = System.getProperty("os.name").toLowerCase(Locale.ROOT).contains("mac") ? "darwin" : "linux";
        boolean arm = System.getProperty("os.arch").equals("aarch64");
        List<String> names = Stream.of(arm ? List.of("arm_64", "arm64v8", "aarch64") : List.of("x86_64"))
                .flatMap(List::stream)
                .map(architecture -> "/postgres-" + system + "-" + architecture + ".txz")
                .toList();
        return names.stream()
                .filter(name -> PostgresBinaries.class.getResource(name) != null)
                .findFirst()
                .orElseThrow(() -> new StorageException("this build carries no PostgreSQL for " + system + " on "
                        + System.getProperty("os.arch") + "; set `database.url` to one of your own"));
    }

    private static String digest(String resource) {
        try (InputStream in = open(resource)) {
            return Digest.sha256(in).toString();
        } catch (IOException e) {
            throw new StorageException("cannot read the embedded PostgreSQL: " + Reasons.of(e), e);
        }
    }

    private static InputStream open(String resource) throws IOException {
        InputStream in = PostgresBinaries.class.getResourceAsStream(resource);
        if (in == null) {
            throw new IOException(resource + " is not on the class path");
        }
        return in;
    }
}
