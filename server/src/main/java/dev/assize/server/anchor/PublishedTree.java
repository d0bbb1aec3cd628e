package dev.assize.server.anchor;

import dev.assize.server.anchor.AnchorRepository.PublishedCheckpoint;
import dev.assize.server.anchor.AnchorRepository.Standing;
import dev.assize.server.ledger.merkle.Frontier;
import dev.assize.server.ledger.merkle.Prover;
import dev.assize.server.ledger.merkle.TileMismatchException;
import dev.assize.server.model.Digest;
import java.util.Optional;

/**
 * The tree over a ledger in the incarnation in which it stands, by the hashes that are stored: proofs of what they say are the
 * roots that were signed. An incarnation that has signed nothing yet has none.
 */
final class PublishedTree {

    private final AnchorRepository repository;
    private final Standing standing;

    PublishedTree(AnchorRepository repository, Standing standing) {
        this.repository = repository;
        this.standing = standing;
    }

    /** The checkpoint that was published last, where it is of this incarnation. */
    Optional<PublishedCheckpoint> latest() {
        return repository.published(read -> latest(read, standing));
    }

    static Optional<PublishedCheckpoint> latest(Published published, Standing standing) {
        return published
                .checkpoint(standing.tenant().value())
                .filter(checkpoint -> checkpoint.incarnation() == standing.incarnation());
    }

    boolean reaches(long size) {
        return latest().filter(signed -> signed.size() >= size).isPresent();
    }

    /**
     * The tree at a size that it reaches.
     *
     * @throws TileMismatchException where the hashes are not those of one tree
     */
    Frontier at(long size) {
        return repository.published(published -> prover(published).frontier(size));
    }

    /** The tree of a head, where the hashes bear it out. */
    Optional<Frontier> of(SignedHead head) {
        if (head.incarnation() != standing.incarnation() || !reaches(head.size())) {
            return Optional.empty();
        }
        try {
            return Optional.of(at(head.size()))
                    .filter(tree -> Digest.of(tree.root()).equals(head.root()));
        } catch (TileMismatchException e) {
            return Optional.empty();
        }
    }

    /**
     * The tree over what stands before a position, from the largest that is known.
     *
     * @param beginning the tree where the ledger begins
     * @throws TileMismatchException where the hashes are not those of one tree
     */
    Frontier before(long seq, Frontier beginning) {
        long published = latest().map(PublishedCheckpoint::size).orElse(0L);
        Frontier known = published <= beginning.size() ? beginning : at(Math.min(published, seq));
        return grown(known, seq);
    }

    /**
     * The tree at a size that begins with another one, and goes on by the hashes in tiles, and behind those that are published by the
     * entries' own: what is outside may be ahead of what is published.
     */
    Frontier grown(Frontier from, long size) {
        return repository.published(published -> {
            long tiled = Math.min(
                    size,
                    latest(published, standing).map(PublishedCheckpoint::size).orElse(0L));
            Prover prover = prover(published);
            return prover.grownByLeaves(from.size() < tiled ? prover.grown(from, tiled) : from, size);
        });
    }

    /** Whether a tree, grown to a size, has that root; it has not where the hashes are not those of one tree. */
    boolean grows(Frontier from, long size, Digest root) {
        try {
            return Digest.of(grown(from, size).root()).equals(root);
        } catch (TileMismatchException e) {
            return false;
        }
    }

    private Prover prover(Published published) {
        return new Prover(published.tiles(standing.tenant().value(), standing.incarnation()));
    }
}
