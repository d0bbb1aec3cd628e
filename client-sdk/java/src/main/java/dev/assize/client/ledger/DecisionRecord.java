package dev.assize.client.ledger;

import static dev.assize.client.ledger.NotProvenException.require;

import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * What the record of a decision says. Read strictly: whatever is unknown, repeated, out of order, torn, contradictory or
 * not of its form is refused, so that no two readers see two things in the same bytes.
 */
public final class DecisionRecord {

    /** Bytes of the longest record. */
    public static final int MAX_BYTES = 16_000;

    private static final int VERSION = 0xD1;
    private static final int HEADER_BYTES = Short.BYTES + Integer.BYTES;
    private static final int SALT_BYTES = 16;
    private static final int ALLOW = 1;
    private static final int DENY = 2;
    private static final String ALLOWED = "ALLOWED";
    private static final long MICROS = 1_000_000;

    private final Map<DecisionField, Object> values = new EnumMap<>(DecisionField.class);

    private DecisionRecord() {}

    /** What the bytes say. */
    public static DecisionRecord read(byte[] bytes) throws NotProvenException {
        require(bytes.length <= MAX_BYTES, "a record has at most " + MAX_BYTES + " bytes");
        require(bytes.length > 0 && Byte.toUnsignedInt(bytes[0]) == VERSION, "it is no record of version 1");
        DecisionRecord record = new DecisionRecord();
        ByteBuffer rest = ByteBuffer.wrap(bytes, 1, bytes.length - 1);
        int previous = 0;
        while (rest.hasRemaining()) {
            require(rest.remaining() >= HEADER_BYTES, "the record is torn");
            int number = Short.toUnsignedInt(rest.getShort());
            int length = rest.getInt();
            require(number > previous, "field " + number + " follows field " + previous);
            require(length >= 0 && length <= rest.remaining(), "field " + number + " is longer than the record");
            previous = number;
            DecisionField field = DecisionField.ofNumber(number)
                    .orElseThrow(() -> new NotProvenException("field " + number + " of the record is unknown"));
            byte[] value = new byte[length];
            rest.get(value);
            record.values.put(field, value(field, value));
        }
        record.requireWhole();
        return record;
    }

    private static Object value(DecisionField field, byte[] value) throws NotProvenException {
        return switch (field.form()) {
            case TEXT -> Evidence.utf8(value);
            case TEXTS -> texts(value);
            case U8 -> number(field, value, Byte.BYTES, 0xFF);
            case U32 -> number(field, value, Integer.BYTES, Integer.MAX_VALUE);
            case U64 -> number(field, value, Long.BYTES, Long.MAX_VALUE);
            case I64 -> ofWidth(field, value, Long.BYTES).getLong();
            case SALT -> ofWidth(field, value, SALT_BYTES).array();
            case HASH -> ofWidth(field, value, Sha256.BYTES).array();
        };
    }

    private static long number(DecisionField field, byte[] value, int width, long largest) throws NotProvenException {
        ByteBuffer bytes = ofWidth(field, value, width);
        long number = 0;
        while (bytes.hasRemaining()) {
            number = number << Byte.SIZE | Byte.toUnsignedInt(bytes.get());
        }
        require(number >= 0 && number <= largest, field + " is out of its range");
        return number;
    }

    private static ByteBuffer ofWidth(DecisionField field, byte[] value, int width) throws NotProvenException {
        require(value.length == width, field + " has the wrong length");
        return ByteBuffer.wrap(value);
    }

    private static List<String> texts(byte[] value) throws NotProvenException {
        List<String> texts = new ArrayList<>();
        ByteBuffer rest = ByteBuffer.wrap(value);
        require(rest.hasRemaining(), "a list that is present is not empty");
        while (rest.hasRemaining()) {
            int length = rest.remaining() < Integer.BYTES ? -1 : rest.getInt();
            require(length >= 0 && length <= rest.remaining(), "a list is torn");
            byte[] text = new byte[length];
            rest.get(text);
            texts.add(Evidence.utf8(text));
        }
        return texts;
    }

    private void requireWhole() throws NotProvenException {
        for (DecisionField field : DecisionField.values()) {
            require(!field.isRequired() || values.containsKey(field), field + " is missing");
        }
        require(
                has(DecisionField.ON_BEHALF_OF) == has(DecisionField.ON_BEHALF_OF_TENANT),
                "on whose behalf it was asked has a tenant, and nobody else has");
        require(
                has(DecisionField.BINDING) == has(DecisionField.ROLE)
                        && has(DecisionField.ROLE) == has(DecisionField.RULE),
                "a binding, its role and its rule stand together");
        int deciding = 0;
        for (DecisionField field : List.of(
                DecisionField.BINDING,
                DecisionField.FREEZE,
                DecisionField.SEPARATION_OF_DUTY,
                DecisionField.APPROVAL_RULE)) {
            deciding += has(field) ? 1 : 0;
        }
        require(deciding <= 1, "more than one thing decided");
        long decision = number(DecisionField.DECISION).orElse(0);
        require(decision == ALLOW || decision == DENY, "the decision is neither");
        require(
                isAllow() == text(DecisionField.REASON).orElse("").equals(ALLOWED),
                "decision and reason contradict each other");
    }

    public boolean isAllow() {
        return number(DecisionField.DECISION).orElse(0) == ALLOW;
    }

    /** By the clock of the node that decided. */
    public Instant decidedAt() {
        long micros = number(DecisionField.DECIDED_AT).orElseThrow();
        return Instant.ofEpochSecond(Math.floorDiv(micros, MICROS), Math.floorMod(micros, MICROS) * 1_000);
    }

    public boolean has(DecisionField field) {
        return values.containsKey(field);
    }

    /** The value of a text field, empty where absent. */
    public Optional<String> text(DecisionField field) {
        return Optional.ofNullable((String) ofForm(field, DecisionField.Form.TEXT));
    }

    /** The value of a number field, empty where absent. */
    public OptionalLong number(DecisionField field) {
        return values.get(field) instanceof Long value ? OptionalLong.of(value) : OptionalLong.empty();
    }

    /** The elements of a list field, none where absent. */
    public List<String> texts(DecisionField field) {
        List<String> texts = new ArrayList<>();
        if (ofForm(field, DecisionField.Form.TEXTS) instanceof List<?> list) {
            list.forEach(text -> texts.add((String) text));
        }
        return texts;
    }

    private @Nullable Object ofForm(DecisionField field, DecisionField.Form form) {
        if (field.form() != form) {
            throw new IllegalArgumentException(field + " has the form " + field.form());
        }
        return values.get(field);
    }
}
