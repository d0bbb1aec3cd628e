package dev.assize.server.ledger.merkle;

import java.util.Locale;

/**
 * Names a tile, whole or as wide as a tree of some size has it: 256 consecutive hashes of the tree's nodes of height 8
 * times the level (C2SP tlog-tiles).
 *
 * @param level 0 for leaf hashes
 * @param index of the tile within its level
 * @param width hashes that are there, from 1 to 256
 */
public record TileId(int level, long index, int width) {

    /** Hashes of a full tile. */
    public static final int FULL = 256;

    /** Levels that a tree can have: its sizes have 63 bits. */
    public static final int LEVELS = 8;

    public static final int HEIGHT = 8;

    public TileId {
        if (level < 0 || level >= LEVELS || index < 0 || width < 1 || width > FULL) {
            throw new IllegalArgumentException("no tile: level " + level + ", index " + index + ", width " + width);
        }
    }

    /** The tile of that place as a tree of that size has it. */
    static TileId in(long size, int level, long index) {
        long hashes = (size >>> (HEIGHT * level)) - index * FULL;
        return new TileId(level, index, (int) Math.min(FULL, hashes));
    }

    public boolean isFull() {
        return width == FULL;
    }

    /** Where an archive has it, such as `tile/0/x001/067` or `tile/1/000.p/17`. */
    public String path() {
        return "tile/" + level + "/" + place(index, width);
    }

    /** Where an archive has the entries whose hashes a tile of level 0 holds. */
    public static String entriesPath(long index, int width) {
        return "tile/entries/" + place(index, width);
    }

    private static String place(long index, int width) {
        String digits = String.format(Locale.ROOT, "%03d", index % 1000);
        for (long rest = index / 1000; rest > 0; rest /= 1000) {
            digits = String.format(Locale.ROOT, "x%03d/%s", rest % 1000, digits);
        }
        return width == FULL ? digits : digits + ".p/" + width;
    }
}
