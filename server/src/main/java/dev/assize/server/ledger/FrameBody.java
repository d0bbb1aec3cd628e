package dev.assize.server.ledger;

import dev.assize.server.model.MalformedException;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Writes the body of a frame: fields numbered 16 and above, in strictly ascending order. Absent values leave none. */
public final class FrameBody {

    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream(512);
    private int lastNumber = Frame.FIRST_BODY_FIELD - 1;

    /** Adds a text, if there is one. */
    public FrameBody text(int number, @Nullable String value) {
        return value == null ? this : field(number, utf8(value));
    }

    /** Adds one byte, 0 to 255. */
    public FrameBody u8(int number, int value) {
        if (value < 0 || value > 0xFF) {
            throw new IllegalArgumentException(value + " does not fit a byte");
        }
        return field(number, new byte[] {(byte) value});
    }

    /** Adds a signed number, if there is one. */
    public FrameBody i64(int number, @Nullable Long value) {
        return value == null
                ? this
                : field(number, ByteBuffer.allocate(Long.BYTES).putLong(value).array());
    }

    /** Adds a list of texts, each behind its u32 length, if there are any. */
    public FrameBody texts(int number, List<String> values) {
        if (values.isEmpty()) {
            return this;
        }
        ByteArrayOutputStream list = new ByteArrayOutputStream();
        for (String value : values) {
            byte[] text = utf8(value);
            list.writeBytes(
                    ByteBuffer.allocate(Integer.BYTES).putInt(text.length).array());
            list.writeBytes(text);
        }
        return field(number, list.toByteArray());
    }

    /** Adds what stands in the frame for values beside it, if there are any: they are in ascending order of fields. */
    public FrameBody commitments(int number, List<ErasableValue> values) {
        if (values.isEmpty()) {
            return this;
        }
        ByteArrayOutputStream list = new ByteArrayOutputStream();
        for (ErasableValue value : values) {
            list.writeBytes(ByteBuffer.allocate(Short.BYTES)
                    .putShort((short) value.field())
                    .array());
            list.writeBytes(value.commitment().bytes());
        }
        return field(number, list.toByteArray());
    }

    /** What was written. */
    public byte[] toBytes() {
        return bytes.toByteArray();
    }

    private FrameBody field(int number, byte[] value) {
        if (number <= lastNumber || number > 0xFFFF) {
            throw new IllegalArgumentException("field " + number + " cannot follow field " + lastNumber);
        }
        lastNumber = number;
        bytes.writeBytes(ByteBuffer.allocate(Frame.FIELD_HEADER_BYTES)
                .putShort((short) number)
                .putInt(value.length)
                .array());
        bytes.writeBytes(value);
        return this;
    }

    /** Strict: `getBytes` would turn a lone surrogate into a question mark, and the record would lie. */
    private static byte[] utf8(String text) {
        try {
            ByteBuffer encoded = StandardCharsets.UTF_8.newEncoder().encode(CharBuffer.wrap(text));
            byte[] result = new byte[encoded.remaining()];
            encoded.get(result);
            return result;
        } catch (CharacterCodingException e) {
            throw new MalformedException(text, "a text without lone surrogates");
        }
    }
}
