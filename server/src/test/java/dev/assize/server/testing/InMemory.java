package dev.assize.server.testing;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.extension.AnnotatedElementContext;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.io.TempDirFactory;

/**
 * Directories of tests on a file system in memory, where the machine has one as Linux does. Nothing there waits for a disk:
 * whatever asks for that has its answer at once. Processes may be killed, and their files stay; what such a test cannot show
 * is what a loss of power leaves.
 */
public final class InMemory implements TempDirFactory {

    private static final Path MEMORY = Path.of("/dev/shm");

    /** Several times what all tests of a JVM leave there, the log of its database included. */
    private static final long MEMORY_BYTES = 4L << 30;

    @Override
    public Path createTempDirectory(AnnotatedElementContext element, ExtensionContext context) throws IOException {
        return make();
    }

    /** A new directory; on the disk, where there is no memory for it, or none that programs may be started from. */
    static Path make() throws IOException {
        if (Files.isWritable(MEMORY) && Files.getFileStore(MEMORY).getUsableSpace() >= MEMORY_BYTES) {
            Path made = Files.createTempDirectory(MEMORY, "assize-test-");
            if (startsPrograms(made)) {
                return made;
            }
            Files.delete(made);
        }
        return Files.createTempDirectory("assize-test-");
    }

    /** PostgreSQL's own programs stand beside its data where it runs as another user. */
    private static boolean startsPrograms(Path directory) throws IOException {
        Path program = Files.createTempFile(
                directory,
                "program",
                "",
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        boolean mayBeStarted = Files.isExecutable(program);
        Files.delete(program);
        return mayBeStarted;
    }
}
