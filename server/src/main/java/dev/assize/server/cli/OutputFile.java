package dev.assize.server.cli;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** A file that is there whole, or not at all: it gets its name when everything in it is on the disk. */
final class OutputFile {

    private static final int BUFFER_BYTES = 1 << 16;

    @Option(names = "--output", paramLabel = "FILE", description = "The file to write.")
    private @Nullable Path file;

    @Option(names = "--force", description = "Replace the file where it exists.")
    private boolean force;

    boolean isGiven() {
        return file != null;
    }

    /** Refuses, before anything is asked for, what would be refused in the end. */
    void requireFree() {
        if (file != null && !force && Files.exists(file)) {
            throw exists(file);
        }
    }

    /** Writes what the work writes. */
    <T> T write(Work<T> work) throws Exception {
        Path whole = path().toAbsolutePath();
        requireFree();
        Path part = part(whole);
        try {
            T result;
            try (FileChannel channel = FileChannel.open(part, StandardOpenOption.WRITE);
                    OutputStream to = new BufferedOutputStream(Channels.newOutputStream(channel), BUFFER_BYTES)) {
                result = work.writeTo(to);
                to.flush();
                channel.force(true);
            }
            move(part, whole);
            return result;
        } finally {
            Files.deleteIfExists(part);
        }
    }

    private Path path() {
        if (file == null) {
            throw new IllegalStateException("No file was named");
        }
        return file;
    }

    private static Path part(Path whole) {
        Path directory = whole.getParent();
        try {
            Path part = Files.createTempFile(directory, whole.getFileName() + ".", ".part");
            // Also where the command is stopped in the middle.
            part.toFile().deleteOnExit();
            return part;
        } catch (IOException unable) {
            throw new CommandException("cannot write to " + directory + ": " + unable.getMessage(), unable);
        }
    }

    private void move(Path part, Path whole) throws IOException {
        try {
            if (force) {
                Files.move(part, whole, StandardCopyOption.REPLACE_EXISTING);
            } else {
                Files.move(part, whole);
            }
        } catch (FileAlreadyExistsException meanwhile) {
            throw exists(whole);
        }
    }

    private static CommandException exists(Path file) {
        return new CommandException(file + " exists already: give --force to replace it");
    }

    @Override
    public String toString() {
        return String.valueOf(file);
    }

    /** Writes a file's content. */
    @FunctionalInterface
    interface Work<T> {
        T writeTo(OutputStream to) throws Exception;
    }
}
