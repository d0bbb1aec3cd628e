package dev.assize.server.recording;

import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.model.AttributeValue;
import dev.assize.server.model.Digest;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Stands on record for the attributes that a request brought, which themselves do not: they are where personal data is.
 * Whoever has kept them can show that it was these.
 */
final class AttributesDigest {

    private static final byte[] PREFIX = {3};

    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    private AttributesDigest() {}

    /** SHA-256(0x03 || salt || the attributes); null where the request brought none. */
    static byte @Nullable [] of(byte[] salt, CheckQuery query) {
        if (query.subjectAttributes().isEmpty()
                && query.resourceAttributes().isEmpty()
                && query.context().isEmpty()) {
            return null;
        }
        AttributesDigest digest = new AttributesDigest();
        digest.map(query.subjectAttributes());
        digest.map(query.resourceAttributes());
        digest.map(query.context());
        return Digest.sha256(PREFIX, salt, digest.bytes.toByteArray()).bytes();
    }

    private void map(Map<String, AttributeValue> values) {
        TreeMap<byte[], AttributeValue> sorted = new TreeMap<>(Arrays::compareUnsigned);
        values.forEach((name, value) -> sorted.put(name.getBytes(StandardCharsets.UTF_8), value));
        u32(sorted.size());
        sorted.forEach((name, value) -> {
            text(name);
            value(value);
        });
    }

    private void value(AttributeValue value) {
        switch (value) {
            case AttributeValue.Text(String text) -> {
                bytes.write('s');
                text(text.getBytes(StandardCharsets.UTF_8));
            }
            case AttributeValue.Whole(long whole) -> {
                bytes.write('i');
                i64(whole);
            }
            case AttributeValue.Fraction(double fraction) -> {
                bytes.write('d');
                i64(Double.doubleToLongBits(fraction));
            }
            case AttributeValue.Truth(boolean truth) -> {
                bytes.write('b');
                bytes.write(truth ? 1 : 0);
            }
            case AttributeValue.Time(Instant time) -> {
                bytes.write('t');
                i64(time.getEpochSecond());
                u32(time.getNano());
            }
            case AttributeValue.Many(var values) -> {
                bytes.write('l');
                u32(values.size());
                values.forEach(this::value);
            }
            case AttributeValue.Fields(var values) -> {
                bytes.write('m');
                map(values);
            }
        }
    }

    private void text(byte[] utf8) {
        u32(utf8.length);
        bytes.writeBytes(utf8);
    }

    private void u32(int value) {
        bytes.writeBytes(ByteBuffer.allocate(Integer.BYTES).putInt(value).array());
    }

    private void i64(long value) {
        bytes.writeBytes(ByteBuffer.allocate(Long.BYTES).putLong(value).array());
    }
}
