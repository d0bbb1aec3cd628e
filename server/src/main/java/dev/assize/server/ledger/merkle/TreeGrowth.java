package dev.assize.server.ledger.merkle;

import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * A tree that grows from one size to another, and the tiles that fill on the way. Keeps the new leaf hashes in memory
 * until it is done; not for two threads.
 *
 * <p>The root of a tile passes by as the carry of the frontier, so that no node is hashed twice. The old part of a
 * tile that fills is read only then, and must fold to the peaks that the frontier had: what was written once cannot
 * have changed on its way into the next tile.
 */
public final class TreeGrowth {

    private final Frontier before;
    private final Frontier now;
    private final List<ByteArrayOutputStream> hashesByLevel =
            Stream.generate(ByteArrayOutputStream::new).limit(TileId.LEVELS).toList();

    /** Growth from there on; the frontier given stays as it is. */
    public TreeGrowth(Frontier from) {
        this.before = from.copy();
        this.now = from.copy();
    }

    /** Adds a leaf, by its hash, on the right. */
    public void append(byte[] leafHash) {
        now.append(Frontier.requireHash(leafHash), 0, this::note);
        hashesByLevel.getFirst().writeBytes(leafHash);
    }

    /** Where the tree has got to. */
    public Frontier frontier() {
        return now.copy();
    }

    /** The tiles that have become full, lowest level first. Reads only what of them was there before. */
    public List<Tile> fullTiles(TileSource source) {
        Map<Integer, byte[]> beginnings = readBeginnings(source);
        List<Tile> tiles = new ArrayList<>();
        for (int level = 0; level < TileId.LEVELS; level++) {
            ByteArrayOutputStream row = new ByteArrayOutputStream();
            row.writeBytes(beginnings.getOrDefault(level, new byte[0]));
            row.writeBytes(hashesByLevel.get(level).toByteArray());
            cut(level, row.toByteArray(), tiles);
        }
        return tiles;
    }

    private void note(int height, byte[] in, int at) {
        if (height % TileId.HEIGHT == 0) {
            hashesByLevel.get(height / TileId.HEIGHT).write(in, at, TreeHash.BYTES);
        }
    }

    private Map<Integer, byte[]> readBeginnings(TileSource source) {
        List<TileId> wanted = new ArrayList<>();
        for (int level = 0; level < TileId.LEVELS; level++) {
            int width = (int) (hashes(before, level) % TileId.FULL);
            if (width > 0 && fills(level)) {
                wanted.add(new TileId(level, hashes(before, level) / TileId.FULL, width));
            }
        }
        Map<Integer, byte[]> beginnings = new HashMap<>();
        List<Tile> read = Tiles.read(source, wanted);
        read.forEach(tile -> beginnings.put(tile.id().level(), verified(tile)));
        return beginnings;
    }

    private byte[] verified(Tile tile) {
        Frontier folded = Frontier.over(tile.hashes(), 0, tile.id().width());
        if (!before.hasPeaksOf(folded, tile.id().level() * TileId.HEIGHT)) {
            throw new TileMismatchException(tile.id(), "is not what the tree of size " + before.size() + " had");
        }
        return tile.hashes();
    }

    private void cut(int level, byte[] row, List<Tile> tiles) {
        if (!fills(level)) {
            return;
        }
        int bytes = TileId.FULL * TreeHash.BYTES;
        long index = hashes(before, level) / TileId.FULL;
        for (int from = 0; from + bytes <= row.length; from += bytes) {
            TileId id = new TileId(level, index++, TileId.FULL);
            tiles.add(new Tile(id, Arrays.copyOfRange(row, from, from + bytes)));
        }
    }

    private boolean fills(int level) {
        return hashes(before, level) / TileId.FULL < hashes(now, level) / TileId.FULL;
    }

    private static long hashes(Frontier tree, int level) {
        return tree.size() >>> (TileId.HEIGHT * level);
    }
}
