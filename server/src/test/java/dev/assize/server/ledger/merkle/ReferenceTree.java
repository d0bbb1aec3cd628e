package dev.assize.server.ledger.merkle;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/** RFC 6962, section 2.1, letter by letter: slow, recursive, and with nothing to get wrong. */
public final class ReferenceTree {

    private ReferenceTree() {}

    public static byte[] root(List<byte[]> leafHashes) {
        if (leafHashes.size() <= 1) {
            return leafHashes.isEmpty() ? sha256() : leafHashes.getFirst();
        }
        int k = Integer.highestOneBit(leafHashes.size() - 1);
        return node(root(leafHashes.subList(0, k)), root(leafHashes.subList(k, leafHashes.size())));
    }

    public static List<byte[]> path(int m, List<byte[]> d) {
        return path(m, d, ReferenceTree::root);
    }

    static List<byte[]> path(int m, List<byte[]> d, Function<List<byte[]>, byte[]> root) {
        if (d.size() == 1) {
            return List.of();
        }
        int k = Integer.highestOneBit(d.size() - 1);
        List<byte[]> left = d.subList(0, k);
        List<byte[]> right = d.subList(k, d.size());
        return m < k
                ? append(path(m, left, root), root.apply(right))
                : append(path(m - k, right, root), root.apply(left));
    }

    public static List<byte[]> proof(int m, List<byte[]> d) {
        return proof(m, d, ReferenceTree::root);
    }

    static List<byte[]> proof(int m, List<byte[]> d, Function<List<byte[]>, byte[]> root) {
        return subproof(m, d, true, root);
    }

    private static List<byte[]> subproof(int m, List<byte[]> d, boolean b, Function<List<byte[]>, byte[]> root) {
        if (m == d.size()) {
            return b ? List.of() : List.of(root.apply(d));
        }
        int k = Integer.highestOneBit(d.size() - 1);
        List<byte[]> left = d.subList(0, k);
        List<byte[]> right = d.subList(k, d.size());
        return m <= k
                ? append(subproof(m, left, b, root), root.apply(right))
                : append(subproof(m - k, right, false, root), root.apply(left));
    }

    /** The roots of parts of one list of leaves, of each part once: large trees share most of theirs. */
    static Function<List<byte[]>, byte[]> rootsOfOneList() {
        record Part(byte[] first, int size) {}
        Map<Part, byte[]> roots = new HashMap<>();
        return leaves -> roots.computeIfAbsent(new Part(leaves.getFirst(), leaves.size()), _ -> root(leaves));
    }

    public static byte[] leaf(byte[] entry) {
        return sha256(new byte[] {0}, entry);
    }

    public static byte[] node(byte[] left, byte[] right) {
        return sha256(new byte[] {1}, left, right);
    }

    private static List<byte[]> append(List<byte[]> hashes, byte[] last) {
        List<byte[]> all = new ArrayList<>(hashes);
        all.add(last);
        return all;
    }

    private static byte[] sha256(byte[]... parts) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            for (byte[] part : parts) {
                digest.update(part);
            }
            return digest.digest();
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
