package dev.assize.server.spool;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.assize.server.model.Digest;
import dev.assize.server.spool.Segment.Damage;
import dev.assize.server.spool.SpoolFiles.SpoolFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a queue keeps beside its records, in a file of three lines that is replaced as a whole.
 *
 * @param id of the queue, for as long as its directory is there
 * @param forwarded through which number records were forwarded
 */
record QueueState(String id, long forwarded) {

    static final String FILE = "state";

    private static final int ID_BYTES = 16;
    private static final int MAX_BYTES = 1_024;
    private static final Pattern TEXT =
            Pattern.compile("assize-spool 1\nid ([0-9a-f]{32})\nforwarded (0|[1-9][0-9]{0,17})\n");

    /** Of a queue that nobody has had before. */
    static QueueState fresh() {
        byte[] id = new byte[ID_BYTES];
        new SecureRandom().nextBytes(id);
        return new QueueState(HexFormat.of().formatHex(id), 0);
    }

    /** The hash before the first record. */
    Digest start() {
        return start(id);
    }

    static Digest start(String id) {
        return Digest.sha256(("assize spool " + id).getBytes(UTF_8));
    }

    static QueueState read(SpoolFiles files, Path directory) throws IOException, Damage {
        Path path = directory.resolve(FILE);
        ByteBuffer bytes = ByteBuffer.allocate(MAX_BYTES);
        try (SpoolFile file = files.open(path)) {
            file.read(bytes, 0);
        }
        Matcher text = TEXT.matcher(UTF_8.decode(bytes.flip()));
        if (!text.matches()) {
            throw new Damage(path, 0, "it does not say which spool this is");
        }
        return new QueueState(text.group(1), Long.parseLong(text.group(2)));
    }

    /** Replaces the file; the new one lasts. */
    void write(SpoolFiles files, Path directory) throws IOException {
        Path draft = directory.resolve(FILE + ".new");
        try (SpoolFile file = files.create(draft)) {
            file.write(UTF_8.encode("assize-spool 1\nid " + id + "\nforwarded " + forwarded + "\n"), 0);
            file.force();
        }
        files.replace(draft, directory.resolve(FILE));
        files.forceDirectory(directory);
    }
}
