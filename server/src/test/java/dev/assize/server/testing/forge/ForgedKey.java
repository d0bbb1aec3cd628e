package dev.assize.server.testing.forge;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import org.bouncycastle.math.ec.rfc8032.Ed25519;

/**
 * A key that everybody knows, and that signs whatever it is given.
 *
 * @param type 1 signs notes, 4 is a witness's
 * @param firstByte of the seed, whose 32 bytes ascend
 */
record ForgedKey(String name, int type, int firstByte) {

    private static final long SEEN = 1_772_366_405;
    private static final int WITNESS = 4;

    /** As it is handed around. */
    String verifier() {
        return name + "+" + HexFormat.of().formatHex(id()) + "+" + base64(typed());
    }

    /** The line under a text. */
    String line(String text) {
        if (type != WITNESS) {
            return line(sign(text));
        }
        byte[] signature = sign("cosignature/v1\ntime " + SEEN + "\n" + text);
        return line(ByteBuffer.allocate(Long.BYTES + signature.length)
                .putLong(SEEN)
                .put(signature)
                .array());
    }

    private String line(byte[] signature) {
        byte[] id = id();
        return "\u2014 " + name + " "
                + base64(ByteBuffer.allocate(id.length + signature.length)
                        .put(id)
                        .put(signature)
                        .array())
                + "\n";
    }

    private byte[] sign(String text) {
        byte[] message = text.getBytes(StandardCharsets.UTF_8);
        byte[] signature = new byte[Ed25519.SIGNATURE_SIZE];
        Ed25519.sign(seed(), 0, message, 0, message.length, signature, 0);
        return signature;
    }

    private byte[] id() {
        byte[] named = (name + "\n").getBytes(StandardCharsets.UTF_8);
        return Arrays.copyOf(sha256(named, typed()), Integer.BYTES);
    }

    private byte[] typed() {
        byte[] typed = new byte[1 + Ed25519.PUBLIC_KEY_SIZE];
        typed[0] = (byte) type;
        Ed25519.generatePublicKey(seed(), 0, typed, 1);
        return typed;
    }

    private byte[] seed() {
        byte[] seed = new byte[Ed25519.SECRET_KEY_SIZE];
        for (int i = 0; i < seed.length; i++) {
            seed[i] = (byte) (firstByte + i);
        }
        return seed;
    }

    static byte[] sha256(byte[]... parts) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            for (byte[] part : parts) {
                digest.update(part);
            }
            return digest.digest();
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("Every Java platform has SHA-256", e);
        }
    }

    static String base64(byte[] bytes) {
        return Base64.getEncoder().encodeToString(bytes);
    }
}
