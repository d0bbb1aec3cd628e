package dev.assize.client.ledger;

import static dev.assize.client.ledger.NotProvenException.require;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;

/**
 * The files in a tar file (POSIX ustar), which is read where it lies. A header is exactly that which {@link TarWriter} gives a
 * plain file of that name and size: what could hide something, such as links, owners, times, bytes between the members or one
 * name twice, is refused.
 */
public final class TarFiles implements LogFiles, Closeable {

    static final int BLOCK = 512;
    static final int NAME_BYTES = 100;
    static final int SIZE_AT = 124;
    static final int SIZE_BYTES = 12;
    static final int SUM_AT = 148;
    static final int SUM_BYTES = 8;
    static final int TYPE_AT = 156;

    /** Blocks of zeros behind the last member. */
    static final int END_BLOCKS = 2;

    private static final Pattern SIZE = Pattern.compile("[0-7]{11}\\x00");

    private final FileChannel channel;
    private final Map<String, Member> members = new HashMap<>();
    private final Set<String> read = new HashSet<>();

    private TarFiles(FileChannel channel) {
        this.channel = channel;
    }

    /** Opens a file, and reads what is in it. */
    public static TarFiles open(Path file) throws NotProvenException, IOException {
        FileChannel channel = FileChannel.open(file);
        TarFiles files = new TarFiles(channel);
        try {
            files.index();
            return files;
        } catch (NotProvenException | IOException | RuntimeException e) {
            channel.close();
            throw e;
        }
    }

    @Override
    public Optional<byte[]> read(String name) throws NotProvenException, IOException {
        Member member = members.get(name);
        if (member == null) {
            return Optional.empty();
        }
        require(member.size <= MAX_BYTES, "`" + name + "` is larger than any file of a log");
        read.add(name);
        return Optional.of(bytes(member.at, (int) member.size));
    }

    /** Members that nobody has asked for, in the order of their names. */
    Set<String> unread() {
        Set<String> unread = new TreeSet<>(members.keySet());
        unread.removeAll(read);
        return unread;
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }

    private void index() throws NotProvenException, IOException {
        long size = channel.size();
        require(size > 0 && size % BLOCK == 0, "not a tar file: it has no whole number of blocks");
        long at = 0;
        byte[] header = bytes(at, BLOCK);
        while (!isZero(header)) {
            Member member = add(header, at + BLOCK, size);
            long end = member.at + member.size;
            at = (end + BLOCK - 1) / BLOCK * BLOCK;
            require(isZero(bytes(end, (int) (at - end))), "something stands between the members of the tar file");
            require(at < size, "the tar file is cut off");
            header = bytes(at, BLOCK);
        }
        require(size - at >= END_BLOCKS * BLOCK, "the tar file is cut off");
        require(size - at == END_BLOCKS * BLOCK, "something follows the end of the tar file");
        require(isZero(bytes(at, END_BLOCKS * BLOCK)), "something follows the end of the tar file");
    }

    private Member add(byte[] header, long at, long end) throws NotProvenException {
        String name = name(header);
        Member member = new Member(at, size(header));
        require(
                Arrays.equals(header, TarWriter.header(name, member.size)),
                "`" + name + "` is no plain file, or its header says more than its name and its size");
        require(member.size <= end - at, "`" + name + "` is cut off");
        require(members.put(name, member) == null, "`" + name + "` is in the tar file twice");
        return member;
    }

    private static String name(byte[] header) throws NotProvenException {
        int length = 0;
        while (length < NAME_BYTES && header[length] != 0) {
            require(header[length] > 0, "a name in the tar file is not ASCII");
            length++;
        }
        return new String(header, 0, length, StandardCharsets.US_ASCII);
    }

    private static long size(byte[] header) throws NotProvenException {
        String digits = new String(header, SIZE_AT, SIZE_BYTES, StandardCharsets.ISO_8859_1);
        require(SIZE.matcher(digits).matches(), "not a tar file, or a damaged one");
        return Long.parseLong(digits, 0, SIZE_BYTES - 1, 8);
    }

    /** The sum of all bytes, its own taken as spaces. */
    static int sum(byte[] header) {
        int sum = 0;
        for (int i = 0; i < BLOCK; i++) {
            sum += i >= SUM_AT && i < SUM_AT + SUM_BYTES ? ' ' : Byte.toUnsignedInt(header[i]);
        }
        return sum;
    }

    private byte[] bytes(long at, int length) throws NotProvenException, IOException {
        ByteBuffer buffer = ByteBuffer.allocate(length);
        while (buffer.hasRemaining()) {
            require(channel.read(buffer, at + buffer.position()) > 0, "the tar file is cut off");
        }
        return buffer.array();
    }

    private static boolean isZero(byte[] bytes) {
        for (byte b : bytes) {
            if (b != 0) {
                return false;
            }
        }
        return true;
    }

    private record Member(long at, long size) {}
}
