package dev.assize.client.ledger;

import static dev.assize.client.ledger.NotProvenException.require;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * The files in a tar file (POSIX ustar), which is read where it lies. Plain files and directories only: what could hide
 * something, such as links, extended headers, bytes between the members or one name twice, is refused.
 */
public final class TarFiles implements LogFiles, Closeable {

    static final int BLOCK = 512;
    static final int NAME_BYTES = 100;
    static final int SIZE_AT = 124;
    static final int SIZE_BYTES = 12;
    static final int SUM_AT = 148;
    static final int SUM_BYTES = 8;
    static final int TYPE_AT = 156;
    private static final int PREFIX_AT = 345;
    private static final int PREFIX_BYTES = 155;
    private static final int SUM_DIGITS = 6;
    private static final String HERE = "./";

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
        require(size - at >= 2 * BLOCK, "the tar file is cut off");
        for (; at < size; at += BLOCK) {
            require(isZero(bytes(at, BLOCK)), "something follows the end of the tar file");
        }
    }

    private Member add(byte[] header, long at, long end) throws NotProvenException {
        requireSum(header);
        String prefix = text(header, PREFIX_AT, PREFIX_BYTES);
        String name = (prefix.isEmpty() ? "" : prefix + "/") + text(header, 0, NAME_BYTES);
        long size = octal(header, SIZE_AT, SIZE_BYTES);
        require(size <= end - at, "`" + name + "` is cut off");
        Member member = new Member(at, size);
        switch (header[TYPE_AT]) {
            case 0, '0' -> {
                String plain = name.startsWith(HERE) ? name.substring(HERE.length()) : name;
                require(members.put(plain, member) == null, "`" + plain + "` is in the tar file twice");
            }
            case '5' -> require(size == 0, "`" + name + "` is a directory with content");
            default -> throw new NotProvenException("`" + name + "` is neither a file nor a directory");
        }
        return member;
    }

    /** The sum of all bytes, its own taken as spaces. */
    static int sum(byte[] header) {
        int sum = 0;
        for (int i = 0; i < BLOCK; i++) {
            sum += i >= SUM_AT && i < SUM_AT + SUM_BYTES ? ' ' : Byte.toUnsignedInt(header[i]);
        }
        return sum;
    }

    /** Six digits, zero, space: what every program writes. */
    private static void requireSum(byte[] header) throws NotProvenException {
        int end = SUM_AT + SUM_DIGITS;
        require(
                header[end] == 0 && header[end + 1] == ' ' && octal(header, SUM_AT, SUM_DIGITS + 1) == sum(header),
                "not a tar file, or a damaged one");
    }

    private static long octal(byte[] header, int at, int length) throws NotProvenException {
        String digits = new String(header, at, length, StandardCharsets.ISO_8859_1);
        require(digits.matches("[0-7]+[\\x00 ]"), "a number in the tar file is not one");
        return Long.parseLong(digits.substring(0, length - 1), 8);
    }

    private static String text(byte[] header, int at, int length) throws NotProvenException {
        int end = at;
        while (end < at + length && header[end] != 0) {
            end++;
        }
        for (int i = end; i < at + length; i++) {
            require(header[i] == 0, "a name in the tar file goes on behind its end");
        }
        return new String(header, at, end - at, StandardCharsets.UTF_8);
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
