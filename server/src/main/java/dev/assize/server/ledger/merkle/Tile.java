package dev.assize.server.ledger.merkle;

/**
 * The content of a tile.
 *
 * @param hashes as many as the tile is wide, one after the other
 */
public record Tile(TileId id, byte[] hashes) {

    public Tile {
        if (hashes.length != id.width() * TreeHash.BYTES) {
            throw new IllegalArgumentException(
                    id + " has " + id.width() * TreeHash.BYTES + " bytes, not " + hashes.length);
        }
    }
}
