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

    /** The hash over all of it: of a full tile, a hash of the level above. */
    public byte[] root() {
        return Frontier.over(hashes, 0, id.width()).root();
    }
}
