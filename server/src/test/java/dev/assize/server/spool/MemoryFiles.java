package dev.assize.server.spool;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/**
 * Files in memory, that fail when they are told to, and that a loss of power leaves as a disk may: with what was forced, and
 * of what was not with some of it.
 */
final class MemoryFiles implements SpoolFiles {

    /** What a program sees, by path. */
    private final Map<Path, Content> files = new HashMap<>();

    /** What a loss of power leaves, by path. */
    private final Map<Path, Content> names = new HashMap<>();

    private int operations;
    private int failingAt = Integer.MAX_VALUE;
    private boolean failingOn;
    private @Nullable Error error;
    private int blocks = Integer.MAX_VALUE;

    private static final class Content {
        private byte[] now = {};
        private byte[] forced = {};
    }

    /** The so many-th operation from now on fails; with it, all that follow until it is mended, or only that one. */
    synchronized void failAt(int operation, boolean onwards) {
        failingAt = operations + operation;
        failingOn = onwards;
    }

    /** The so many-th operation from now on ends in an error, and only that one. */
    synchronized void breakAt(int operation, Error with) {
        failAt(operation, false);
        error = with;
    }

    /** It has room for so many blocks, of 512 bytes, each of one file. */
    synchronized void hasRoomFor(int most) {
        blocks = most;
    }

    private static int blocks(int bytes) {
        return Math.ceilDiv(bytes, 512);
    }

    private void requireRoom(int more) throws IOException {
        int used = files.values().stream()
                .mapToInt(content -> blocks(content.now.length))
                .sum();
        if (more > 0 && used + more > blocks) {
            throw new IOException("No space left on device");
        }
    }

    synchronized void mend() {
        failingAt = Integer.MAX_VALUE;
    }

    /** How many operations there were that change something. */
    synchronized int operations() {
        return operations;
    }

    /** What a disk holds after a loss of power: of each page that was not forced it may have either. */
    synchronized MemoryFiles afterPowerLoss(Random random) {
        MemoryFiles left = new MemoryFiles();
        names.forEach((path, content) -> {
            Content kept = new Content();
            kept.now = torn(content, random);
            kept.forced = kept.now;
            left.files.put(path, kept);
            left.names.put(path, kept);
        });
        return left;
    }

    private static byte[] torn(Content content, Random random) {
        int forced = content.forced.length;
        if (content.now.length <= forced) {
            return random.nextBoolean() ? content.now.clone() : content.forced.clone();
        }
        int length = forced + random.nextInt(content.now.length - forced + 1);
        byte[] torn = Arrays.copyOf(content.forced, length);
        // In pieces of 16 bytes, so that a record may have its end and not its beginning.
        for (int from = forced; from < length; from += 16) {
            if (random.nextBoolean()) {
                System.arraycopy(content.now, from, torn, from, Math.min(16, length - from));
            }
        }
        return torn;
    }

    synchronized byte[] bytes(Path path) {
        return Objects.requireNonNull(files.get(path), path::toString).now.clone();
    }

    synchronized void put(Path path, byte[] bytes) {
        Content content = new Content();
        content.now = bytes.clone();
        content.forced = bytes.clone();
        files.put(path, content);
        names.put(path, content);
    }

    synchronized void remove(Path path) {
        files.remove(path);
        names.remove(path);
    }

    private void operate() throws IOException {
        operations++;
        Error broken = operations == failingAt ? error : null;
        if (broken != null) {
            error = null;
            throw broken;
        }
        if (operations == failingAt || (failingOn && operations > failingAt)) {
            throw new IOException("No space left on device");
        }
    }

    @Override
    public void createDirectory(Path directory) {
        // Every directory is there.
    }

    @Override
    public synchronized List<String> names(Path directory) {
        return files.keySet().stream()
                .filter(path -> directory.equals(path.getParent()))
                .map(path -> path.getFileName().toString())
                .toList();
    }

    @Override
    public synchronized SpoolFile create(Path path) throws IOException {
        operate();
        Content content = files.computeIfAbsent(path, any -> new Content());
        content.now = new byte[0];
        return new MemoryFile(content);
    }

    @Override
    public synchronized SpoolFile open(Path path) throws IOException {
        Content content = files.get(path);
        if (content == null) {
            throw new NoSuchFileException(path.toString());
        }
        return new MemoryFile(content);
    }

    @Override
    public synchronized void replace(Path from, Path to) throws IOException {
        operate();
        files.put(to, files.remove(from));
    }

    @Override
    public synchronized void delete(Path path) throws IOException {
        operate();
        files.remove(path);
    }

    @Override
    public synchronized void forceDirectory(Path directory) throws IOException {
        operate();
        names.keySet().removeIf(path -> directory.equals(path.getParent()));
        files.forEach((path, content) -> {
            if (directory.equals(path.getParent())) {
                names.put(path, content);
            }
        });
    }

    private final class MemoryFile implements SpoolFile {

        private final Content content;
        private boolean closed;

        MemoryFile(Content content) {
            this.content = content;
        }

        @Override
        public long size() {
            synchronized (MemoryFiles.this) {
                return content.now.length;
            }
        }

        /** One that fails has written half of it. */
        @Override
        public void write(ByteBuffer bytes, long position) throws IOException {
            synchronized (MemoryFiles.this) {
                byte[] given = new byte[bytes.remaining()];
                bytes.get(given);
                try {
                    operate();
                } catch (IOException | Error e) {
                    put(Arrays.copyOf(given, given.length / 2), (int) position);
                    throw e;
                }
                requireOpen();
                requireRoom(blocks((int) position + given.length) - blocks(content.now.length));
                put(given, (int) position);
            }
        }

        private void requireOpen() throws IOException {
            if (closed) {
                throw new ClosedChannelException();
            }
        }

        private void put(byte[] given, int at) {
            content.now = Arrays.copyOf(content.now, Math.max(content.now.length, at + given.length));
            System.arraycopy(given, 0, content.now, at, given.length);
        }

        @Override
        public void read(ByteBuffer bytes, long position) throws IOException {
            synchronized (MemoryFiles.this) {
                requireOpen();
                int from = (int) Math.min(position, content.now.length);
                bytes.put(content.now, from, Math.min(bytes.remaining(), content.now.length - from));
            }
        }

        @Override
        public void truncate(long size) throws IOException {
            synchronized (MemoryFiles.this) {
                operate();
                content.now = Arrays.copyOf(content.now, (int) Math.min(size, content.now.length));
            }
        }

        @Override
        public void force() throws IOException {
            synchronized (MemoryFiles.this) {
                operate();
                content.forced = content.now.clone();
            }
        }

        @Override
        public void close() {
            synchronized (MemoryFiles.this) {
                closed = true;
            }
        }
    }
}
