package dev.assize.server.ledger.note;

import dev.assize.server.model.Digest;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.Base64;
import java.util.Locale;
import org.bouncycastle.math.ec.rfc8032.Ed25519;

/**
 * The public half of a key: its name, what it signs, and the key.
 *
 * @param publicKey 32 bytes (RFC 8032)
 */
public record VerifierKey(String name, SignatureType type, byte[] publicKey) {

    private static final int PARTS = 3;

    public VerifierKey {
        if (!isName(name)) {
            throw new MalformedNoteException("`" + name + "` is no name of a key: expected no spaces and no `+`");
        }
        if (publicKey.length != Ed25519.PUBLIC_KEY_SIZE) {
            throw new MalformedNoteException("An Ed25519 key has 32 bytes, not " + publicKey.length);
        }
        publicKey = publicKey.clone();
    }

    /** Reads {@code <name>+<id>+<key>}. */
    public static VerifierKey parse(String text) {
        String[] parts = text.split("\\+", PARTS);
        byte[] key = parts.length == PARTS ? Encoding.base64(parts[2]) : new byte[0];
        if (key.length == 0) {
            throw new MalformedNoteException("`" + text + "` is no key: expected <name>+<id>+<key>");
        }
        VerifierKey parsed =
                new VerifierKey(parts[0], SignatureType.of(key[0]), Arrays.copyOfRange(key, 1, key.length));
        if (!hex(parsed.id()).equals(parts[1])) {
            throw new MalformedNoteException("`" + text + "` has the id " + hex(parsed.id()));
        }
        return parsed;
    }

    @Override
    public byte[] publicKey() {
        return publicKey.clone();
    }

    /** Whether it is a witness's, which signs when it saw a checkpoint. */
    public boolean isCosigner() {
        return type == SignatureType.COSIGNATURE;
    }

    /** Four bytes that stand before each signature: of the hash of name, type and key. */
    int id() {
        MessageDigest sha256 = Digest.newSha256();
        sha256.update(name.getBytes(StandardCharsets.UTF_8));
        sha256.update((byte) '\n');
        sha256.update(type.number());
        return ByteBuffer.wrap(sha256.digest(publicKey)).getInt();
    }

    boolean verifies(byte[] message, byte[] signature) {
        return signature.length == Ed25519.SIGNATURE_SIZE
                && Ed25519.verify(signature, 0, publicKey, 0, message, 0, message.length);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof VerifierKey that && toString().equals(that.toString());
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(publicKey);
    }

    /** As it is published: {@code <name>+<id>+<key>}. */
    @Override
    public String toString() {
        byte[] typed = Encoding.joined(new byte[] {type.number()}, publicKey);
        return name + "+" + hex(id()) + "+" + Base64.getEncoder().encodeToString(typed);
    }

    static String hex(int id) {
        return String.format(Locale.ROOT, "%08x", id);
    }

    private static boolean isName(String name) {
        return !name.isEmpty()
                && name.codePoints()
                        .noneMatch(c -> c == '+'
                                || Character.isWhitespace(c)
                                || Character.isSpaceChar(c)
                                || Character.isISOControl(c));
    }
}
