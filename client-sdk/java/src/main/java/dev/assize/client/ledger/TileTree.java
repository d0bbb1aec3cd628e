package dev.assize.client.ledger;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** A tree that is built leaf by leaf, as the rows of hashes that its tiles are made of. Not for two threads. */
final class TileTree implements LogArchive.TreeSoFar {

    static final int TILE_HASHES = 256;

    /** Of tiles, in a tree of any size: sizes have 63 bits. */
    static final int LEVELS = 8;

    private final List<ByteArrayOutputStream> rows =
            Stream.generate(ByteArrayOutputStream::new).limit(LEVELS).toList();
    private long size;

    long size() {
        return size;
    }

    /** What there is of the tile at the right edge of a level; empty where the last one is full. */
    byte[] edge(int level) {
        return rows.get(level).toByteArray();
    }

    /** Begins with the right edge of a tree that is there already: of each level, the tile that is not full. */
    static TileTree resume(long size, List<byte[]> edges) {
        TileTree tree = new TileTree();
        tree.size = size;
        for (int level = 0; level < LEVELS; level++) {
            tree.rows.get(level).writeBytes(edges.get(level));
        }
        return tree;
    }

    /** Adds a leaf, and says which tiles are full with it. */
    void append(byte[] leafHash, FullTiles fullTiles) throws NotProvenException, IOException {
        size++;
        rows.getFirst().writeBytes(leafHash);
        for (int level = 0; rows.get(level).size() == TILE_HASHES * Sha256.BYTES; level++) {
            byte[] tile = edge(level);
            rows.get(level).reset();
            fullTiles.accept(level, (size >>> (8 * (level + 1))) - 1, tile);
            rows.get(level + 1).writeBytes(fold(tile, null));
        }
    }

    /** The hash of the whole tree. */
    @Override
    public byte[] root() {
        byte[] root = null;
        for (ByteArrayOutputStream row : rows) {
            root = row.size() == 0 ? root : fold(row.toByteArray(), root);
        }
        return root == null ? Sha256.of() : root;
    }

    /** The hash over a row of complete subtrees, with what stands to the right of them. */
    private static byte[] fold(byte[] row, byte @Nullable [] right) {
        byte[] folded = right;
        int end = row.length / Sha256.BYTES;
        while (end > 0) {
            int width = Integer.lowestOneBit(end);
            byte[] subtree = complete(row, end - width, end);
            folded = folded == null ? subtree : MerkleProof.node(subtree, folded);
            end -= width;
        }
        if (folded == null) {
            throw new IllegalArgumentException("nothing to hash");
        }
        return folded;
    }

    private static byte[] complete(byte[] row, int from, int to) {
        List<byte[]> hashes = new ArrayList<>();
        for (int i = from; i < to; i++) {
            hashes.add(Arrays.copyOfRange(row, i * Sha256.BYTES, (i + 1) * Sha256.BYTES));
        }
        while (hashes.size() > 1) {
            List<byte[]> parents = new ArrayList<>();
            for (int i = 0; i < hashes.size(); i += 2) {
                parents.add(MerkleProof.node(hashes.get(i), hashes.get(i + 1)));
            }
            hashes = parents;
        }
        return hashes.getFirst();
    }

    /** Takes tiles as they become full. */
    interface FullTiles {
        void accept(int level, long index, byte[] hashes) throws NotProvenException, IOException;
    }
}
