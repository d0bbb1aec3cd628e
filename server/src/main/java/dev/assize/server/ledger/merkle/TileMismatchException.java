package dev.assize.server.ledger.merkle;

/** A tile that was read does not belong to the tree: it was changed, or the tree was. */
public final class TileMismatchException extends RuntimeException {

    private static final long serialVersionUID = 1;

    TileMismatchException(TileId tile, String why) {
        super(tile.path() + " " + why);
    }
}
