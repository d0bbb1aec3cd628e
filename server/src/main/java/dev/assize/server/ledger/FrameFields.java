package dev.assize.server.ledger;

import dev.assize.server.model.Digest;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.NavigableSet;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Reads a frame: its fields by number. Reading is strict, so that one content has one frame: order, lengths, widths
 * and UTF-8 are all checked, those of a value when it is asked for.
 */
public final class FrameFields {

    /** The number of the field that says what kind of entry it is. */
    public static final int TYPE = Frame.TYPE;

    /** The number of the field with what is in the frame for values that stand beside it; other ones for equal values. */
    public static final int COMMITMENTS = 36;

    /** The trace of the call that brought the entry; a retry is another call. */
    public static final int TRACE_CONTEXT = 33;

    /** More than version 1 has. */
    private static final int USUAL_FIELDS = 32;

    private static final char REPLACEMENT = '\uFFFD';

    private final byte[] frame;

    /** Numbers ascend; of each the value's place in the frame. */
    private int[] numbers = new int[USUAL_FIELDS];

    private int[] offsets = new int[USUAL_FIELDS];
    private int[] lengths = new int[USUAL_FIELDS];
    private int count;

    private FrameFields(byte[] frame) {
        this.frame = frame;
    }

    /** The fields of a frame. */
    public static FrameFields read(byte[] frame) {
        if (frame.length > Frame.MAX_BYTES) {
            throw new MalformedFrameException(
                    "the frame has " + frame.length + " bytes: expected at most " + Frame.MAX_BYTES);
        }
        ByteBuffer rest = ByteBuffer.wrap(frame);
        if (!rest.hasRemaining() || rest.get() != Frame.VERSION) {
            throw new MalformedFrameException("the frame does not begin with version " + Frame.VERSION);
        }
        FrameFields fields = new FrameFields(frame);
        int last = 0;
        while (rest.hasRemaining()) {
            last = fields.readField(rest, last);
        }
        return fields;
    }

    private int readField(ByteBuffer rest, int last) {
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
        add(number, rest.position(), length);
        rest.position(rest.position() + length);
        return number;
    }

    private void add(int number, int offset, int length) {
        if (count == numbers.length) {
            numbers = Arrays.copyOf(numbers, 2 * count);
            offsets = Arrays.copyOf(offsets, 2 * count);
            lengths = Arrays.copyOf(lengths, 2 * count);
        }
        numbers[count] = number;
        offsets[count] = offset;
        lengths[count] = length;
        count++;
    }

    /** Its place among the fields, negative where it is absent. */
    private int indexOf(int number) {
        return Arrays.binarySearch(numbers, 0, count, number);
    }

    private @Nullable ByteBuffer value(int number) {
        int index = indexOf(number);
        return index < 0
                ? null
                : ByteBuffer.wrap(frame, offsets[index], lengths[index]).slice();
    }

    /** Whether the frame is what the draft has become, or would become again: what differs in a retry is not asked. */
    public boolean isOf(EntryDraft draft) {
        Envelope envelope = Envelope.of(this);
        return envelope.recordedBy().equals(draft.recorder().caller().toString())
                && envelope.recordedByTenant().equals(draft.recorder().home().value())
                && envelope.type().equals(draft.type())
                && body(frame, 1).equals(body(draft.body(), 0));
    }

    /** The fields of a body by their numbers, from a place on where one begins; lengths have been read before. */
    private static SortedMap<Integer, ByteBuffer> body(byte[] bytes, int from) {
        SortedMap<Integer, ByteBuffer> body = new TreeMap<>();
        ByteBuffer rest = ByteBuffer.wrap(bytes, from, bytes.length - from);
        while (rest.hasRemaining()) {
            int number = Short.toUnsignedInt(rest.getShort());
            int length = rest.getInt();
            if (number >= Frame.FIRST_BODY_FIELD && number != COMMITMENTS && number != TRACE_CONTEXT) {
                body.put(number, rest.slice(rest.position(), length));
            }
            rest.position(rest.position() + length);
        }
        return body;
    }

    /** The numbers of the body's fields. */
    public SortedSet<Integer> bodyNumbers() {
        NavigableSet<Integer> body = new TreeSet<>();
        forEachBodyNumber(body::add);
        return body;
    }

    /** Hands out the numbers of the body's fields, ascending. */
    public void forEachBodyNumber(IntConsumer reader) {
        for (int i = 0; i < count; i++) {
            if (numbers[i] >= Frame.FIRST_BODY_FIELD) {
                reader.accept(numbers[i]);
            }
        }
    }

    /** Where a value begins in the frame; negative where it is absent. */
    public int offset(int number) {
        int index = indexOf(number);
        return index < 0 ? -1 : offsets[index];
    }

    /** Bytes of a value; negative where it is absent. */
    public int length(int number) {
        int index = indexOf(number);
        return index < 0 ? -1 : lengths[index];
    }

    public boolean has(int number) {
        return indexOf(number) >= 0;
    }

    /** A value as it stands, null where absent. */
    public byte @Nullable [] bytes(int number) {
        ByteBuffer value = value(number);
        return value == null ? null : copy(value);
    }

    public @Nullable String text(int number) {
        int index = indexOf(number);
        return index < 0 ? null : utf8(number, frame, offsets[index], lengths[index]);
    }

    /** Whether a value is a text of exactly these bytes. Only ASCII is recognised: of other bytes somebody must read the text. */
    public boolean isText(int number, byte[] text, int offset, int length) {
        int index = indexOf(number);
        return index >= 0
                && Arrays.equals(frame, offsets[index], offsets[index] + lengths[index], text, offset, offset + length)
                && isAscii(text, offset, length);
    }

    /** Whether a value is there and begins with these bytes. */
    public boolean startsWith(int number, byte[] prefix) {
        int index = indexOf(number);
        return index >= 0
                && lengths[index] >= prefix.length
                && Arrays.equals(frame, offsets[index], offsets[index] + prefix.length, prefix, 0, prefix.length);
    }

    /** Requires a text, without making one. */
    public void requireText(int number) {
        int index = indexOf(number);
        if (index < 0 || !isAscii(frame, offsets[index], lengths[index])) {
            requiredText(number);
        }
    }

    private static boolean isAscii(byte[] text, int offset, int length) {
        int bits = 0;
        for (int i = offset; i < offset + length; i++) {
            bits |= text[i];
        }
        return bits >= 0;
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
        ByteBuffer value = value(number);
        if (value == null) {
            return List.of();
        }
        ByteBuffer rest = value.duplicate();
        List<String> texts = new ArrayList<>();
        do {
            ByteBuffer element = element(number, rest);
            texts.add(utf8(number, frame, element.arrayOffset() + element.position(), element.remaining()));
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
        ByteBuffer value = value(number);
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

    /** Strict: what is replaced in reading was no text, unless it stood there. */
    private static String utf8(int number, byte[] frame, int offset, int length) {
        String text = new String(frame, offset, length, StandardCharsets.UTF_8);
        if (text.indexOf(REPLACEMENT) < 0) {
            return text;
        }
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(frame, offset, length))
                    .toString();
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
