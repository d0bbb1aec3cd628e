package dev.assize.server.model;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;

/** A SHA-256 value: 32 bytes, compared by content. */
public final class Digest {

    /** Bytes of a digest. */
    public static final int LENGTH = 32;

    /** Never used itself. */
    private static final MessageDigest SHA256 = findSha256();

    private final byte[] bytes;

    private Digest(byte[] bytes) {
        this.bytes = bytes;
    }

    /** A digest that somebody else computed; exactly 32 bytes, copied. */
    public static Digest of(byte[] bytes) {
        if (bytes.length != LENGTH) {
            throw new MalformedException(bytes.length + " bytes", "a digest of " + LENGTH + " bytes");
        }
        return new Digest(bytes.clone());
    }

    /** The digest of the parts one after the other. */
    public static Digest sha256(byte[]... parts) {
        MessageDigest sha256 = newSha256();
        for (byte[] part : parts) {
            sha256.update(part);
        }
        return new Digest(sha256.digest());
    }

    /**
     * The digest of all that a stream has left; it stays open.
     *
     * @throws IOException as the stream has it
     */
    public static Digest sha256(InputStream rest) throws IOException {
        MessageDigest sha256 = newSha256();
        long _ = new DigestInputStream(rest, sha256).transferTo(OutputStream.nullOutputStream());
        return new Digest(sha256.digest());
    }

    /** SHA-256 to be fed by one thread. A copy needs no search for who provides it. */
    public static MessageDigest newSha256() {
        try {
            return (MessageDigest) SHA256.clone();
        } catch (CloneNotSupportedException e) {
            return findSha256();
        }
    }

    /** A copy. */
    public byte[] bytes() {
        return bytes.clone();
    }

    /** Adds the bytes to a buffer, without a copy of their own. */
    public void putInto(ByteBuffer buffer) {
        buffer.put(bytes);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Digest that && MessageDigest.isEqual(bytes, that.bytes);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(bytes);
    }

    /** In hexadecimal, lower case. */
    @Override
    public String toString() {
        return HexFormat.of().formatHex(bytes);
    }

    private static MessageDigest findSha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("Every Java platform has SHA-256", e);
        }
    }
}
