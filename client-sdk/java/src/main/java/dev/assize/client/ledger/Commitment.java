package dev.assize.client.ledger;

import java.io.ByteArrayOutputStream;
import java.security.MessageDigest;

/**
 * Stands in a frame for a value that is kept beside it, so that the value can be erased and the frame stays.
 *
 * @param fieldNumber of the field whose value is kept elsewhere
 * @param hash SHA-256(0x02 || salt || u16 field number || u32 length || value)
 */
public record Commitment(int fieldNumber, byte[] hash) {

    /** Bytes of a salt. */
    public static final int SALT_BYTES = 32;

    private static final int PREFIX = 2;

    /** Whether this is the commitment to that value under that salt. */
    public boolean isOf(byte[] salt, byte[] value) {
        if (salt.length != SALT_BYTES) {
            return false;
        }
        ByteArrayOutputStream committed = new ByteArrayOutputStream();
        committed.write(PREFIX);
        committed.writeBytes(salt);
        committed.write(fieldNumber >>> 8);
        committed.write(fieldNumber);
        for (int shift = 24; shift >= 0; shift -= 8) {
            committed.write(value.length >>> shift);
        }
        committed.writeBytes(value);
        return MessageDigest.isEqual(hash, Sha256.of(committed.toByteArray()));
    }
}
