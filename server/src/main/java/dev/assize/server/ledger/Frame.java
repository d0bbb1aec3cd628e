package dev.assize.server.ledger;

import dev.assize.server.model.Digest;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;

/**
 * The bytes that are hashed: a version byte, then fields in strictly ascending number, each a u16 number, a u32
 * length and the value, all big-endian; at most 65,535 bytes. Numbers 1 to 8 are the envelope, written here; 16 and
 * above are the body, which means nothing to the ledger. The format page says it all; what changes here without a
 * new version byte makes every stored entry unreadable.
 */
public final class Frame {

    /** Bytes of the longest frame: what a u16 can count. */
    public static final int MAX_BYTES = 65_535;

    /** The number of the first body field. */
    public static final int FIRST_BODY_FIELD = 16;

    static final byte VERSION = 1;

    /** Bytes before each value: its number and its length. */
    static final int FIELD_HEADER_BYTES = Short.BYTES + Integer.BYTES;

    static final int ORIGIN = 1;
    static final int INCARNATION = 2;
    static final int SEQ = 3;
    static final int PREV_HASH = 4;
    static final int RECORDED_AT = 5;
    /** The number of the field that says who had the entry recorded. */
    public static final int RECORDED_BY = 6;

    /** The number of the field that says where who had it recorded is at home. */
    public static final int RECORDED_BY_TENANT = 7;

    static final int TYPE = 8;

    private static final int ENVELOPE_FIELDS = 8;
    private static final int FIXED_BYTES = 1
            + ENVELOPE_FIELDS * FIELD_HEADER_BYTES
            + Integer.BYTES // incarnation
            + Long.BYTES // seq
            + Digest.LENGTH // prev_hash
            + Long.BYTES; // recorded_at
    private static final long MICROS_PER_SECOND = 1_000_000;
    private static final int NANOS_PER_MICRO = 1_000;
    private static final byte[] LEAF_PREFIX = {0x00};
    private static final byte[] GENESIS_PREFIX = "assize/v1/genesis\0".getBytes(StandardCharsets.US_ASCII);

    private Frame() {}

    /** The hash of an entry: its link into the chain, and its leaf in the Merkle tree (RFC 6962). */
    public static Digest hash(byte[] frame) {
        return Digest.sha256(LEAF_PREFIX, frame);
    }

    /** What the first entry's `prev_hash` must be; no two origins share it. */
    public static Digest genesisHash(String origin) {
        return Digest.sha256(GENESIS_PREFIX, utf8(origin));
    }

    /** A time as frames hold it. */
    public static long micros(Instant time) {
        return Math.addExact(
                Math.multiplyExact(time.getEpochSecond(), MICROS_PER_SECOND), time.getNano() / NANOS_PER_MICRO);
    }

    /** The inverse of {@link #micros(Instant)}. */
    public static Instant instant(long micros) {
        return Instant.ofEpochSecond(
                Math.floorDiv(micros, MICROS_PER_SECOND), Math.floorMod(micros, MICROS_PER_SECOND) * NANOS_PER_MICRO);
    }

    /** The frame of a draft behind the head. Refuses what would not fit before anything is written. */
    static byte[] write(LedgerHead head, Instant recordedAt, EntryDraft draft) {
        byte[] origin = utf8(head.origin());
        byte[] recordedBy = utf8(draft.recorder().caller().toString());
        byte[] home = utf8(draft.recorder().home().value());
        byte[] type = utf8(draft.type());
        long size = (long) FIXED_BYTES
                + origin.length
                + recordedBy.length
                + home.length
                + type.length
                + draft.body().length;
        if (size > MAX_BYTES) {
            throw new FrameTooLargeException(size);
        }
        ByteBuffer frame = ByteBuffer.allocate((int) size).put(VERSION);
        putHeader(frame, ORIGIN, origin.length).put(origin);
        putHeader(frame, INCARNATION, Integer.BYTES).putInt(head.incarnation());
        putHeader(frame, SEQ, Long.BYTES).putLong(head.size());
        head.lastHash().putInto(putHeader(frame, PREV_HASH, Digest.LENGTH));
        putHeader(frame, RECORDED_AT, Long.BYTES).putLong(micros(recordedAt));
        putHeader(frame, RECORDED_BY, recordedBy.length).put(recordedBy);
        putHeader(frame, RECORDED_BY_TENANT, home.length).put(home);
        putHeader(frame, TYPE, type.length).put(type);
        return frame.put(draft.body()).array();
    }

    private static ByteBuffer putHeader(ByteBuffer frame, int number, int length) {
        return frame.putShort((short) number).putInt(length);
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
