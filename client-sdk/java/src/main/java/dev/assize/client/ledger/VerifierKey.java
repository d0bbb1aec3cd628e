package dev.assize.client.ledger;

import static dev.assize.client.ledger.NotProvenException.require;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.InvalidKeyException;
import java.security.KeyFactory;
import java.security.PublicKey;
import java.security.Signature;
import java.security.SignatureException;
import java.security.spec.InvalidKeySpecException;
import java.security.spec.X509EncodedKeySpec;
import java.time.Instant;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A public key that signs notes, as it is handed around: {@code <name>+<id>+<key>} (C2SP signed-note). Get it from
 * elsewhere than the server whose ledger it is to verify.
 */
public final class VerifierKey {

    private static final int PARTS = 3;
    private static final int KEY_BYTES = 32;

    /** The end of the year 9999. */
    private static final long LATEST_SECONDS = 253_402_300_799L;

    /** The spaces of Unicode that are no control characters. */
    private static final Pattern SPACE =
            Pattern.compile("[ \\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000}]");

    /** What stands before the 32 bytes of an Ed25519 key in its X.509 form (RFC 8410). */
    private static final byte[] X509_PREFIX = HexFormat.of().parseHex("302a300506032b6570032100");

    private final String text;
    private final String name;
    private final int id;
    private final Type type;

    /** Null where the bytes are no point of the curve: then nothing was signed with it. */
    private final @Nullable PublicKey publicKey;

    private VerifierKey(String text, String name, int id, Type type, @Nullable PublicKey publicKey) {
        this.text = text;
        this.name = name;
        this.id = id;
        this.type = type;
        this.publicKey = publicKey;
    }

    /** Reads a key. Its id must be that of its name and key. */
    public static VerifierKey parse(String text) throws NotProvenException {
        String[] parts = text.split("\\+", PARTS);
        require(parts.length == PARTS && isName(parts[0]), "`" + text + "` is no key: expected <name>+<id>+<key>");
        byte[] typed = Evidence.base64(parts[2]);
        require(typed.length == 1 + KEY_BYTES, "`" + text + "` is no key: expected a type and 32 bytes");
        Type type = Type.of(typed[0]);
        byte[] hash = Sha256.of((parts[0] + "\n").getBytes(StandardCharsets.UTF_8), typed);
        String id = HexFormat.of().formatHex(hash, 0, Integer.BYTES);
        require(id.equals(parts[1]), "`" + text + "` has the id " + id);
        @Nullable PublicKey key = publicKey(Arrays.copyOfRange(typed, 1, typed.length));
        return new VerifierKey(text, parts[0], ByteBuffer.wrap(hash).getInt(), type, key);
    }

    /** Who signs. */
    public String name() {
        return name;
    }

    /** Whether it is a witness's, which says when it saw a checkpoint, and nothing else. */
    public boolean isWitness() {
        return type == Type.COSIGNATURE;
    }

    /** Whether a signature names this key. */
    boolean isOf(SignedNote.Signature signature) {
        return signature.id() == id && signature.name().equals(name);
    }

    /** Requires the signature to be true, and says when it was made where it tells. */
    Optional<Instant> verify(String noteText, byte[] signature) throws NotProvenException {
        return switch (type) {
            case NOTE -> {
                NotProvenException.require(verifies(noteText, signature), "the signature of `" + name + "` is false");
                yield Optional.empty();
            }
            case COSIGNATURE -> {
                NotProvenException.require(
                        signature.length > Long.BYTES, "the signature of `" + name + "` has no time");
                long seconds = ByteBuffer.wrap(signature).getLong();
                String message = "cosignature/v1\ntime " + Long.toUnsignedString(seconds) + "\n" + noteText;
                byte[] rest = Arrays.copyOfRange(signature, Long.BYTES, signature.length);
                NotProvenException.require(
                        seconds >= 0 && seconds <= LATEST_SECONDS && verifies(message, rest),
                        "the signature of `" + name + "` is false");
                yield Optional.of(Instant.ofEpochSecond(seconds));
            }
        };
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof VerifierKey that && text.equals(that.text);
    }

    @Override
    public int hashCode() {
        return text.hashCode();
    }

    /** The key as it is handed around. */
    @Override
    public String toString() {
        return text;
    }

    /** Whether a key may have that name: neither spaces of any kind, nor control characters, nor `+`. */
    static boolean isName(String name) {
        return !name.isEmpty()
                && name.chars().noneMatch(c -> c == '+' || Character.isISOControl(c))
                && !SPACE.matcher(name).find();
    }

    private boolean verifies(String message, byte[] signature) {
        if (publicKey == null) {
            return false;
        }
        try {
            Signature ed25519 = Signature.getInstance("Ed25519");
            ed25519.initVerify(publicKey);
            ed25519.update(message.getBytes(StandardCharsets.UTF_8));
            return ed25519.verify(signature);
        } catch (SignatureException e) {
            return false;
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("Every Java platform has Ed25519, and this key was tried before", e);
        }
    }

    private static @Nullable PublicKey publicKey(byte[] bytes) {
        byte[] encoded = Arrays.copyOf(X509_PREFIX, X509_PREFIX.length + KEY_BYTES);
        System.arraycopy(bytes, 0, encoded, X509_PREFIX.length, KEY_BYTES);
        try {
            PublicKey key = KeyFactory.getInstance("Ed25519").generatePublic(new X509EncodedKeySpec(encoded));
            Signature.getInstance("Ed25519").initVerify(key);
            return key;
        } catch (InvalidKeySpecException | InvalidKeyException e) {
            return null;
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("Every Java platform has Ed25519", e);
        }
    }

    /** What a key signs. */
    private enum Type {
        NOTE,
        COSIGNATURE;

        static Type of(byte number) throws NotProvenException {
            return switch (number) {
                case 0x01 -> NOTE;
                case 0x04 -> COSIGNATURE;
                default -> throw new NotProvenException("keys of type " + number + " are not known here");
            };
        }
    }
}
