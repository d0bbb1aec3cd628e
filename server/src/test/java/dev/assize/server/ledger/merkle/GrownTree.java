package dev.assize.server.ledger.merkle;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A tree with its tiles as a server keeps them: full ones only, the right edge composed from leaf hashes and from the
 * roots of the tiles below.
 */
public final class GrownTree implements TileSource {

    private final List<byte[]> leafHashes = new ArrayList<>();
    private final Map<TileId, byte[]> full = new HashMap<>();
    private Frontier frontier = Frontier.empty();
    private final List<TileId> asked = new ArrayList<>();

    /** Adds leaves in one round. */
    public void grow(List<byte[]> more) {
        TreeGrowth growth = new TreeGrowth(frontier);
        more.forEach(growth::append);
        growth.fullTiles(this).forEach(tile -> full.put(tile.id(), tile.hashes()));
        leafHashes.addAll(more);
        frontier = growth.frontier();
    }

    public Frontier frontier() {
        return frontier.copy();
    }

    public List<byte[]> leafHashes(int size) {
        return leafHashes.subList(0, size);
    }

    public Map<TileId, byte[]> full() {
        return full;
    }

    /** What was asked for since the last time this was. */
    List<TileId> asked() {
        List<TileId> copy = List.copyOf(asked);
        asked.clear();
        return copy;
    }

    @Override
    public List<byte[]> read(List<TileId> tiles) {
        asked.addAll(tiles);
        return tiles.stream().map(this::read).toList();
    }

    private byte[] read(TileId id) {
        byte[] whole = full.get(new TileId(id.level(), id.index(), TileId.FULL));
        if (whole != null) {
            return Arrays.copyOf(whole, id.width() * TreeHash.BYTES);
        }
        byte[] hashes = new byte[id.width() * TreeHash.BYTES];
        for (int i = 0; i < id.width(); i++) {
            long at = id.index() * TileId.FULL + i;
            byte[] hash = id.level() == 0 ? leafHashes.get((int) at) : rootOf(id.level() - 1, at);
            System.arraycopy(hash, 0, hashes, i * TreeHash.BYTES, TreeHash.BYTES);
        }
        return hashes;
    }

    private byte[] rootOf(int level, long index) {
        byte[] tile = read(new TileId(level, index, TileId.FULL));
        List<byte[]> hashes = new ArrayList<>();
        for (int i = 0; i < tile.length; i += TreeHash.BYTES) {
            hashes.add(Arrays.copyOfRange(tile, i, i + TreeHash.BYTES));
        }
        return ReferenceTree.root(hashes);
    }
}
