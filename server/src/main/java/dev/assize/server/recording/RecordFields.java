package dev.assize.server.recording;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.NavigableMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Reads a record, strictly: one content has one record. */
final class RecordFields {

    private static final int HEADER_BYTES = Short.BYTES + Integer.BYTES;

    private final NavigableMap<Integer, ByteBuffer> values = new TreeMap<>();

    private RecordFields() {}

    static RecordFields read(byte[] record) {
        if (record.length == 0 || record.length > RecordBytes.MAX_BYTES || record[0] != RecordBytes.VERSION) {
            throw new MalformedRecordException("it does not begin as a record, or is too long");
        }
        RecordFields fields = new RecordFields();
        ByteBuffer rest = ByteBuffer.wrap(record, 1, record.length - 1);
        for (int last = 0; rest.hasRemaining(); ) {
            last = fields.readField(rest, last);
        }
        return fields;
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
        values.put(number, rest.slice(rest.position(), length));
        rest.position(rest.position() + length);
        return number;
    }

    boolean has(int number) {
        return values.containsKey(number);
    }

    @Nullable
    String text(int number) {
        ByteBuffer value = values.get(number);
        return value == null ? null : utf8(number, value);
    }

    String requiredText(int number) {
        return utf8(number, required(number));
    }

    List<String> texts(int number) {
        ByteBuffer value = values.get(number);
        if (value == null) {
            return List.of();
        }
        ByteBuffer rest = value.duplicate();
        List<String> texts = new ArrayList<>();
        do {
            int length = rest.remaining() < Integer.BYTES ? -1 : rest.getInt();
            if (length < 0 || length > rest.remaining()) {
                throw new MalformedRecordException("the list in field " + number + " ends inside an element");
            }
            texts.add(utf8(number, rest.slice(rest.position(), length)));
            rest.position(rest.position() + length);
        } while (rest.hasRemaining());
        return texts;
    }

    int requiredU8(int number) {
        return Byte.toUnsignedInt(ofWidth(number, Byte.BYTES).get(0));
    }

    int requiredU32(int number) {
        int value = ofWidth(number, Integer.BYTES).getInt(0);
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
        return ofWidth(number, Long.BYTES).getLong(0);
    }

    byte[] requiredBytes(int number, int width) {
        byte[] bytes = new byte[width];
        ofWidth(number, width).get(0, bytes);
        return bytes;
    }

    private ByteBuffer ofWidth(int number, int width) {
        ByteBuffer value = required(number);
        if (value.remaining() != width) {
            throw new MalformedRecordException(
                    "field " + number + " has " + value.remaining() + " bytes: expected " + width);
        }
        return value;
    }

    private ByteBuffer required(int number) {
        ByteBuffer value = values.get(number);
        if (value == null) {
            throw new MalformedRecordException("field " + number + " is missing");
        }
        return value;
    }

    private static String utf8(int number, ByteBuffer value) {
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(value.duplicate()).toString();
        } catch (CharacterCodingException e) {
            throw new MalformedRecordException("field " + number + " is not UTF-8");
        }
    }
}
