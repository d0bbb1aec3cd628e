package dev.assize.client.ledger;

import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/** What a frame says: the values of its fields, each of its form. Names are as recorded. */
public final class Frame {

    private static final long MICROS = 1_000_000;

    private final Map<FrameField, Object> values;
    private final byte[] prevHash;

    /** Values are texts, lists of texts, longs or lists of commitments, by the field's form. */
    Frame(Map<FrameField, Object> values, byte[] prevHash) {
        this.values = new EnumMap<>(values);
        this.prevHash = prevHash;
    }

    public String origin() {
        return text(FrameField.ORIGIN).orElseThrow();
    }

    public int incarnation() {
        return (int) number(FrameField.INCARNATION).orElseThrow();
    }

    public long seq() {
        return number(FrameField.SEQ).orElseThrow();
    }

    public byte[] prevHash() {
        return prevHash.clone();
    }

    public Instant recordedAt() {
        return time(number(FrameField.RECORDED_AT).orElseThrow());
    }

    /** By the clock of whoever did it, if given. */
    public Optional<Instant> occurredAt() {
        OptionalLong micros = number(FrameField.OCCURRED_AT);
        return micros.isPresent() ? Optional.of(time(micros.getAsLong())) : Optional.empty();
    }

    public boolean has(FrameField field) {
        return values.containsKey(field);
    }

    /** The value of a text field, empty where absent. */
    public Optional<String> text(FrameField field) {
        return Optional.ofNullable((String) ofForm(field, FrameField.Form.TEXT));
    }

    /** The value of a number field, empty where absent. */
    public OptionalLong number(FrameField field) {
        return switch (field.form()) {
            case U8, U32, U64, I64 ->
                values.get(field) instanceof Long value ? OptionalLong.of(value) : OptionalLong.empty();
            case TEXT, TEXTS, HASH, COMMITMENTS -> throw new IllegalArgumentException(field + " is not a number");
        };
    }

    /** The elements of a list field, none where absent. */
    public List<String> texts(FrameField field) {
        List<String> texts = new ArrayList<>();
        if (ofForm(field, FrameField.Form.TEXTS) instanceof List<?> list) {
            list.forEach(text -> texts.add((String) text));
        }
        return texts;
    }

    /** What stands for values kept elsewhere. */
    public List<Commitment> commitments() {
        List<Commitment> commitments = new ArrayList<>();
        if (values.get(FrameField.PAYLOAD_COMMITMENTS) instanceof List<?> list) {
            list.forEach(commitment -> commitments.add((Commitment) commitment));
        }
        return commitments;
    }

    private @Nullable Object ofForm(FrameField field, FrameField.Form form) {
        if (field.form() != form) {
            throw new IllegalArgumentException(field + " has the form " + field.form());
        }
        return values.get(field);
    }

    private static Instant time(long micros) {
        return Instant.ofEpochSecond(Math.floorDiv(micros, MICROS), Math.floorMod(micros, MICROS) * 1_000);
    }
}
