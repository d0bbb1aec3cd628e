package dev.assize.server.spool;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.assize.server.model.Digest;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * How a record stands in a file, big-endian: a mark (u32), the length of the body (u32), CRC-32C over that length and the
 * body (u32), and the body: where the record's batch begins in the file (u32), number (u64), time in microseconds (i64), the
 * length of the key (u16), the key, where there is one the digest of what was sent under it, and the payload.
 *
 * <p>Where the batch begins tells torn from damaged: when a record was written, everything before its batch was on disk for
 * good. What cannot be read and stands before the beginning of a later batch was acknowledged, and is damaged; what stands
 * in the last batch may never have been.
 */
final class RecordFormat {

    static final int MARK = 0xA55_12EC0;

    /** Bytes before the body. */
    static final int HEAD = 12;

    private static final int BODY_START = Integer.BYTES + 2 * Long.BYTES + Short.BYTES;

    private RecordFormat() {}

    /** A record without its batch's place and its number, which it is given when it is written. */
    record Draft(
            Instant takenAt, @Nullable String key, @Nullable Digest content, byte[] payload) {

        int bytes() {
            int keyBytes = key == null ? 0 : key.getBytes(UTF_8).length + Digest.LENGTH;
            return HEAD + BODY_START + keyBytes + payload.length;
        }

        static Draft of(Instant takenAt, @Nullable String key, Digest content, byte[] payload) {
            return new Draft(takenAt.truncatedTo(ChronoUnit.MICROS), key, key == null ? null : content, payload);
        }
    }

    /**
     * A record as it was read.
     *
     * @param end the offset behind it
     */
    record Parsed(
            long base,
            long number,
            Instant takenAt,
            @Nullable String key,
            @Nullable Digest content,
            byte[] payload,
            Digest hash,
            int end) {

        SpoolRecord record() {
            return new SpoolRecord(number, takenAt, hash, payload);
        }
    }

    /** Writes a record, and returns the hash up to it. */
    static Digest write(ByteBuffer out, long base, long number, Draft draft, Digest before) {
        byte[] body = body(base, number, draft);
        out.putInt(MARK).putInt(body.length).putInt(checksum(body)).put(body);
        return Digest.sha256(before.bytes(), body);
    }

    private static byte[] body(long base, long number, Draft draft) {
        byte[] key = draft.key == null ? new byte[0] : draft.key.getBytes(UTF_8);
        ByteBuffer body = ByteBuffer.allocate(draft.bytes() - HEAD)
                .putInt(Math.toIntExact(base))
                .putLong(number)
                .putLong(ChronoUnit.MICROS.between(Instant.EPOCH, draft.takenAt))
                .putShort((short) key.length)
                .put(key);
        if (draft.content != null) {
            draft.content.putInto(body);
        }
        return body.put(draft.payload).array();
    }

    /** The record at an offset; null where there is none that can be read. */
    static @Nullable Parsed parse(byte[] bytes, int offset, Digest before) {
        byte[] body = body(bytes, offset);
        if (body == null) {
            return null;
        }
        ByteBuffer in = ByteBuffer.wrap(body);
        long base = in.getInt();
        long number = in.getLong();
        Instant takenAt = Instant.EPOCH.plus(in.getLong(), ChronoUnit.MICROS);
        int keyBytes = Short.toUnsignedInt(in.getShort());
        if (keyBytes > 0 && in.remaining() < keyBytes + Digest.LENGTH) {
            return null;
        }
        String key = keyBytes == 0 ? null : new String(take(in, keyBytes), UTF_8);
        Digest content = key == null ? null : Digest.of(take(in, Digest.LENGTH));
        byte[] payload = take(in, in.remaining());
        Digest hash = Digest.sha256(before.bytes(), body);
        return new Parsed(base, number, takenAt, key, content, payload, hash, offset + HEAD + body.length);
    }

    /**
     * Whether something that can be read behind an offset shows what stands there to have been on disk for good: then it is
     * no torn tail.
     */
    static boolean wasDurable(byte[] bytes, int offset) {
        for (int at = offset + 1; at <= bytes.length - HEAD; at++) {
            byte[] body = body(bytes, at);
            if (body != null && ByteBuffer.wrap(body).getInt() > offset) {
                return true;
            }
        }
        return false;
    }

    private static byte @Nullable [] body(byte[] bytes, int offset) {
        if (bytes.length - offset < HEAD) {
            return null;
        }
        ByteBuffer in = ByteBuffer.wrap(bytes, offset, bytes.length - offset);
        if (in.getInt() != MARK) {
            return null;
        }
        int length = in.getInt();
        int checksum = in.getInt();
        if (length < BODY_START || length > in.remaining()) {
            return null;
        }
        byte[] body = take(in, length);
        return checksum(body) == checksum ? body : null;
    }

    private static int checksum(byte[] body) {
        CRC32C crc = new CRC32C();
        crc.update(ByteBuffer.allocate(Integer.BYTES).putInt(body.length).flip());
        crc.update(body);
        return (int) crc.getValue();
    }

    private static byte[] take(ByteBuffer in, int length) {
        byte[] bytes = new byte[length];
        in.get(bytes);
        return bytes;
    }
}
