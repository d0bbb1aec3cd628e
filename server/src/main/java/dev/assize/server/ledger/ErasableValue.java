package dev.assize.server.ledger;

import dev.assize.server.model.Digest;
import java.nio.ByteBuffer;

/**
 * A value that stands beside its frame, which has a commitment in its place: once the value and the salt are gone, nothing
 * tells what it was, and every hash stays what it is.
 *
 * @param field its number in the frame
 * @param salt of {@link #SALT_BYTES} random bytes, fresh for each value
 */
public record ErasableValue(int field, byte[] salt, byte[] value) {

    public static final int SALT_BYTES = 32;

    private static final byte[] PREFIX = {0x02};

    /** What the frame says in its place. */
    public Digest commitment() {
        byte[] header = ByteBuffer.allocate(Short.BYTES + Integer.BYTES)
                .putShort((short) field)
                .putInt(value.length)
                .array();
        return Digest.sha256(PREFIX, salt, header, value);
    }
}
