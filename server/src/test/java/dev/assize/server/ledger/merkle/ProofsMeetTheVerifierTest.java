package dev.assize.server.ledger.merkle;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.client.ledger.MerkleProof;
import dev.assize.client.ledger.NotProvenException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * The server's proofs before the client's verifier, on random trees: each is accepted as it is, and refused however it
 * is changed.
 *
 * <p>A proof says where a leaf or a tree stands within another, and nothing more of their sizes: 0 of 3 and 0 of 4 take
 * the same hashes in the same order, so a proof of the one with the root of the one is a proof of the other. Which
 * size a root belongs to is what a checkpoint says. Sizes and indexes are therefore changed to all those, and only
 * those, that make another shape.
 *
 * <p>The trees are others each time; one that a failure tells comes again with {@code -Dassize.test.seed}.
 */
class ProofsMeetTheVerifierTest {

    private static final long SEED = Long.getLong("assize.test.seed", System.nanoTime());
    private static final int LARGEST = 70_000;
    private static final List<Integer> SIZES = List.of(
            1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 127, 128, 129, 255, 256, 257, 258, 511, 512, 513,
            767, 768, 1_023, 1_025, 65_280, 65_535, 65_536, 65_537, 65_792, LARGEST);

    private final SplittableRandom random = new SplittableRandom(SEED);
    private final GrownTree tree = new GrownTree();
    private final Prover prover = new Prover(tree);
    private int refused;

    ProofsMeetTheVerifierTest() {
        tree.grow(Stream.generate(this::hash).limit(LARGEST).toList());
    }

    @Test
    void everyInclusionProofHoldsAndNoneThatWasChanged() {
        for (int size : sizes()) {
            for (long index : positions(0, size - 1)) {
                Inclusion proof = new Inclusion(
                        tree.leafHashes(size).get((int) index),
                        index,
                        size,
                        prover.root(size),
                        prover.inclusion(index, size));
                assertThat(proof.holds()).as("seed %d: %s", SEED, proof).isTrue();
                mutations(proof).forEach(this::assertRefused);
            }
        }
        assertThat(refused).isGreaterThan(20_000);
    }

    @Test
    void everyConsistencyProofHoldsAndNoneThatWasChanged() {
        for (int size : sizes()) {
            for (long before : positions(1, size)) {
                Consistency proof = new Consistency(
                        before, prover.root(before), size, prover.root(size), prover.consistency(before, size));
                assertThat(proof.holds()).as("seed %d: %s", SEED, proof).isTrue();
                mutations(proof).forEach(this::assertRefused);
            }
        }
        assertThat(refused).isGreaterThan(20_000);
    }

    @Test
    void everyTreeContinuesTheEmptyOneAndNothingElseDoesSoForFree() {
        byte[] empty = TreeHash.emptyRoot();
        byte[] root = prover.root(5);
        assertThat(new Consistency(0, empty, 5, root, List.of()).holds()).isTrue();
        assertThat(new Consistency(0, empty, 0, empty, List.of()).holds()).isTrue();
        Stream.of(
                        new Consistency(0, empty, 5, root, List.of(root)),
                        new Consistency(0, root, 5, root, List.of()),
                        new Consistency(0, empty, 0, root, List.of()),
                        new Consistency(5, root, 5, prover.root(6), List.of()),
                        new Consistency(5, root, 6, prover.root(6), List.of()),
                        new Consistency(4, prover.root(4), 5, root, List.of()),
                        new Consistency(6, prover.root(6), 5, root, List.of()),
                        new Consistency(-1, empty, 5, root, List.of()))
                .forEach(this::assertRefused);
    }

    @Test
    void largeSizesDoNotOverflow() {
        byte[] root = prover.root(5);
        List<byte[]> path = Collections.nCopies(63, hash());
        for (long size : new long[] {Long.MAX_VALUE, Long.MAX_VALUE - 1, 1L << 62, (1L << 62) + 1}) {
            for (long index : new long[] {0, 1, size / 2, size - 2, size - 1, size}) {
                assertRefused(new Inclusion(hash(), index, size, root, path));
                assertRefused(new Consistency(index, hash(), size, root, path));
            }
        }
    }

    private List<Mutant> mutations(Inclusion proof) {
        List<Mutant> mutants = new ArrayList<>();
        eachPath(proof.path, path -> mutants.add(proof.with(path)));
        eachHash(proof.leaf, leaf -> mutants.add(new Inclusion(leaf, proof.index, proof.size, proof.root, proof.path)));
        eachHash(proof.root, root -> mutants.add(new Inclusion(proof.leaf, proof.index, proof.size, root, proof.path)));
        eachNumber(proof.index)
                .filter(index -> !inclusionShape(index, proof.size).equals(inclusionShape(proof.index, proof.size)))
                .forEach(index -> mutants.add(new Inclusion(proof.leaf, index, proof.size, proof.root, proof.path)));
        eachNumber(proof.size)
                .filter(size -> !inclusionShape(proof.index, size).equals(inclusionShape(proof.index, proof.size)))
                .forEach(size -> mutants.add(new Inclusion(proof.leaf, proof.index, size, proof.root, proof.path)));
        return mutants;
    }

    private List<Mutant> mutations(Consistency proof) {
        List<Mutant> mutants = new ArrayList<>();
        eachPath(proof.path, path -> mutants.add(proof.with(path)));
        eachHash(
                proof.rootBefore,
                root -> mutants.add(new Consistency(proof.before, root, proof.size, proof.root, proof.path)));
        eachHash(
                proof.root,
                root -> mutants.add(new Consistency(proof.before, proof.rootBefore, proof.size, root, proof.path)));
        if (proof.before != proof.size) {
            mutants.add(new Consistency(proof.before, proof.root, proof.size, proof.rootBefore, proof.path));
        }
        String shape = consistencyShape(proof.before, proof.size);
        eachNumber(proof.before)
                .filter(before -> !consistencyShape(before, proof.size).equals(shape))
                .forEach(before ->
                        mutants.add(new Consistency(before, proof.rootBefore, proof.size, proof.root, proof.path)));
        eachNumber(proof.size)
                .filter(size -> !consistencyShape(proof.before, size).equals(shape))
                .forEach(size ->
                        mutants.add(new Consistency(proof.before, proof.rootBefore, size, proof.root, proof.path)));
        return mutants;
    }

    /** Every hash with a bit flipped, left out, doubled, cut or swapped with the next; one too many at every place. */
    private void eachPath(List<byte[]> path, Consumer<List<byte[]>> mutant) {
        for (int i = 0; i < path.size(); i++) {
            int at = i;
            eachHash(path.get(i), hash -> mutant.accept(changed(path, copy -> replaced(copy, at, hash))));
            mutant.accept(changed(path, copy -> without(copy, at)));
            mutant.accept(changed(path, copy -> with(copy, at, path.get(at))));
            if (i + 1 < path.size()) {
                mutant.accept(changed(path, copy -> swapped(copy, at)));
            }
        }
        for (int i = 0; i <= path.size(); i++) {
            int at = i;
            mutant.accept(changed(path, copy -> with(copy, at, hash())));
        }
        if (path.size() > 1) {
            mutant.accept(List.of());
            mutant.accept(path.reversed());
        }
    }

    private void eachHash(byte[] hash, Consumer<byte[]> mutant) {
        byte[] flipped = hash.clone();
        flipped[random.nextInt(hash.length)] ^= (byte) (1 << random.nextInt(8));
        mutant.accept(flipped);
        mutant.accept(Arrays.copyOf(hash, 31));
        mutant.accept(Arrays.copyOf(hash, 33));
        mutant.accept(new byte[0]);
    }

    private Stream<Long> eachNumber(long number) {
        LongStream bits = LongStream.range(0, 20).map(bit -> number ^ (1L << bit));
        LongStream around = LongStream.of(
                number - 1,
                number + 1,
                number / 2,
                number * 2,
                0,
                -1,
                -number,
                LARGEST,
                Long.MAX_VALUE,
                Long.MIN_VALUE);
        return LongStream.concat(bits, around)
                .filter(other -> other != number)
                .distinct()
                .boxed();
    }

    /** On which side each hash of the path joins, as RFC 6962 defines the path; `none` where there is none. */
    private static String inclusionShape(long index, long size) {
        if (index < 0 || index >= size) {
            return "none";
        }
        if (size == 1) {
            return "";
        }
        long left = Long.highestOneBit(size - 1);
        return index < left ? inclusionShape(index, left) + "R" : inclusionShape(index - left, size - left) + "L";
    }

    private static String consistencyShape(long before, long size) {
        if (before < 0 || before > size) {
            return "none";
        }
        return before == 0 ? "empty" : subShape(before, size, true);
    }

    private static String subShape(long before, long size, boolean known) {
        if (before == size) {
            return known ? "known" : "given";
        }
        long left = Long.highestOneBit(size - 1);
        return before <= left ? subShape(before, left, known) + "R" : subShape(before - left, size - left, false) + "L";
    }

    private void assertRefused(Mutant mutant) {
        assertThat(mutant.holds()).as("seed %d: %s", SEED, mutant).isFalse();
        refused++;
    }

    private Set<Integer> sizes() {
        Set<Integer> sizes = new HashSet<>(SIZES);
        Stream.generate(() -> random.nextInt(1, LARGEST)).limit(20).forEach(sizes::add);
        return sizes;
    }

    private Set<Long> positions(long from, long to) {
        Set<Long> positions = new HashSet<>(List.of(from, to));
        LongStream.of(from + 1, to - 1, to / 2, Long.highestOneBit(to), Long.highestOneBit(to) - 1, 255, 256, 257)
                .filter(position -> position >= from && position <= to)
                .forEach(positions::add);
        positions.add(random.nextLong(from, to + 1));
        return positions;
    }

    private byte[] hash() {
        byte[] hash = new byte[32];
        random.nextBytes(hash);
        return hash;
    }

    private static List<byte[]> changed(List<byte[]> path, UnaryOperator<List<byte[]>> change) {
        return change.apply(new ArrayList<>(path));
    }

    private static List<byte[]> replaced(List<byte[]> path, int at, byte[] hash) {
        path.set(at, hash);
        return path;
    }

    private static List<byte[]> without(List<byte[]> path, int at) {
        path.remove(at);
        return path;
    }

    private static List<byte[]> with(List<byte[]> path, int at, byte[] hash) {
        path.add(at, hash);
        return path;
    }

    private static List<byte[]> swapped(List<byte[]> path, int at) {
        Collections.swap(path, at, at + 1);
        return path;
    }

    private sealed interface Mutant {
        boolean holds();
    }

    private record Inclusion(byte[] leaf, long index, long size, byte[] root, List<byte[]> path) implements Mutant {

        Inclusion with(List<byte[]> other) {
            return new Inclusion(leaf, index, size, root, other);
        }

        @Override
        public boolean holds() {
            try {
                MerkleProof.requireInclusion(leaf, index, size, root, path);
                return true;
            } catch (NotProvenException e) {
                return false;
            }
        }
    }

    private record Consistency(long before, byte[] rootBefore, long size, byte[] root, List<byte[]> path)
            implements Mutant {

        Consistency with(List<byte[]> other) {
            return new Consistency(before, rootBefore, size, root, other);
        }

        @Override
        public boolean holds() {
            try {
                MerkleProof.requireConsistency(before, rootBefore, size, root, path);
                return true;
            } catch (NotProvenException e) {
                return false;
            }
        }
    }
}
