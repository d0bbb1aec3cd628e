package dev.assize.server.spool;

import dev.assize.server.model.Digest;
import dev.assize.server.spool.RecordFormat.Draft;
import dev.assize.server.spool.RecordFormat.Parsed;
import dev.assize.server.spool.SpoolFiles.SpoolFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.function.Consumer;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * A file of consecutive records. Its header: eight bytes of a name and version, the id of the queue (16 bytes), the number of
 * its first record (u64), the hash before that (32 bytes), and CRC-32C over all of it (u32). Used by one thread at a time.
 */
final class Segment {

    static final String SUFFIX = ".spool";
    static final int HEADER_BYTES = 8 + 16 + Long.BYTES + Digest.LENGTH + Integer.BYTES;

    private static final byte[] MAGIC = {'A', 'S', 'Z', 'S', 'P', 'O', 'O', 1};

    /** Reading begins at most so far before what is sought. */
    private static final int BYTES_BETWEEN_MARKS = 64 * 1_024;

    private final Path path;
    private final SpoolFile file;
    private final long first;
    private final List<Mark> marks = new ArrayList<>();
    private long last;
    private long length;
    private Digest hash;
    private @Nullable Instant newestAt;
    private @Nullable Damage damage;

    /** A place from which to read. */
    record Mark(long number, int offset, Digest before) {}

    private Segment(Path path, SpoolFile file, long first, Digest before) {
        this.path = path;
        this.file = file;
        this.first = first;
        this.last = first - 1;
        this.length = HEADER_BYTES;
        this.hash = before;
        marks.add(new Mark(first, HEADER_BYTES, before));
    }

    /** The first file name of a queue sorts before its later ones. */
    static String name(long first) {
        return String.format("%020d%s", first, SUFFIX);
    }

    /** Makes an empty one; it and its name last. */
    static Segment create(SpoolFiles files, Path directory, String id, long first, Digest before) throws IOException {
        Path path = directory.resolve(name(first));
        SpoolFile file = files.create(path);
        try {
            file.write(header(id, first, before), 0);
            file.force();
            files.forceDirectory(directory);
        } catch (IOException | RuntimeException e) {
            closeQuietly(file, e);
            throw e;
        }
        return new Segment(path, file, first, before);
    }

    /**
     * Reads one, and cuts off what a crash has left at the end of the newest.
     *
     * @param each is handed every record
     * @return with what stands before a damage, where there is one; null where it is the newest, and a crash left it without
     *     a header: it has no records then
     * @throws Damage where it is not the file that it should be
     */
    static @Nullable Segment open(
            SpoolFiles files, Path path, String id, Continues continues, boolean newest, Consumer<Parsed> each)
            throws IOException, Damage {
        SpoolFile file = files.open(path);
        try {
            byte[] bytes = read(file, 0, Math.toIntExact(file.size()));
            if (newest && bytes.length <= HEADER_BYTES && headerFault(bytes, id) != null) {
                file.close();
                return null;
            }
            Segment segment = begin(path, file, bytes, id, continues);
            try {
                segment.readAll(bytes, newest, each);
            } catch (Damage e) {
                segment.damage = e;
            }
            return segment;
        } catch (IOException | RuntimeException | Damage e) {
            closeQuietly(file, e);
            throw e;
        }
    }

    /**
     * Where a file is to begin.
     *
     * @param number null where any will do
     */
    record Continues(@Nullable Long number, @Nullable Digest hash) {

        static final Continues ANYTHING = new Continues(null, null);
    }

    private static Segment begin(Path path, SpoolFile file, byte[] bytes, String id, Continues continues)
            throws Damage {
        String fault = headerFault(bytes, id);
        if (fault != null) {
            throw new Damage(path, 0, fault);
        }
        ByteBuffer header = ByteBuffer.wrap(bytes, MAGIC.length + 16, Long.BYTES + Digest.LENGTH);
        long first = header.getLong();
        byte[] before = new byte[Digest.LENGTH];
        header.get(before);
        Segment segment = new Segment(path, file, first, Digest.of(before));
        if (!path.getFileName().toString().equals(name(first))
                || (continues.number != null && continues.number != first)) {
            throw new Damage(path, 0, "it begins with record " + first + ", expected " + continues.number);
        }
        if (continues.hash != null && !continues.hash.equals(segment.hash)) {
            throw new Damage(path, 0, "it does not continue the file before it");
        }
        return segment;
    }

    private void readAll(byte[] bytes, boolean newest, Consumer<Parsed> each) throws IOException, Damage {
        int offset = HEADER_BYTES;
        while (offset < bytes.length) {
            Parsed record = RecordFormat.parse(bytes, offset, hash);
            if (record == null) {
                break;
            }
            if (record.number() != last + 1) {
                throw new Damage(path, offset, "record " + record.number() + ", expected " + (last + 1));
            }
            each.accept(record);
            mark(record.number(), offset);
            advance(record.number(), record.end(), record.hash(), record.takenAt());
            offset = record.end();
        }
        if (offset < bytes.length) {
            if (!newest || RecordFormat.wasDurable(bytes, offset)) {
                throw new Damage(path, offset, "record " + (last + 1) + " cannot be read");
            }
            cut();
        }
    }

    /** Drops what stands behind the last record, for good. */
    void cut() throws IOException {
        file.truncate(length);
        file.force();
    }

    /**
     * Records that are to stand at the end.
     *
     * @param begun where each begins
     * @param end the hash behind them
     */
    record Batch(List<Draft> drafts, List<Mark> begun, ByteBuffer bytes, Digest end) {}

    /** Gives records their places at the end; nothing is written. */
    Batch prepare(List<Draft> drafts) {
        ByteBuffer bytes =
                ByteBuffer.allocate(drafts.stream().mapToInt(Draft::bytes).sum());
        List<Mark> begun = new ArrayList<>(drafts.size());
        Digest end = hash;
        for (int i = 0; i < drafts.size(); i++) {
            begun.add(new Mark(last + 1 + i, Math.toIntExact(length + bytes.position()), end));
            end = RecordFormat.write(bytes, length, last + 1 + i, drafts.get(i), end);
        }
        return new Batch(drafts, begun, bytes.flip(), end);
    }

    /** Writes them, for good when this returns. Where it throws, {@link #cut} must come next. */
    void write(Batch batch) throws IOException {
        file.write(batch.bytes.duplicate(), length);
        file.force();
    }

    /** Counts what was written among the records. */
    void commit(Batch batch) {
        batch.begun.forEach(it -> mark(it.number, it.offset, it.before));
        advance(
                last + batch.drafts.size(),
                length + batch.bytes.limit(),
                batch.end,
                batch.drafts.getLast().takenAt());
    }

    private void mark(long number, int offset) {
        mark(number, offset, hash);
    }

    private void mark(long number, int offset, Digest before) {
        if (offset - marks.getLast().offset >= BYTES_BETWEEN_MARKS) {
            marks.add(new Mark(number, offset, before));
        }
    }

    private void advance(long number, long end, Digest reached, Instant takenAt) {
        last = number;
        length = end;
        hash = reached;
        newestAt = takenAt;
    }

    /** Hands out records from one on, until the reader has enough. */
    void read(long from, Reader reader) throws IOException, Damage {
        Mark mark = markBefore(from);
        Digest before = mark.before;
        int offset = mark.offset;
        while (offset < length) {
            Parsed record = readOne(offset, before);
            if (record.number() >= from && !reader.takes(record)) {
                return;
            }
            before = record.hash();
            offset = record.end();
        }
    }

    /** The hash up to before a record, which may be the one that is to come. */
    Digest hashBefore(long number) throws IOException, Damage {
        if (number == last + 1) {
            return hash;
        }
        Mark mark = markBefore(number);
        Digest before = mark.before;
        int offset = mark.offset;
        for (long at = mark.number; at < number; at++) {
            Parsed record = readOne(offset, before);
            before = record.hash();
            offset = record.end();
        }
        return before;
    }

    private Mark markBefore(long number) {
        int low = 0;
        int high = marks.size() - 1;
        while (low < high) {
            int middle = (low + high + 1) >>> 1;
            if (marks.get(middle).number <= number) {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        return marks.get(low);
    }

    private Parsed readOne(int offset, Digest before) throws IOException, Damage {
        byte[] head = read(file, offset, RecordFormat.HEAD);
        int body = head.length < RecordFormat.HEAD ? 0 : ByteBuffer.wrap(head).getInt(Integer.BYTES);
        boolean plausible = body >= 0 && body <= length - offset - RecordFormat.HEAD;
        Parsed record = plausible ? RecordFormat.parse(read(file, offset, RecordFormat.HEAD + body), 0, before) : null;
        if (record == null) {
            throw new Damage(path, offset, "a record that was there cannot be read any more");
        }
        return new Parsed(
                record.base(),
                record.number(),
                record.takenAt(),
                record.key(),
                record.content(),
                record.payload(),
                record.hash(),
                offset + record.end());
    }

    private static byte[] read(SpoolFile file, long position, int length) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(length);
        file.read(bytes, position);
        byte[] read = new byte[bytes.position()];
        bytes.flip().get(read);
        return read;
    }

    /** Takes records until it has enough. */
    @FunctionalInterface
    interface Reader {
        boolean takes(Parsed record);
    }

    private static ByteBuffer header(String id, long first, Digest before) {
        ByteBuffer header = ByteBuffer.allocate(HEADER_BYTES)
                .put(MAGIC)
                .put(HexFormat.of().parseHex(id))
                .putLong(first)
                .put(before.bytes());
        return header.putInt(checksum(header.array())).flip();
    }

    /** What is wrong with a header; null where nothing is. */
    private static @Nullable String headerFault(byte[] bytes, String id) {
        if (bytes.length < HEADER_BYTES) {
            return "its header is cut";
        }
        if (ByteBuffer.wrap(bytes, 0, MAGIC.length).compareTo(ByteBuffer.wrap(MAGIC)) != 0) {
            return "it is no file of a spool";
        }
        if (ByteBuffer.wrap(bytes).getInt(HEADER_BYTES - Integer.BYTES) != checksum(bytes)) {
            return "its header cannot be read";
        }
        String found = HexFormat.of().formatHex(bytes, MAGIC.length, MAGIC.length + 16);
        return found.equals(id) ? null : "it is of spool " + found + ", expected " + id;
    }

    private static int checksum(byte[] header) {
        CRC32C crc = new CRC32C();
        crc.update(header, 0, HEADER_BYTES - Integer.BYTES);
        return (int) crc.getValue();
    }

    long first() {
        return first;
    }

    long last() {
        return last;
    }

    boolean isEmpty() {
        return last < first;
    }

    long length() {
        return length;
    }

    Digest hash() {
        return hash;
    }

    /** When its last record was taken; null where it has none. */
    @Nullable
    Instant newestAt() {
        return newestAt;
    }

    /** What was found when it was opened, behind its last record; null where nothing was. */
    @Nullable
    Damage damage() {
        return damage;
    }

    Path path() {
        return path;
    }

    void close() throws IOException {
        file.close();
    }

    private static void closeQuietly(SpoolFile file, Throwable cause) {
        try {
            file.close();
        } catch (IOException e) {
            cause.addSuppressed(e);
        }
    }

    /** A file is not as it was written, and a crash does not explain it. */
    static final class Damage extends Exception {

        private static final long serialVersionUID = 1;

        Damage(Path path, long offset, String what) {
            super("`" + path + "` is damaged at byte " + offset + ": " + what);
        }
    }
}
