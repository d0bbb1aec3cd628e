package dev.assize.server.anchor;

import dev.assize.server.anchor.AnchorRepository.PublishedCheckpoint;
import dev.assize.server.ledger.Verification.Fault;
import dev.assize.server.ledger.merkle.Frontier;
import dev.assize.server.ledger.merkle.TreeHash;
import dev.assize.server.ledger.note.CheckpointText;
import dev.assize.server.model.Digest;
import dev.assize.server.model.TenantId;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The log of heads as it is stored, held to its signed checkpoint: each leaf, whose it is said to be, and its tree. */
final class StoredHeads {

    private final String deployment;
    private final long size;
    private final Frontier tree = Frontier.empty();
    private final TreeHash hash = new TreeHash();
    private @Nullable String fault;

    private StoredHeads(String deployment, long size) {
        this.deployment = deployment;
        this.size = size;
    }

    /** What is not as it was signed; empty where all of it is, or nothing was signed yet. */
    static Optional<String> faultOf(Published published, CheckpointSigner signer, String deployment) {
        return published.checkpoint(OutsideCopy.META).flatMap(signed -> faultOf(published, signer, deployment, signed));
    }

    private static Optional<String> faultOf(
            Published published, CheckpointSigner signer, String deployment, PublishedCheckpoint signed) {
        String origin = SignedHead.origin(deployment, OutsideCopy.META, signed.incarnation());
        String text = new CheckpointText(origin, signed.size(), signed.root().bytes()).text();
        if (!signer.isOurs(deployment, signed.note(), text)) {
            return Optional.of("the checkpoint of the log of heads is not signed by a key of this deployment");
        }
        StoredHeads heads = new StoredHeads(deployment, signed.size());
        published.leaves(signed.incarnation(), heads::accept);
        if (heads.fault == null && !Digest.of(heads.tree.root()).equals(signed.root())) {
            heads.fault = "the log of heads does not have the root that was signed";
        }
        if (heads.fault == null) {
            Fault inTiles = StoredTree.faultOf(published, OutsideCopy.META, signed);
            heads.fault = inTiles == null ? null : "in the log of heads, " + inTiles.message();
        }
        return Optional.ofNullable(heads.fault);
    }

    private void accept(long index, String tenant, String leaf) {
        if (fault != null || index >= size) {
            return;
        }
        if (index != tree.size() || !isOf(tenant, leaf)) {
            fault = "leaf " + tree.size() + " of the log of heads is missing, or another ledger's";
            return;
        }
        tree.append(hash.leaf(leaf.getBytes(StandardCharsets.UTF_8)));
    }

    private boolean isOf(String tenant, String leaf) {
        try {
            return SignedHead.parse(deployment, leaf).tenant().equals(new TenantId(tenant));
        } catch (RuntimeException e) {
            return false;
        }
    }
}
