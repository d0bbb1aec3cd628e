package dev.assize.server.recording;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Reads a record, or one after the other, strictly: one content has one record. */
final class RecordFields {

    private static final int HEADER_BYTES = Short.BYTES + Integer.BYTES;

    private byte[] record = {};

    /** Where each field's value begins, by the field's number; 0 where it has none. */
    private final int[] offsets = new int[RecordField.TRACE_CONTEXT + 1];

    private final int[] lengths = new int[RecordField.TRACE_CONTEXT + 1];

    /** Reads a record. */
    static RecordFields read(byte[] record) {
        return new RecordFields().over(record);
    }

    /** Reads another one in the place of what was read. */
    RecordFields over(byte[] other) {
        if (other.length == 0 || other.length > RecordBytes.MAX_BYTES || other[0] != RecordBytes.VERSION) {
            throw new MalformedRecordException("it does not begin as a record, or is too long");
        }
        record = other;
        Arrays.fill(offsets, 0);
        ByteBuffer rest = ByteBuffer.wrap(other, 1, other.length - 1);
        for (int last = 0; rest.hasRemaining(); ) {
            last = readField(rest, last);
        }
        return this;
    }

    /** When a record's decision was made, told without reading what else it says. */
    static long decidedAt(byte[] record) {
        ByteBuffer bytes = ByteBuffer.wrap(record);
        for (int at = 1; at <= record.length - HEADER_BYTES - Long.BYTES; ) {
            int number = Short.toUnsignedInt(bytes.getShort(at));
            int length = bytes.getInt(at + Short.BYTES);
            if (number == RecordField.DECIDED_AT && length == Long.BYTES) {
                return bytes.getLong(at + HEADER_BYTES);
            }
            if (number >= RecordField.DECIDED_AT || length < 0 || length > record.length) {
                break;
            }
            at += HEADER_BYTES + length;
        }
        return read(record).requiredI64(RecordField.DECIDED_AT);
    }

    private int readField(ByteBuffer rest, int last) {
        if (rest.remaining() < HEADER_BYTES) {
            throw new MalformedRecordException("it ends inside the field behind field " + last);
        }
        int number = Short.toUnsignedInt(rest.getShort());
        int length = rest.getInt();
        if (number <= last || number > RecordField.TRACE_CONTEXT) {
            throw new MalformedRecordException("field " + number + " is unknown, or stands behind field " + last);
        }
        if (length < 0 || length > rest.remaining()) {
            throw new MalformedRecordException("field " + number + " ends behind the record");
        }
        offsets[number] = rest.position();
        lengths[number] = length;
        rest.position(rest.position() + length);
        return number;
    }

    boolean has(int number) {
        return offsets[number] > 0;
    }

    /** Of a field that is there: the bytes of its value. */
    int length(int number) {
        return lengths[number];
    }

    @Nullable
    String text(int number) {
        return has(number) ? utf8(number, offsets[number], lengths[number]) : null;
    }

    String requiredText(int number) {
        return utf8(number, required(number), lengths[number]);
    }

    List<String> texts(int number) {
        if (!has(number)) {
            return List.of();
        }
        ByteBuffer rest = ByteBuffer.wrap(record, offsets[number], lengths[number]);
        List<String> texts = new ArrayList<>();
        do {
            int length = rest.remaining() < Integer.BYTES ? -1 : rest.getInt();
            if (length < 0 || length > rest.remaining()) {
                throw new MalformedRecordException("the list in field " + number + " ends inside an element");
            }
            texts.add(utf8(number, rest.position(), length));
            rest.position(rest.position() + length);
        } while (rest.hasRemaining());
        return texts;
    }

    int requiredU8(int number) {
        return Byte.toUnsignedInt(record[ofWidth(number, Byte.BYTES)]);
    }

    int requiredU32(int number) {
        int value = ByteBuffer.wrap(record).getInt(ofWidth(number, Integer.BYTES));
        if (value < 0) {
            throw new MalformedRecordException("field " + number + " is out of its range");
        }
        return value;
    }

    long requiredU64(int number) {
        long value = requiredI64(number);
        if (value < 0) {
            throw new MalformedRecordException("field " + number + " is out of its range");
        }
        return value;
    }

    long requiredI64(int number) {
        return ByteBuffer.wrap(record).getLong(ofWidth(number, Long.BYTES));
    }

    byte[] requiredBytes(int number, int width) {
        int offset = ofWidth(number, width);
        return Arrays.copyOfRange(record, offset, offset + width);
    }

    /** Where the value begins. */
    private int ofWidth(int number, int width) {
        int offset = required(number);
        if (lengths[number] != width) {
            throw new MalformedRecordException(
                    "field " + number + " has " + lengths[number] + " bytes: expected " + width);
        }
        return offset;
    }

    /** Where the value of a field begins. */
    int required(int number) {
        if (!has(number)) {
            throw new MalformedRecordException("field " + number + " is missing");
        }
        return offsets[number];
    }

    private String utf8(int number, int offset, int length) {
        String text = new String(record, offset, length, StandardCharsets.UTF_8);
        // Of what is no UTF-8 something else has become.
        if (!isAscii(offset, length) && !isWritten(text, offset, length)) {
            throw new MalformedRecordException("field " + number + " is not UTF-8");
        }
        return text;
    }

    private boolean isAscii(int offset, int length) {
        int bits = 0;
        for (int i = offset; i < offset + length; i++) {
            bits |= record[i];
        }
        return bits >= 0;
    }

    private boolean isWritten(String text, int offset, int length) {
        byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
        return Arrays.equals(utf8, 0, utf8.length, record, offset, offset + length);
    }
}
