package dev.assize.server.anchor;

import com.google.inject.Inject;
import dev.assize.server.anchor.AnchorRepository.CosignedCheckpoint;
import dev.assize.server.anchor.AnchorRepository.MetaLeaf;
import dev.assize.server.anchor.AnchorRepository.PublishedCheckpoint;
import dev.assize.server.ledger.merkle.Prover;
import dev.assize.server.ledger.merkle.TileId;
import dev.assize.server.ledger.merkle.TileSource;
import dev.assize.server.model.TenantId;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Hands out signed checkpoints, and proofs that lead to them. What it says needs no trust: it is all to be verified. */
public final class Checkpoints {

    private final AnchorRepository repository;
    private final CheckpointSigner signer;

    /** Verifier keys of those who are asked. */
    private final Set<String> witnesses;

    @Inject
    Checkpoints(AnchorRepository repository, CheckpointSigner signer, WitnessConfig config) {
        this.repository = repository;
        this.signer = signer;
        this.witnesses = config.witnesses().stream()
                .map(witness -> witness.key().toString())
                .collect(Collectors.toUnmodifiableSet());
    }

    /** A ledger's latest checkpoint, and its place in the log of heads; empty before the first one. */
    public Optional<Checkpoint> latest(TenantId tenant) {
        return repository.published(published -> published
                .checkpoint(tenant.value())
                .map(signed -> new Checkpoint(
                        signed,
                        published
                                .checkpoint(OutsideCopy.META)
                                .flatMap(meta -> place(published, tenant, meta))
                                .orElse(null),
                        signer.verifierKeys(repository.deployment()))));
    }

    private Optional<Place> place(Published published, TenantId tenant, PublishedCheckpoint meta) {
        return published.latestLeaf(tenant, meta.incarnation(), meta.size()).map(leaf -> {
            PublishedCheckpoint shown = witnessed(published, meta, leaf);
            Prover prover = new Prover(published.tiles(OutsideCopy.META, shown.incarnation()));
            return new Place(shown, leaf, prover.inclusion(leaf.index(), shown.size()));
        });
    }

    /**
     * The newest checkpoint of the log of heads that witnesses have signed, with their lines, where it holds that leaf;
     * else the newest of all, which they are yet to see.
     */
    private PublishedCheckpoint witnessed(Published published, PublishedCheckpoint newest, MetaLeaf leaf) {
        if (witnesses.isEmpty()) {
            return newest;
        }
        List<CosignedCheckpoint> cosigned = published.cosigned().stream()
                .filter(it -> witnesses.contains(it.witness())
                        && it.checkpoint().incarnation() == newest.incarnation()
                        && it.checkpoint().size() > leaf.index())
                .toList();
        return cosigned.stream()
                .map(CosignedCheckpoint::checkpoint)
                .max(Comparator.comparingLong(PublishedCheckpoint::size))
                .map(best -> withLines(best, cosigned))
                .orElse(newest);
    }

    /** The text stays as it is; lines are added below the log's own. */
    private static PublishedCheckpoint withLines(PublishedCheckpoint best, List<CosignedCheckpoint> cosigned) {
        String lines = cosigned.stream()
                .filter(it -> it.checkpoint().size() == best.size()
                        && it.checkpoint().root().equals(best.root()))
                .map(CosignedCheckpoint::line)
                .sorted()
                .collect(Collectors.joining());
        return new PublishedCheckpoint(
                best.incarnation(), best.size(), best.root(), best.note() + lines, best.signedAt());
    }

    /**
     * The hashes that lead from an entry to the root of the latest checkpoint, or of a smaller tree.
     *
     * @param treeSize null for the latest checkpoint's
     * @throws NoSuchTreeException where the entry is not in a tree of that size, or that size was not signed yet
     */
    public Inclusion inclusion(TenantId tenant, long seq, @Nullable Long treeSize) {
        return repository.published(published -> {
            PublishedCheckpoint latest = required(published, tenant);
            long size = treeSize == null ? latest.size() : treeSize;
            requireSigned(tenant, size, latest);
            if (seq < 0 || seq >= size) {
                throw new NoSuchTreeException("entry " + seq + " is not in the tree of " + size + " entries");
            }
            Prover prover = new Prover(published.tiles(tenant.value(), latest.incarnation()));
            return new Inclusion(latest, seq, size, prover.root(size), prover.inclusion(seq, size));
        });
    }

    /**
     * The hashes that show a tree to continue a smaller one.
     *
     * @param toSize null for the latest checkpoint's
     * @throws NoSuchTreeException where the first is not smaller, or the second was not signed yet
     */
    public Consistency consistency(TenantId tenant, long fromSize, @Nullable Long toSize) {
        return repository.published(published -> {
            PublishedCheckpoint latest = required(published, tenant);
            long size = toSize == null ? latest.size() : toSize;
            requireSigned(tenant, size, latest);
            if (fromSize < 0 || fromSize > size) {
                throw new NoSuchTreeException("a tree of " + size + " entries does not continue one of " + fromSize);
            }
            Prover prover = new Prover(published.tiles(tenant.value(), latest.incarnation()));
            return new Consistency(
                    latest,
                    fromSize,
                    size,
                    prover.root(fromSize),
                    prover.root(size),
                    prover.consistency(fromSize, size));
        });
    }

    /** The right edge of the tree at a size: of each level of tiles, lowest first, the hashes of the one that is not full. */
    public List<byte[]> edges(TenantId tenant, long size) {
        return repository.published(published -> {
            PublishedCheckpoint latest = required(published, tenant);
            requireSigned(tenant, size, latest);
            TileSource tiles = published.tiles(tenant.value(), latest.incarnation());
            List<byte[]> edges = new ArrayList<>();
            for (int level = 0; size >>> (8 * level) > 0 && level < 8; level++) {
                long hashes = size >>> (8 * level);
                int width = (int) (hashes % TileId.FULL);
                edges.add(
                        width == 0
                                ? new byte[0]
                                : tiles.read(List.of(new TileId(level, hashes / TileId.FULL, width)))
                                        .getFirst());
            }
            return edges;
        });
    }

    private static PublishedCheckpoint required(Published published, TenantId tenant) {
        return published
                .checkpoint(tenant.value())
                .orElseThrow(() ->
                        new NoSuchTreeException("nothing of the ledger of tenant `" + tenant + "` is signed yet"));
    }

    private static void requireSigned(TenantId tenant, long size, PublishedCheckpoint latest) {
        if (size > latest.size()) {
            throw new NoSuchTreeException(
                    "the ledger of tenant `" + tenant + "` is signed up to " + latest.size() + " entries, not " + size);
        }
    }

    /**
     * A checkpoint and what stands behind it.
     *
     * @param place null before the log of heads was published
     * @param verifierKeys of C2SP signed-note, the present one first
     */
    public record Checkpoint(
            PublishedCheckpoint signed, @Nullable Place place, List<String> verifierKeys) {}

    /**
     * Where the latest head stands in the log of heads.
     *
     * @param leaf whose text is that of the checkpoint
     * @param proof that it is in the tree of the log of heads
     */
    public record Place(PublishedCheckpoint meta, MetaLeaf leaf, List<byte[]> proof) {}

    /** Hashes from an entry's to the root, beginning at the entry. */
    public record Inclusion(PublishedCheckpoint latest, long seq, long treeSize, byte[] root, List<byte[]> proof) {}

    /** Hashes that lead from one root to another. */
    public record Consistency(
            PublishedCheckpoint latest, long fromSize, long toSize, byte[] fromRoot, byte[] root, List<byte[]> proof) {}
}
