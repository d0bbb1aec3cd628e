package dev.assize.client.ledger;

import static dev.assize.client.ledger.NotProvenException.require;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** Where the files of a log are read from. Names have `/` between their parts. */
@FunctionalInterface
public interface LogFiles {

    /** Bytes of the largest file there can be: that of the values beside 256 entries is below it. */
    int MAX_BYTES = 1 << 26;

    /** A file's content; empty where it does not exist. */
    Optional<byte[]> read(String name) throws NotProvenException, IOException;

    /** The content of a file that must be there. */
    default byte[] required(String name) throws NotProvenException, IOException {
        return read(name).orElseThrow(() -> new NotProvenException("`" + name + "` is missing"));
    }

    /** The files below a directory. */
    static LogFiles under(Path directory) {
        return name -> {
            Path file = directory.resolve(name);
            if (!Files.isRegularFile(file)) {
                return Optional.empty();
            }
            require(Files.size(file) <= MAX_BYTES, "`" + name + "` is larger than any file of a log");
            return Optional.of(Files.readAllBytes(file));
        };
    }
}
