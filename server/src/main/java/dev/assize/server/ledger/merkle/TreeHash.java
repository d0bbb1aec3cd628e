package dev.assize.server.ledger.merkle;

import java.security.DigestException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/** The hashing of RFC 6962 with SHA-256. Holds one digest to work with, so it is not for two threads. */
public final class TreeHash {

    /** Bytes of a hash. */
    public static final int BYTES = 32;

    private static final byte LEAF = 0;
    private static final byte NODE = 1;

    private final MessageDigest sha256 = newSha256();

    /** The hash of a tree without leaves: SHA-256 of nothing. */
    public static byte[] emptyRoot() {
        return newSha256().digest();
    }

    /** SHA-256(0x00 || entry). */
    public byte[] leaf(byte[] entry) {
        sha256.update(LEAF);
        return sha256.digest(entry);
    }

    /** SHA-256(0x01 || left || right). */
    public byte[] node(byte[] left, byte[] right) {
        byte[] parent = new byte[BYTES];
        node(left, 0, right, 0, parent, 0);
        return parent;
    }

    /** The same within arrays; the parent may overwrite a child. */
    void node(byte[] left, int leftAt, byte[] right, int rightAt, byte[] parent, int parentAt) {
        sha256.update(NODE);
        sha256.update(left, leftAt, BYTES);
        sha256.update(right, rightAt, BYTES);
        try {
            sha256.digest(parent, parentAt, BYTES);
        } catch (DigestException e) {
            throw new IllegalStateException("There is room for a hash", e);
        }
    }

    private static MessageDigest newSha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("Every Java platform has SHA-256", e);
        }
    }
}
