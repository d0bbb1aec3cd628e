package dev.assize.server.ledger.merkle;

import java.util.List;

/**
 * Where nodes of a tree are read. Who implements it may keep full tiles only, and compose those of the right edge: on
 * level 0 from leaf hashes, above from the roots of the full tiles one level below.
 */
@FunctionalInterface
public interface TileSource {

    /** The hashes of each of the tiles, in their order, each as wide as it was asked for. */
    List<byte[]> read(List<TileId> tiles);
}
