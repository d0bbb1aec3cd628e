package dev.assize.server.ledger.merkle;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The tiles of one tree of one size that are needed for some of its nodes, read in one go. */
final class Tiles {

    private final TreeHash hash = new TreeHash();
    private final long size;
    private final Map<TileId, byte[]> read = new HashMap<>();

    private Tiles(long size) {
        this.size = size;
    }

    /** Those that hold the nodes. */
    static Tiles holding(List<Node> nodes, long size, TileSource source) {
        Tiles tiles = new Tiles(size);
        Set<TileId> wanted = new LinkedHashSet<>();
        nodes.forEach(node -> wanted.add(tiles.idOf(node)));
        read(source, List.copyOf(wanted)).forEach(tile -> tiles.read.put(tile.id(), tile.hashes()));
        return tiles;
    }

    /** What the source answers, held to what was asked. */
    static List<Tile> read(TileSource source, List<TileId> wanted) {
        if (wanted.isEmpty()) {
            return List.of();
        }
        List<byte[]> answers = source.read(wanted);
        if (answers.size() != wanted.size()) {
            throw new IllegalStateException("asked for " + wanted.size() + " tiles, got " + answers.size());
        }
        List<Tile> tiles = new ArrayList<>();
        for (int i = 0; i < wanted.size(); i++) {
            if (answers.get(i).length != wanted.get(i).width() * TreeHash.BYTES) {
                throw new TileMismatchException(wanted.get(i), "was read with " + answers.get(i).length + " bytes");
            }
            tiles.add(new Tile(wanted.get(i), answers.get(i)));
        }
        return tiles;
    }

    /** The hash of a node. */
    byte[] hashOf(Node node) {
        byte[] tile = read.get(idOf(node));
        if (tile == null) {
            throw new IllegalStateException(node + " was not asked for");
        }
        int within = node.height() % TileId.HEIGHT;
        int first = (int) ((node.index() << within) % TileId.FULL);
        return Frontier.over(tile, first, 1 << within).root();
    }

    /** The hash of the tree over several nodes that stand side by side, each smaller than the one before. */
    byte[] fold(List<Node> nodes) {
        byte[] folded = hashOf(nodes.getLast());
        for (int i = nodes.size() - 2; i >= 0; i--) {
            folded = hash.node(hashOf(nodes.get(i)), folded);
        }
        return folded;
    }

    private TileId idOf(Node node) {
        long index = (node.index() << (node.height() % TileId.HEIGHT)) / TileId.FULL;
        return TileId.in(size, node.height() / TileId.HEIGHT, index);
    }
}
