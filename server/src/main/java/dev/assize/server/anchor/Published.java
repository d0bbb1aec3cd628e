package dev.assize.server.anchor;

import dev.assize.server.anchor.AnchorRepository.CosignedCheckpoint;
import dev.assize.server.anchor.AnchorRepository.MetaLeaf;
import dev.assize.server.anchor.AnchorRepository.PublishedCheckpoint;
import dev.assize.server.ledger.merkle.TileSource;
import dev.assize.server.model.TenantId;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What has been signed and published, all of one moment: whatever is read through it belongs together. */
public interface Published {

    /** The checkpoint of a ledger, or of the log of heads, as it was last published; empty where there is none. */
    Optional<PublishedCheckpoint> checkpoint(String log);

    /** The last checkpoint of each hour, of whatever incarnation, beyond a size; in the order of signing. */
    List<PublishedCheckpoint> checkpoints(TenantId tenant, long beyondSize);

    /** For each incarnation that has ended, the texts of the longest of its heads that a later one has kept whole. */
    List<String> kept(TenantId tenant);

    /** Which incarnations begin at which entries, as those say, 0 where one cannot be read; nobody has verified it. */
    Map<Long, Integer> begun(TenantId tenant);

    /** The position of a ledger's latest head among the leaves of the log of heads of that size, or before. */
    Optional<MetaLeaf> latestLeaf(TenantId tenant, int metaIncarnation, long metaSize);

    /**
     * What of a ledger's checkpoints was not signed at the time that is kept with it, as far as they tell themselves: by
     * the hour, by their order, and by the last of them, which is kept twice.
     */
    Optional<String> misdated(TenantId tenant);

    /** Every stored tile of a tree, lowest level first, in order. */
    void fullTiles(String log, int incarnation, TileReader reader);

    /** Every leaf of the log of heads, in order. */
    void leaves(int incarnation, LeafReader reader);

    /** What each witness has signed last. */
    List<CosignedCheckpoint> cosigned();

    /** The tiles of a ledger's tree, or of the log of heads; to be read before the moment is over. */
    TileSource tiles(String log, int incarnation);

    /** Hears of tiles. */
    @FunctionalInterface
    interface TileReader {
        void accept(int level, long index, byte[] root, byte[] hashes);
    }

    /** Hears of leaves. */
    @FunctionalInterface
    interface LeafReader {
        void accept(long index, String tenant, String leaf);
    }
}
