package dev.assize.server.anchor;

import dev.assize.server.anchor.AnchorRepository.CosignedCheckpoint;
import dev.assize.server.anchor.AnchorRepository.MetaLeaf;
import dev.assize.server.anchor.AnchorRepository.PublishedCheckpoint;
import dev.assize.server.ledger.merkle.TileSource;
import dev.assize.server.model.TenantId;
import java.util.List;
import java.util.Optional;

/** What has been signed and published, all of one moment: whatever is read through it belongs together. */
public interface Published {

    /** The checkpoint of a ledger, or of the log of heads, as it was last published; empty where there is none. */
    Optional<PublishedCheckpoint> checkpoint(String log);

    /** The last checkpoint of each hour, of whatever incarnation, beyond a size; in the order of signing. */
    List<PublishedCheckpoint> checkpoints(TenantId tenant, long beyondSize);

    /** For each incarnation that has ended, the texts of the longest of its heads that the next one has kept whole. */
    List<String> kept(TenantId tenant);

    /** The position of a ledger's latest head among the leaves of the log of heads of that size, or before. */
    Optional<MetaLeaf> latestLeaf(TenantId tenant, int metaIncarnation, long metaSize);

    /** What each witness has signed last. */
    List<CosignedCheckpoint> cosigned();

    /** The tiles of a ledger's tree, or of the log of heads; to be read before the moment is over. */
    TileSource tiles(String log, int incarnation);
}
