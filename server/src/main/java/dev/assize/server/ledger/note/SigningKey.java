package dev.assize.server.ledger.note;

import java.nio.ByteBuffer;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.Base64;
import org.bouncycastle.math.ec.rfc8032.Ed25519;

/**
 * A key that signs, whole. Any number of threads may sign with it. BouncyCastle's Ed25519, because the JDK's takes ten
 * times as long, and there is a signature for each tenant that changed in a second.
 */
public final class SigningKey {

    private static final String PREFIX = "PRIVATE+KEY+";
    private static final int PARTS = 3;

    private final byte[] seed;
    private final byte[] publicKey;
    private final VerifierKey verifierKey;
    private final int id;

    private SigningKey(String name, SignatureType type, byte[] seed) {
        this.seed = seed;
        this.publicKey = new byte[Ed25519.PUBLIC_KEY_SIZE];
        Ed25519.generatePublicKey(seed, 0, publicKey, 0);
        this.verifierKey = new VerifierKey(name, type, publicKey);
        this.id = verifierKey.id();
    }

    /** A new one. */
    public static SigningKey generate(String name, SignatureType type) {
        byte[] seed = new byte[Ed25519.SECRET_KEY_SIZE];
        new SecureRandom().nextBytes(seed);
        return new SigningKey(name, type, seed);
    }

    /** Reads {@code PRIVATE+KEY+<name>+<id>+<base64 of type and seed>}, as Go's note package writes it. */
    public static SigningKey parse(String text) {
        String[] parts =
                text.startsWith(PREFIX) ? text.substring(PREFIX.length()).split("\\+", PARTS) : new String[0];
        byte[] key = parts.length == PARTS ? Encoding.base64(parts[2]) : new byte[0];
        if (key.length != 1 + Ed25519.SECRET_KEY_SIZE) {
            // Says nothing of the text: it may be half a secret.
            throw new MalformedNoteException("expected " + PREFIX + "<name>+<id>+<key>");
        }
        SigningKey parsed = new SigningKey(parts[0], SignatureType.of(key[0]), Arrays.copyOfRange(key, 1, key.length));
        if (!VerifierKey.hex(parsed.id).equals(parts[1])) {
            throw new MalformedNoteException("the key has the id " + VerifierKey.hex(parsed.id) + ", not " + parts[1]);
        }
        return parsed;
    }

    public VerifierKey verifierKey() {
        return verifierKey;
    }

    /** The private key, as it is kept in its file. */
    String secret() {
        byte[] typed = Encoding.joined(new byte[] {verifierKey.type().number()}, seed);
        return PREFIX + verifierKey.name() + "+" + VerifierKey.hex(id) + "+"
                + Base64.getEncoder().encodeToString(typed);
    }

    /** The Ed25519 signature of a message. */
    byte[] sign(byte[] message) {
        byte[] signature = new byte[Ed25519.SIGNATURE_SIZE];
        Ed25519.sign(seed, 0, publicKey, 0, message, 0, message.length, signature, 0);
        return signature;
    }

    /** The line under a note that carries a signature. */
    String line(byte[] signature) {
        byte[] withId = ByteBuffer.allocate(Integer.BYTES + signature.length)
                .putInt(id)
                .put(signature)
                .array();
        return NoteSigner.DASH + verifierKey.name() + " " + Base64.getEncoder().encodeToString(withId) + "\n";
    }

    /** The public half. */
    @Override
    public String toString() {
        return verifierKey.toString();
    }
}
