package dev.assize.client.ledger;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.Signature;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;

/** Signs notes with the JDK, for tests of those who verify them. */
final class TestSigner {

    private final String name;
    private final byte type;
    private final KeyPair pair;

    private TestSigner(String name, int type) throws GeneralSecurityException {
        this.name = name;
        this.type = (byte) type;
        this.pair = KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
    }

    static TestSigner log(String name) throws GeneralSecurityException {
        return new TestSigner(name, 0x01);
    }

    static TestSigner witness(String name) throws GeneralSecurityException {
        return new TestSigner(name, 0x04);
    }

    VerifierKey key() throws NotProvenException {
        return VerifierKey.parse(name + "+" + HexFormat.of().formatHex(id()) + "+" + base64(typed()));
    }

    /** The line that signs a text. */
    String line(String text) throws GeneralSecurityException {
        return line(sign(text));
    }

    /** The line that cosigns a checkpoint at a time. */
    String line(String text, long seconds) throws GeneralSecurityException {
        byte[] signature = sign("cosignature/v1\ntime " + seconds + "\n" + text);
        return line(ByteBuffer.allocate(Long.BYTES + signature.length)
                .putLong(seconds)
                .put(signature)
                .array());
    }

    String note(String text) throws GeneralSecurityException {
        return text + "\n" + line(text);
    }

    private String line(byte[] signature) {
        byte[] id = id();
        byte[] withId = Arrays.copyOf(id, id.length + signature.length);
        System.arraycopy(signature, 0, withId, id.length, signature.length);
        return "\u2014 " + name + " " + base64(withId) + "\n";
    }

    private byte[] sign(String message) throws GeneralSecurityException {
        Signature ed25519 = Signature.getInstance("Ed25519");
        ed25519.initSign(pair.getPrivate());
        ed25519.update(message.getBytes(StandardCharsets.UTF_8));
        return ed25519.sign();
    }

    private byte[] id() {
        byte[] hash = Sha256.of((name + "\n").getBytes(StandardCharsets.UTF_8), typed());
        return Arrays.copyOf(hash, Integer.BYTES);
    }

    private byte[] typed() {
        byte[] encoded = pair.getPublic().getEncoded();
        byte[] typed = new byte[33];
        typed[0] = type;
        System.arraycopy(encoded, encoded.length - 32, typed, 1, 32);
        return typed;
    }

    private static String base64(byte[] bytes) {
        return Base64.getEncoder().encodeToString(bytes);
    }
}
