package dev.assize.server.recording;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Writes a record: its version, then fields in strictly ascending order. Absent values leave none. */
final class RecordBytes {

    /** Of a record, which is thereby never taken for the frame of an entry. */
    static final byte VERSION = (byte) 0xD1;

    /** So that a pack fits a file of a bundle. */
    static final int MAX_BYTES = 16_000;

    private byte[] bytes = new byte[512];
    private int length = 1;
    private int lastNumber;

    RecordBytes() {
        bytes[0] = VERSION;
    }

    /** Begins another record in the same place. */
    RecordBytes again() {
        length = 1;
        lastNumber = 0;
        return this;
    }

    RecordBytes bytes(int number, byte @Nullable [] value) {
        return value == null ? this : bytes(number, value, 0, value.length);
    }

    /** A value that stands among other bytes. */
    RecordBytes bytes(int number, byte[] value, int offset, int valueBytes) {
        begin(number, valueBytes);
        System.arraycopy(value, offset, bytes, length, valueBytes);
        length += valueBytes;
        return this;
    }

    RecordBytes text(int number, @Nullable String value) {
        return value == null ? this : bytes(number, value.getBytes(StandardCharsets.UTF_8));
    }

    RecordBytes u8(int number, int value) {
        begin(number, Byte.BYTES);
        bytes[length++] = (byte) value;
        return this;
    }

    RecordBytes u32(int number, int value) {
        begin(number, Integer.BYTES);
        putInt(value);
        return this;
    }

    RecordBytes i64(int number, long value) {
        begin(number, Long.BYTES);
        putInt((int) (value >>> Integer.SIZE));
        putInt((int) value);
        return this;
    }

    /** A list, each element behind its u32 length; none where it is empty. */
    RecordBytes texts(int number, List<String> values) {
        if (values.isEmpty()) {
            return this;
        }
        List<byte[]> texts = values.stream()
                .map(value -> value.getBytes(StandardCharsets.UTF_8))
                .toList();
        begin(
                number,
                texts.stream().mapToInt(text -> Integer.BYTES + text.length).sum());
        for (byte[] text : texts) {
            putInt(text.length);
            put(text);
        }
        return this;
    }

    byte[] toBytes() {
        if (length > MAX_BYTES) {
            throw new IllegalStateException("a record of " + length + " bytes: expected at most " + MAX_BYTES);
        }
        return Arrays.copyOf(bytes, length);
    }

    private void begin(int number, int valueBytes) {
        if (number <= lastNumber) {
            throw new IllegalArgumentException("field " + number + " cannot follow field " + lastNumber);
        }
        lastNumber = number;
        int needed = length + Short.BYTES + Integer.BYTES + valueBytes;
        if (needed > bytes.length) {
            bytes = Arrays.copyOf(bytes, Math.max(needed, 2 * bytes.length));
        }
        bytes[length++] = (byte) (number >>> Byte.SIZE);
        bytes[length++] = (byte) number;
        putInt(valueBytes);
    }

    private void put(byte[] value) {
        System.arraycopy(value, 0, bytes, length, value.length);
        length += value.length;
    }

    private void putInt(int value) {
        ByteBuffer.wrap(bytes).putInt(length, value);
        length += Integer.BYTES;
    }
}
