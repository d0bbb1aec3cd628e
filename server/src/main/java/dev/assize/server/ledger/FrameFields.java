package dev.assize.server.ledger;

import dev.assize.server.model.Digest;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.NavigableMap;
import java.util.SortedSet;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Reads a frame: its fields by number. Reading is strict, so that one content has one frame: order, lengths, widths
 * and UTF-8 are all checked, those of a value when it is asked for.
 */
public final class FrameFields {

    private final NavigableMap<Integer, ByteBuffer> values;

    private FrameFields(NavigableMap<Integer, ByteBuffer> values) {
        this.values = values;
    }

    /** The fields of a frame. */
    public static FrameFields read(byte[] frame) {
        if (frame.length > Frame.MAX_BYTES) {
            throw new MalformedFrameException(
                    "the frame has " + frame.length + " bytes: expected at most " + Frame.MAX_BYTES);
        }
        ByteBuffer rest = ByteBuffer.wrap(frame).asReadOnlyBuffer();
        if (!rest.hasRemaining() || rest.get() != Frame.VERSION) {
            throw new MalformedFrameException("the frame does not begin with version " + Frame.VERSION);
        }
        NavigableMap<Integer, ByteBuffer> values = new TreeMap<>();
        int last = 0;
        while (rest.hasRemaining()) {
            last = readField(rest, last, values);
        }
        return new FrameFields(values);
    }

    private static int readField(ByteBuffer rest, int last, NavigableMap<Integer, ByteBuffer> values) {
        if (rest.remaining() < Frame.FIELD_HEADER_BYTES) {
            throw new MalformedFrameException("the frame ends inside the field behind field " + last);
        }
        int number = Short.toUnsignedInt(rest.getShort());
        int length = rest.getInt();
        if (number <= last) {
            throw new MalformedFrameException("field " + number + " stands behind field " + last);
        }
        if (number > Frame.TYPE && number < Frame.FIRST_BODY_FIELD) {
            throw new MalformedFrameException("field " + number + " is unknown");
        }
        if (length < 0 || length > rest.remaining()) {
            throw new MalformedFrameException("field " + number + " ends behind the frame");
        }
        values.put(number, rest.slice(rest.position(), length));
        rest.position(rest.position() + length);
        return number;
    }

    /** The numbers of the body's fields. */
    public SortedSet<Integer> bodyNumbers() {
        return values.tailMap(Frame.FIRST_BODY_FIELD, true).navigableKeySet();
    }

    public boolean has(int number) {
        return values.containsKey(number);
    }

    /** A value as it stands, null where absent. */
    public byte @Nullable [] bytes(int number) {
        ByteBuffer value = values.get(number);
        return value == null ? null : copy(value);
    }

    public @Nullable String text(int number) {
        ByteBuffer value = values.get(number);
        return value == null ? null : utf8(number, value);
    }

    public @Nullable Integer u8(int number) {
        ByteBuffer value = ofWidth(number, Byte.BYTES);
        return value == null ? null : Byte.toUnsignedInt(value.get(0));
    }

    public @Nullable Long i64(int number) {
        ByteBuffer value = ofWidth(number, Long.BYTES);
        return value == null ? null : value.getLong(0);
    }

    /** A list, empty where absent; a list that is present is not empty. */
    public List<String> texts(int number) {
        ByteBuffer value = values.get(number);
        if (value == null) {
            return List.of();
        }
        ByteBuffer rest = value.duplicate();
        List<String> texts = new ArrayList<>();
        do {
            texts.add(utf8(number, element(number, rest)));
        } while (rest.hasRemaining());
        return texts;
    }

    public String requiredText(int number) {
        return required(number, text(number));
    }

    public int requiredU8(int number) {
        return required(number, u8(number));
    }

    public long requiredI64(int number) {
        return required(number, i64(number));
    }

    /** What Java's signed types cannot hold is not in use: no ledger has 2^63 entries. */
    int requiredU32(int number, int from) {
        return (int) atLeast(
                from, number, required(number, ofWidth(number, Integer.BYTES)).getInt(0));
    }

    long requiredU64(int number, long from) {
        return atLeast(
                from, number, required(number, ofWidth(number, Long.BYTES)).getLong(0));
    }

    Digest requiredDigest(int number) {
        return Digest.of(copy(required(number, ofWidth(number, Digest.LENGTH))));
    }

    private static long atLeast(long from, int number, long value) {
        if (value < from) {
            throw new MalformedFrameException("field " + number + " is out of its range");
        }
        return value;
    }

    private static ByteBuffer element(int number, ByteBuffer rest) {
        int length = rest.remaining() < Integer.BYTES ? -1 : rest.getInt();
        if (length < 0 || length > rest.remaining()) {
            throw new MalformedFrameException("the list in field " + number + " ends inside an element");
        }
        ByteBuffer element = rest.slice(rest.position(), length);
        rest.position(rest.position() + length);
        return element;
    }

    private @Nullable ByteBuffer ofWidth(int number, int width) {
        ByteBuffer value = values.get(number);
        if (value != null && value.remaining() != width) {
            throw new MalformedFrameException(
                    "field " + number + " has " + value.remaining() + " bytes: expected " + width);
        }
        return value;
    }

    private static <T> T required(int number, @Nullable T value) {
        if (value == null) {
            throw new MalformedFrameException("field " + number + " is missing");
        }
        return value;
    }

    private static String utf8(int number, ByteBuffer value) {
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(value.duplicate()).toString();
        } catch (CharacterCodingException e) {
            throw new MalformedFrameException("field " + number + " is not UTF-8");
        }
    }

    private static byte[] copy(ByteBuffer value) {
        byte[] copy = new byte[value.remaining()];
        value.get(value.position(), copy);
        return copy;
    }
}
