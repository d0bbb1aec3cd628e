package dev.assize.client.ledger;

import dev.assize.client.ledger.FrameField.Presence;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Reads frames, strictly: whatever is unknown, repeated, out of order, torn or not of its form is refused, so that no
 * two readers can see two things in the same bytes.
 */
public final class FrameReader {

    /** Bytes of the longest frame. */
    public static final int MAX_BYTES = 65_535;

    private static final int VERSION = 1;

    private final byte[] bytes;
    private final Map<FrameField, Object> values = new EnumMap<>(FrameField.class);
    private byte[] prevHash = new byte[0];
    private int position;

    private FrameReader(byte[] bytes) {
        this.bytes = bytes;
    }

    /** What the bytes say. */
    public static Frame read(byte[] bytes) throws MalformedFrameException {
        return new FrameReader(bytes).read();
    }

    /** Requires a value that is kept beside a frame to be of the form that its field has in one. */
    static void requireForm(FrameField field, byte[] value) throws MalformedFrameException {
        FrameReader reader = new FrameReader(value);
        reader.readValue(field, value.length);
        require(reader.position == value.length, field + " has the wrong length");
    }

    private Frame read() throws MalformedFrameException {
        require(bytes.length <= MAX_BYTES, "a frame has at most " + MAX_BYTES + " bytes, this has " + bytes.length);
        require(unsigned(1, bytes.length) == VERSION, "the version is not " + VERSION);
        int previous = 0;
        while (position < bytes.length) {
            int number = (int) unsigned(2, bytes.length);
            long length = unsigned(4, bytes.length);
            require(number > previous, "field " + number + " follows field " + previous);
            previous = number;
            FrameField field = FrameField.ofNumber(number)
                    .orElseThrow(() -> new MalformedFrameException("field " + number + " is unknown"));
            require(length <= bytes.length - position, field + " is longer than the frame");
            int end = position + (int) length;
            readValue(field, end);
            require(position == end, field + " has the wrong length");
        }
        requirePresence();
        return new Frame(values, prevHash);
    }

    private void readValue(FrameField field, int end) throws MalformedFrameException {
        switch (field.form()) {
            case TEXT -> values.put(field, text(end - position, end));
            case TEXTS -> values.put(field, texts(end));
            case U8 -> values.put(field, small(field, unsigned(1, end)));
            case U32 -> values.put(field, counted(field, unsigned(4, end), 1, Integer.MAX_VALUE));
            case U64 -> values.put(field, counted(field, unsigned(8, end), 0, Long.MAX_VALUE));
            case I64 -> values.put(field, unsigned(8, end));
            case HASH -> {
                prevHash = take(Sha256.BYTES, end);
                values.put(field, field);
            }
            case COMMITMENTS -> values.put(field, commitments(end));
        }
    }

    private static long small(FrameField field, long value) throws MalformedFrameException {
        long largest = field == FrameField.OUTCOME ? 4 : 1;
        return counted(field, value, 1, largest);
    }

    private static long counted(FrameField field, long value, long from, long to) throws MalformedFrameException {
        require(value >= from && value <= to, field + " is out of its range");
        return value;
    }

    private List<String> texts(int end) throws MalformedFrameException {
        List<String> texts = new ArrayList<>();
        require(position < end, "a list that is present is not empty");
        while (position < end) {
            texts.add(text(unsigned(4, end), end));
        }
        return texts;
    }

    private List<Commitment> commitments(int end) throws MalformedFrameException {
        List<Commitment> commitments = new ArrayList<>();
        int previous = FrameField.TYPE.number();
        require(position < end, "commitments that are present are not empty");
        while (position < end) {
            int number = (int) unsigned(2, end);
            require(number > previous, "commitments are in order of their fields");
            previous = number;
            FrameField field = FrameField.ofNumber(number)
                    .orElseThrow(() -> new MalformedFrameException("a commitment to the unknown field " + number));
            require(
                    field != FrameField.PAYLOAD_COMMITMENTS && !values.containsKey(field),
                    field + " cannot be committed to");
            commitments.add(new Commitment(number, take(Sha256.BYTES, end)));
        }
        return commitments;
    }

    private void requirePresence() throws MalformedFrameException {
        Set<Integer> committed = new HashSet<>();
        if (values.get(FrameField.PAYLOAD_COMMITMENTS) instanceof List<?> list) {
            list.forEach(commitment -> committed.add(((Commitment) commitment).fieldNumber()));
        }
        for (FrameField field : FrameField.values()) {
            boolean excused = field.presence() == Presence.OPTIONAL
                    || (field.presence() == Presence.UNLESS_COMMITTED && committed.contains(field.number()));
            require(excused || values.containsKey(field), field + " is missing");
        }
    }

    private String text(long length, int end) throws MalformedFrameException {
        byte[] encoded = take(length, end);
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .onMalformedInput(CodingErrorAction.REPORT)
                    .onUnmappableCharacter(CodingErrorAction.REPORT)
                    .decode(ByteBuffer.wrap(encoded))
                    .toString();
        } catch (CharacterCodingException e) {
            throw new MalformedFrameException("a text is not UTF-8");
        }
    }

    private long unsigned(int width, int end) throws MalformedFrameException {
        long value = 0;
        for (byte next : take(width, end)) {
            value = value << 8 | (next & 0xFF);
        }
        return value;
    }

    private byte[] take(long length, int end) throws MalformedFrameException {
        require(length <= end - position, "the bytes end early");
        byte[] taken = new byte[(int) length];
        System.arraycopy(bytes, position, taken, 0, taken.length);
        position += taken.length;
        return taken;
    }

    private static void require(boolean holds, String otherwise) throws MalformedFrameException {
        if (!holds) {
            throw new MalformedFrameException(otherwise);
        }
    }
}
