package dev.assize.server.recording;

import dev.assize.server.model.Digest;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.SecureRandom;

/**
 * Draws salts that nobody can guess, for one thread: halves of SHA-256(secret || number), with a secret of its own. Who knows
 * one half learns nothing of the other, nor of any that was drawn or will be.
 */
final class Salts {

    static final int BYTES = 16;

    private static final int SECRET_BYTES = 32;

    private final MessageDigest sha256 = Digest.newSha256();
    private final byte[] block = new byte[SECRET_BYTES + Long.BYTES];
    private final byte[] salt = new byte[BYTES];
    private byte[] drawn = {};
    private int used;
    private long number;

    Salts() {
        byte[] secret = new byte[SECRET_BYTES];
        new SecureRandom().nextBytes(secret);
        System.arraycopy(secret, 0, block, 0, SECRET_BYTES);
    }

    /** The next one, in an array that has another one after that. */
    byte[] next() {
        if (used == drawn.length) {
            ByteBuffer.wrap(block).putLong(SECRET_BYTES, number++);
            drawn = sha256.digest(block);
            used = 0;
        }
        System.arraycopy(drawn, used, salt, 0, BYTES);
        used += BYTES;
        return salt;
    }
}
