package dev.assize.client.ledger;

import static dev.assize.client.ledger.NotProvenException.require;

import java.security.MessageDigest;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;

/**
 * Verifies proofs over a Merkle tree of RFC 6962.
 *
 * <p>As RFC 9162 has it (2.1.3.2, 2.1.4.2), every check of it included: a proof is as long as its tree makes it, and a
 * position is one that the tree has. A verifier that leaves these out accepts proofs of nothing.
 */
public final class MerkleProof {

    private static final byte[] NODE = {1};

    private MerkleProof() {}

    /**
     * Requires a leaf to stand at an index of a tree.
     *
     * @param path the hashes from the leaf's sibling up to the root's child
     */
    public static void requireInclusion(byte[] leafHash, long index, long size, byte[] root, List<byte[]> path)
            throws NotProvenException {
        require(index >= 0 && index < size, "a tree of size " + size + " has no leaf " + index);
        requireHashes(path, leafHash, root);
        long node = index;
        long last = size - 1;
        byte[] hash = leafHash;
        for (byte[] sibling : path) {
            require(last != 0, "the path is too long");
            if (isRight(node) || node == last) {
                hash = node(sibling, hash);
                int levels = isRight(node) ? 0 : Long.numberOfTrailingZeros(node);
                node >>>= levels;
                last >>>= levels;
            } else {
                hash = node(hash, sibling);
            }
            node >>>= 1;
            last >>>= 1;
        }
        require(last == 0, "the path is too short");
        require(MessageDigest.isEqual(hash, root), "the path leads to another root");
    }

    /**
     * Requires a tree to have grown from another by appending only. Every tree has grown from the empty one.
     *
     * @param path the hashes of a consistency proof; none where the sizes are equal, or the first is 0
     */
    public static void requireConsistency(long sizeBefore, byte[] rootBefore, long size, byte[] root, List<byte[]> path)
            throws NotProvenException {
        require(sizeBefore >= 0 && sizeBefore <= size, "a tree of size " + sizeBefore + " does not grow to " + size);
        requireHashes(path, rootBefore, root);
        require(size > 0 || MessageDigest.isEqual(root, Sha256.of()), "the root is not that of an empty tree");
        if (sizeBefore == 0 || sizeBefore == size) {
            require(path.isEmpty(), "the path is too long");
            byte[] expected = sizeBefore == 0 ? Sha256.of() : root;
            require(MessageDigest.isEqual(rootBefore, expected), "the first root is another");
            return;
        }
        Deque<byte[]> rest = new ArrayDeque<>(path);
        if (Long.bitCount(sizeBefore) == 1) {
            rest.addFirst(rootBefore);
        }
        require(!path.isEmpty(), "the path is too short");
        int complete = Long.numberOfTrailingZeros(sizeBefore);
        long node = (sizeBefore - 1) >>> complete;
        long last = (size - 1) >>> complete;
        byte[] before = rest.removeFirst();
        byte[] now = before;
        for (byte[] sibling : rest) {
            require(last != 0, "the path is too long");
            if (isRight(node) || node == last) {
                before = node(sibling, before);
                now = node(sibling, now);
                int levels = isRight(node) ? 0 : Long.numberOfTrailingZeros(node);
                node >>>= levels;
                last >>>= levels;
            } else {
                now = node(now, sibling);
            }
            node >>>= 1;
            last >>>= 1;
        }
        require(last == 0, "the path is too short");
        require(MessageDigest.isEqual(before, rootBefore), "the path leads to another first root");
        require(MessageDigest.isEqual(now, root), "the path leads to another root");
    }

    /** The hash over two. */
    static byte[] node(byte[] left, byte[] right) {
        return Sha256.of(NODE, left, right);
    }

    private static boolean isRight(long node) {
        return (node & 1) == 1;
    }

    private static void requireHashes(List<byte[]> path, byte[]... others) throws NotProvenException {
        for (byte[] hash : others) {
            require(hash.length == Sha256.BYTES, "a hash has " + Sha256.BYTES + " bytes, not " + hash.length);
        }
        for (byte[] hash : path) {
            require(hash.length == Sha256.BYTES, "a hash has " + Sha256.BYTES + " bytes, not " + hash.length);
        }
    }
}
