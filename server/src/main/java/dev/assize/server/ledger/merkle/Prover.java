package dev.assize.server.ledger.merkle;

import java.util.ArrayList;
import java.util.List;

/**
 * Builds proofs from tiles, for a tree of any size up to the present one: at most two tiles a level, read in one go.
 *
 * <p>A proof is found as RFC 6962 defines it (2.1.1, 2.1.2): a list of subtrees, of which all but the rightmost are
 * complete; then the tiles that hold their nodes are read, and each subtree is folded.
 */
public final class Prover {

    private final TileSource source;

    public Prover(TileSource source) {
        this.source = source;
    }

    /** The hashes that lead from the leaf of that index to the root, leaf's side first. */
    public List<byte[]> inclusion(long index, long size) {
        if (index < 0 || index >= size) {
            throw new IllegalArgumentException("no leaf " + index + " in a tree of size " + size);
        }
        List<List<Node>> path = new ArrayList<>();
        addPath(index, 0, size, path);
        return hashes(path, size);
    }

    /** The hashes that show the tree of the second size to continue that of the first; none from nothing. */
    public List<byte[]> consistency(long sizeBefore, long size) {
        if (sizeBefore < 0 || sizeBefore > size) {
            throw new IllegalArgumentException("no tree of size " + sizeBefore + " in one of size " + size);
        }
        List<List<Node>> path = new ArrayList<>();
        if (sizeBefore > 0) {
            addSubproof(sizeBefore, 0, size, true, path);
        }
        return hashes(path, size);
    }

    /** The hash of the tree at that size. */
    public byte[] root(long size) {
        return frontier(size).root();
    }

    /** The right edge of the tree at that size. */
    public Frontier frontier(long size) {
        List<Node> nodes = Node.of(0, size);
        Tiles tiles = Tiles.holding(nodes, size, source);
        byte[] peaks = new byte[nodes.size() * TreeHash.BYTES];
        for (int i = 0; i < nodes.size(); i++) {
            System.arraycopy(tiles.hashOf(nodes.get(i)), 0, peaks, i * TreeHash.BYTES, TreeHash.BYTES);
        }
        return Frontier.restore(size, peaks);
    }

    /**
     * The right edge of the tree at a size, over the leaves that another tree has, and those that stand in tiles behind them. Its
     * root is the tree's own only where the other one is its beginning.
     */
    public Frontier grown(Frontier from, long size) {
        if (from.size() > size) {
            throw new IllegalArgumentException("no tree of size " + from.size() + " in one of size " + size);
        }
        List<Node> nodes = Node.between(from.size(), size);
        Tiles tiles = Tiles.holding(nodes, size, source);
        Frontier grown = from.copy();
        nodes.forEach(node -> grown.append(node, tiles.hashOf(node)));
        return grown;
    }

    /** The same by the leaves behind the other tree alone: for where no tiles above them are stored yet. */
    public Frontier grownByLeaves(Frontier from, long size) {
        Frontier grown = from.copy();
        while (grown.size() < size) {
            TileId id = TileId.in(size, 0, grown.size() / TileId.FULL);
            byte[] hashes = Tiles.read(source, List.of(id)).getFirst().hashes();
            for (int at = (int) (grown.size() % TileId.FULL) * TreeHash.BYTES;
                    at < hashes.length;
                    at += TreeHash.BYTES) {
                grown.append(hashes, at, (height, in, place) -> {});
            }
        }
        return grown;
    }

    private List<byte[]> hashes(List<List<Node>> subtrees, long size) {
        Tiles tiles = Tiles.holding(subtrees.stream().flatMap(List::stream).toList(), size, source);
        return subtrees.stream().map(tiles::fold).toList();
    }

    private static void addPath(long index, long from, long to, List<List<Node>> path) {
        if (to - from == 1) {
            return;
        }
        long split = from + leavesOnTheLeft(to - from);
        if (index < split) {
            addPath(index, from, split, path);
            path.add(Node.of(split, to));
        } else {
            addPath(index, split, to, path);
            path.add(Node.of(from, split));
        }
    }

    private static void addSubproof(long end, long from, long to, boolean known, List<List<Node>> path) {
        if (end == to) {
            if (!known) {
                path.add(Node.of(from, to));
            }
            return;
        }
        long split = from + leavesOnTheLeft(to - from);
        if (end <= split) {
            addSubproof(end, from, split, known, path);
            path.add(Node.of(split, to));
        } else {
            addSubproof(end, split, to, false, path);
            path.add(Node.of(from, split));
        }
    }

    /** The largest power of two below that many leaves. */
    private static long leavesOnTheLeft(long leaves) {
        return Long.highestOneBit(leaves - 1);
    }
}
