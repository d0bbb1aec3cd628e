package dev.assize.client.ledger;

import java.io.Closeable;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;

/** Writes a tar file (POSIX ustar) of plain files. A name and a size make one header: owner and time are nobody's. */
final class TarWriter implements Closeable {

    private static final int MODE_AT = 100;
    private static final int OWNER_AT = 108;
    private static final int GROUP_AT = 116;
    private static final int ID_BYTES = 8;
    private static final int TIME_AT = 136;
    private static final int MAGIC_AT = 257;
    private static final int READABLE = 0644;

    private final OutputStream to;

    TarWriter(OutputStream to) {
        this.to = to;
    }

    void add(String name, byte[] content) throws IOException {
        to.write(header(name, content.length));
        to.write(content);
        to.write(new byte[(TarFiles.BLOCK - content.length % TarFiles.BLOCK) % TarFiles.BLOCK]);
    }

    /** Ends the tar file, and leaves the stream open. */
    @Override
    public void close() throws IOException {
        to.write(new byte[TarFiles.END_BLOCKS * TarFiles.BLOCK]);
        to.flush();
    }

    /** The one header of a file of that name and size. */
    static byte[] header(String name, long size) {
        byte[] header = new byte[TarFiles.BLOCK];
        put(header, 0, name);
        number(header, MODE_AT, ID_BYTES, READABLE);
        number(header, OWNER_AT, ID_BYTES, 0);
        number(header, GROUP_AT, ID_BYTES, 0);
        number(header, TarFiles.SIZE_AT, TarFiles.SIZE_BYTES, size);
        number(header, TIME_AT, TarFiles.SIZE_BYTES, 0);
        header[TarFiles.TYPE_AT] = '0';
        put(header, MAGIC_AT, "ustar\u000000");
        number(header, TarFiles.SUM_AT, TarFiles.SUM_BYTES - 1, TarFiles.sum(header));
        header[TarFiles.SUM_AT + TarFiles.SUM_BYTES - 1] = ' ';
        return header;
    }

    /** Octal digits and a zero byte. */
    private static void number(byte[] header, int at, int length, long value) {
        String digits = Long.toOctalString(value);
        put(header, at, "0".repeat(length - 1 - digits.length()) + digits);
    }

    private static void put(byte[] header, int at, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        System.arraycopy(bytes, 0, header, at, bytes.length);
    }
}
