package dev.assize.server.anchor;

import dev.assize.server.anchor.AnchorRepository.PublishedCheckpoint;
import dev.assize.server.ledger.Verification.Fault;
import dev.assize.server.ledger.Verification.Kind;
import dev.assize.server.ledger.merkle.Frontier;
import dev.assize.server.ledger.merkle.Tile;
import dev.assize.server.ledger.merkle.TileId;
import dev.assize.server.ledger.merkle.TreeHash;
import dev.assize.server.model.Digest;
import java.io.ByteArrayOutputStream;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What is stored of a tree, held to its signed root: every full tile, lowest level first. The hashes of level 0, and those
 * of the leaves behind the last full tile, make the whole tree anew; each level above has the roots of the one below it;
 * and each stored root is its tile's. Keeps 32 bytes for each tile of one level.
 */
final class StoredTree {

    private final long size;
    private final Frontier tree = Frontier.empty();

    private int level;
    private long nextIndex;
    private byte[] below = new byte[0];
    private ByteArrayOutputStream roots = new ByteArrayOutputStream();
    private @Nullable Fault fault;

    private StoredTree(long size) {
        this.size = size;
    }

    /** What of the stored tree is not what was signed, null where all of it is. */
    static @Nullable Fault faultOf(Published published, String log, PublishedCheckpoint signed) {
        StoredTree stored = new StoredTree(signed.size());
        published.fullTiles(log, signed.incarnation(), stored::accept);
        for (int left = stored.level; stored.fault == null && left < TileId.LEVELS; left++) {
            stored.endLevel();
        }
        return stored.fault == null ? stored.faultOfEnd(published, log, signed) : stored.fault;
    }

    private void accept(int ofLevel, long index, byte[] root, byte[] hashes) {
        while (fault == null && level < ofLevel) {
            endLevel();
        }
        if (fault != null) {
            return;
        }
        if (ofLevel != level || index != nextIndex || index >= tiles(level)) {
            fault = faultAt(Math.min(index, nextIndex), "is missing, or one stands where none should");
            return;
        }
        boolean fits = hashes.length == TileId.FULL * TreeHash.BYTES
                && (level == 0 || isRootsOf(index, hashes))
                && Arrays.equals(new Tile(new TileId(level, index, TileId.FULL), hashes).root(), root);
        if (!fits) {
            fault = faultAt(index, "does not hold the hashes that it was stored with");
            return;
        }
        if (level == 0) {
            append(hashes);
        }
        roots.writeBytes(root);
        nextIndex++;
    }

    private boolean isRootsOf(long index, byte[] hashes) {
        int from = Math.toIntExact(index) * hashes.length;
        return Arrays.equals(below, from, from + hashes.length, hashes, 0, hashes.length);
    }

    private void endLevel() {
        if (nextIndex < tiles(level)) {
            fault = faultAt(nextIndex, "is missing");
            return;
        }
        below = roots.toByteArray();
        roots = new ByteArrayOutputStream();
        nextIndex = 0;
        level++;
    }

    private @Nullable Fault faultOfEnd(Published published, String log, PublishedCheckpoint signed) {
        int rest = (int) (size % TileId.FULL);
        if (rest > 0) {
            TileId last = new TileId(0, size / TileId.FULL, rest);
            append(published
                    .tiles(log, signed.incarnation())
                    .read(List.of(last))
                    .getFirst());
        }
        return tree.size() == size && Digest.of(tree.root()).equals(signed.root())
                ? null
                : new Fault(
                        0,
                        Kind.CHECKPOINT,
                        "the stored tree of " + size + " leaves does not have the root that was signed");
    }

    private void append(byte[] hashes) {
        for (int i = 0; i < hashes.length; i += TreeHash.BYTES) {
            tree.append(Arrays.copyOfRange(hashes, i, i + TreeHash.BYTES));
        }
    }

    private long tiles(int ofLevel) {
        return ofLevel + 1 < TileId.LEVELS ? size >>> (TileId.HEIGHT * (ofLevel + 1)) : 0;
    }

    private Fault faultAt(long index, String what) {
        return new Fault(
                index << (TileId.HEIGHT * (level + 1)),
                Kind.CHECKPOINT,
                "tile " + index + " of level " + level + " of the stored tree " + what);
    }
}
