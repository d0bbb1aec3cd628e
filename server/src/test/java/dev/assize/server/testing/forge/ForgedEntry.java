package dev.assize.server.testing.forge;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.HexFormat;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/** An entry as a recipe describes it: what stands in its frame, and what beside it. */
final class ForgedEntry {

    private static final long NOON_MICROS = 1_772_366_400_000_000L;
    private static final int INCARNATION = 2;
    private static final int SEQ = 3;
    private static final int PREV_HASH = 4;
    private static final int RECORDED_AT = 5;
    private static final int TYPE = 8;
    private static final int PAYLOAD = 30;
    private static final int COMMITMENTS = 36;
    private static final int SALT_BYTES = 32;

    private final SortedMap<Integer, byte[]> fields = new TreeMap<>();
    private final SortedMap<Integer, byte[]> beside = new TreeMap<>();
    private final long seq;

    ForgedEntry(String origin, long seq, byte[] prevHash, JsonNode recipe) {
        this.seq = seq;
        text(1, origin);
        fields.put(INCARNATION, u32(recipe.path("incarnation").asInt(1)));
        fields.put(SEQ, i64(seq));
        fields.put(PREV_HASH, prevHash);
        fields.put(RECORDED_AT, i64(NOON_MICROS + seq));
        text(6, "service:replay");
        text(7, "acme");
        text(TYPE, recipe.path("type").asText("replay.executed"));
        text(17, "user:alice@fund.com");
        text(21, "replay");
        text(22, "vault:company");
        text(23, "production");
        fields.put(24, new byte[] {1});
        if (recipe.has("payload")) {
            text(PAYLOAD, recipe.get("payload").asText());
        }
        recipe.path("fields")
                .properties()
                .forEach(it -> fields.put(Integer.parseInt(it.getKey()), bytes(it.getValue())));
        recipe.path("beside")
                .properties()
                .forEach(it -> beside.put(Integer.parseInt(it.getKey()), bytes(it.getValue())));
        commit();
        recipe.path("lost").forEach(field -> beside.remove(field.asInt()));
    }

    /** Text as it is, or {@code {"hex": "…"}}. */
    private static byte[] bytes(JsonNode value) {
        return value.has("hex")
                ? HexFormat.of().parseHex(value.get("hex").asText())
                : value.asText().getBytes(UTF_8);
    }

    private void text(int field, String value) {
        fields.put(field, value.getBytes(UTF_8));
    }

    private void commit() {
        ByteArrayOutputStream commitments = new ByteArrayOutputStream();
        beside.forEach((field, value) -> {
            fields.remove(field);
            commitments.writeBytes(u16(field));
            commitments.writeBytes(ForgedKey.sha256(new byte[] {2}, salt(field), u16(field), u32(value.length), value));
        });
        if (commitments.size() > 0) {
            fields.put(COMMITMENTS, commitments.toByteArray());
        }
    }

    /** The same for the same place. */
    private byte[] salt(int field) {
        byte[] salt = new byte[SALT_BYTES];
        for (int i = 0; i < salt.length; i++) {
            salt[i] = (byte) (seq + field + i);
        }
        return salt;
    }

    byte[] frame() {
        return encoded(1, fields);
    }

    /** The values that are still there, a line each. */
    String lines() {
        StringBuilder lines = new StringBuilder();
        beside.forEach((field, value) -> lines.append("{\"seq\":" + seq + ",\"field\":" + field + ",\"salt\":\""
                + ForgedKey.base64(salt(field)) + "\",\"value\":\"" + ForgedKey.base64(value) + "\"}\n"));
        return lines.toString();
    }

    /** The record of a decision, {@code micros} after noon. */
    static byte[] record(int micros) {
        SortedMap<Integer, byte[]> fields = new TreeMap<>();
        byte[] salt = new byte[16];
        salt[0] = (byte) micros;
        fields.put(1, salt);
        fields.put(3, i64(NOON_MICROS + micros));
        Map.of(
                        2, "decision-" + micros,
                        4, "service:payments",
                        5, "acme",
                        6, "user:alice@fund.com",
                        7, "acme",
                        10, "pay",
                        11, "order:922",
                        12, "production",
                        16, "NO_GRANT")
                .forEach((field, text) -> fields.put(field, text.getBytes(UTF_8)));
        fields.put(15, new byte[] {2});
        fields.put(24, i64(7));
        fields.put(25, i64(0));
        return encoded(0xd1, fields);
    }

    /** What an entry says that vouches for as many decisions, a microsecond apart. */
    static String pack(int count, byte[] root) {
        return "{\"decisions\":" + count + ",\"root\":\"" + HexFormat.of().formatHex(root) + "\",\"first\":"
                + NOON_MICROS + ",\"last\":" + (NOON_MICROS + count - 1) + "}";
    }

    private static byte[] encoded(int version, SortedMap<Integer, byte[]> fields) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        bytes.write(version);
        fields.forEach((number, value) -> {
            bytes.writeBytes(u16(number));
            bytes.writeBytes(u32(value.length));
            bytes.writeBytes(value);
        });
        return bytes.toByteArray();
    }

    static byte[] u16(int number) {
        return ByteBuffer.allocate(Short.BYTES).putShort((short) number).array();
    }

    private static byte[] u32(int number) {
        return ByteBuffer.allocate(Integer.BYTES).putInt(number).array();
    }

    private static byte[] i64(long number) {
        return ByteBuffer.allocate(Long.BYTES).putLong(number).array();
    }
}
