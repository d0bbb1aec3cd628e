package dev.assize.server.ledger.merkle;

import java.util.Arrays;

/**
 * The right edge of a tree: as many hashes as its size has bits set, which is all it takes to go on appending and to
 * know the root. Mutable; not for two threads.
 *
 * <p>The peaks are the roots of the complete subtrees into which a tree falls, largest first; the one of height h is
 * there if bit h of the size is set (the compact range of transparency-dev/merkle from 0). Appending is adding one in
 * binary: the slot that the carry ends in was empty, so that the carry can be computed in it, in place.
 */
public final class Frontier {

    private static final int HEIGHTS = 63;

    private final TreeHash hash = new TreeHash();
    private final byte[] slots;
    private long size;

    private Frontier(long size, byte[] slots) {
        this.size = size;
        this.slots = slots;
    }

    /** The frontier of a tree without leaves. */
    public static Frontier empty() {
        return new Frontier(0, new byte[HEIGHTS * TreeHash.BYTES]);
    }

    /** The frontier that had this size and these {@link #peaks}. Refuses another number of peaks than the size has. */
    public static Frontier restore(long size, byte[] peaks) {
        if (size < 0) {
            throw new IllegalArgumentException("A tree has no size " + size);
        }
        int expected = Long.bitCount(size) * TreeHash.BYTES;
        if (peaks.length != expected) {
            throw new IllegalArgumentException(
                    "The peaks of a tree of size " + size + " have " + expected + " bytes, not " + peaks.length);
        }
        Frontier restored = empty();
        restored.size = size;
        int at = 0;
        for (long left = size; left != 0; left -= Long.highestOneBit(left)) {
            System.arraycopy(peaks, at, restored.slots, slot(heightOf(left)), TreeHash.BYTES);
            at += TreeHash.BYTES;
        }
        return restored;
    }

    /** The frontier of a tree over so many of these hashes as if they were leaves'. */
    static Frontier over(byte[] hashes, int first, int count) {
        Frontier frontier = empty();
        for (int i = first; i < first + count; i++) {
            frontier.append(hashes, slot(i), (height, in, at) -> {});
        }
        return frontier;
    }

    /** One that goes its own way from here. */
    public Frontier copy() {
        return new Frontier(size, slots.clone());
    }

    /** Adds a leaf, by its hash, on the right. */
    public void append(byte[] leafHash) {
        append(requireHash(leafHash), 0, (height, in, at) -> {});
    }

    /** Adds a complete subtree on the right, by its root; there is none of its leaves, and nothing of less height, on its left. */
    void append(Node node, byte[] root) {
        if (size != node.index() << node.height()) {
            throw new IllegalArgumentException(node + " does not continue a tree of size " + size);
        }
        append(node.height(), requireHash(root), 0, (height, in, at) -> {});
    }

    /** The number of leaves. */
    public long size() {
        return size;
    }

    /** The roots of the complete subtrees, largest first, one after the other. */
    public byte[] peaks() {
        byte[] peaks = new byte[Long.bitCount(size) * TreeHash.BYTES];
        int at = 0;
        for (long left = size; left != 0; left -= Long.highestOneBit(left)) {
            System.arraycopy(slots, slot(heightOf(left)), peaks, at, TreeHash.BYTES);
            at += TreeHash.BYTES;
        }
        return peaks;
    }

    /** The hash of the whole tree. */
    public byte[] root() {
        if (size == 0) {
            return TreeHash.emptyRoot();
        }
        long left = size & (size - 1);
        byte[] root = peak(Long.numberOfTrailingZeros(size));
        for (; left != 0; left &= left - 1) {
            hash.node(slots, slot(Long.numberOfTrailingZeros(left)), root, 0, root, 0);
        }
        return root;
    }

    /** Adds the leaf hash that stands there, and tells of every node that it completes. */
    void append(byte[] hashes, int from, CompletedNodes completed) {
        append(0, hashes, from, completed);
    }

    private void append(int ofHeight, byte[] hashes, int from, CompletedNodes completed) {
        long leaves = 1L << ofHeight;
        if (size > Long.MAX_VALUE - leaves) {
            throw new IllegalStateException("A tree has at most " + Long.MAX_VALUE + " leaves");
        }
        int top = ofHeight + Long.numberOfTrailingZeros(~(size >>> ofHeight));
        int carry = slot(top);
        System.arraycopy(hashes, from, slots, carry, TreeHash.BYTES);
        for (int height = ofHeight; height < top; height++) {
            hash.node(slots, slot(height), slots, carry, slots, carry);
            completed.accept(height + 1, slots, carry);
        }
        size += leaves;
    }

    /** Whether the peaks of both are the same, those of this one taken that much higher up. */
    boolean hasPeaksOf(Frontier lower, int heightBelow) {
        for (long left = lower.size; left != 0; left &= left - 1) {
            int height = Long.numberOfTrailingZeros(left);
            if (!Arrays.equals(lower.peak(height), peak(heightBelow + height))) {
                return false;
            }
        }
        return true;
    }

    static byte[] requireHash(byte[] hash) {
        if (hash.length != TreeHash.BYTES) {
            throw new IllegalArgumentException("A hash has " + TreeHash.BYTES + " bytes, not " + hash.length);
        }
        return hash;
    }

    private byte[] peak(int height) {
        return Arrays.copyOfRange(slots, slot(height), slot(height + 1));
    }

    private static int heightOf(long largest) {
        return Long.SIZE - 1 - Long.numberOfLeadingZeros(largest);
    }

    private static int slot(int height) {
        return height * TreeHash.BYTES;
    }

    /** Hears of nodes as they are completed, from the bottom up. */
    interface CompletedNodes {

        /** The hash stands at that place only for now. */
        void accept(int height, byte[] in, int at);
    }
}
