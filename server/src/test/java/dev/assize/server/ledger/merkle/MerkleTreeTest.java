package dev.assize.server.ledger.merkle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The tree against RFC 6962 as written, and against the test data that transparency logs share. */
class MerkleTreeTest {

    private static final long SEED = 6962;

    /** Entries of the tree that Certificate Transparency's tests have used from the beginning, and its roots. */
    private static final List<String> KNOWN_ENTRIES =
            List.of("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f");

    private static final List<String> KNOWN_ROOTS = List.of(
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328");

    private final SplittableRandom random = new SplittableRandom(SEED);

    @Test
    void hasTheRootsThatEveryLogKnows() {
        Frontier frontier = Frontier.empty();
        assertThat(hex(frontier.root())).isEqualTo(KNOWN_ROOTS.getFirst());
        for (int i = 0; i < KNOWN_ENTRIES.size(); i++) {
            frontier.append(new TreeHash().leaf(HexFormat.of().parseHex(KNOWN_ENTRIES.get(i))));
            assertThat(hex(frontier.root())).isEqualTo(KNOWN_ROOTS.get(i + 1));
        }
    }

    @Test
    void restoresAtAnySizeAndGoesOnTheSame() {
        Frontier whole = Frontier.empty();
        List<byte[]> leaves = leaves(600);
        for (byte[] leaf : leaves) {
            Frontier restored = Frontier.restore(whole.size(), whole.peaks());
            whole.append(leaf);
            restored.append(leaf);
            assertThat(restored.peaks()).isEqualTo(whole.peaks());
            assertThat(restored.root()).isEqualTo(ReferenceTree.root(leaves.subList(0, (int) whole.size())));
        }
    }

    @Test
    void growsFromAnySizeByWhatStandsInTiles() {
        GrownTree tree = new GrownTree();
        tree.grow(leaves(70_000));
        Prover prover = new Prover(tree);
        for (int i = 0; i < 2_000; i++) {
            long size = random.nextLong(random.nextBoolean() ? 600 : 70_000) + 1;
            Frontier from = prover.frontier(random.nextLong(size + 1));
            Frontier grown = prover.grown(from, size);
            assertThat(grown.peaks())
                    .as("%d to %d", from.size(), size)
                    .isEqualTo(prover.frontier(size).peaks());
            assertThat(grown.size()).isEqualTo(size);
            if (from.size() > 0) {
                byte[] peaks = from.peaks();
                peaks[random.nextInt(peaks.length)] ^= 1;
                assertThat(prover.grown(Frontier.restore(from.size(), peaks), size)
                                .root())
                        .isNotEqualTo(grown.root());
            }
        }
        assertThatThrownBy(() -> prover.grown(prover.frontier(3), 2)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> prover.frontier(3).append(new Node(1, 2), new byte[32]))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void refusesAnotherNumberOfPeaks() {
        assertThatThrownBy(() -> Frontier.restore(3, new byte[32]))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("The peaks of a tree of size 3 have 64 bytes, not 32");
        assertThatThrownBy(() -> Frontier.restore(3, new byte[65])).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> Frontier.restore(-1, new byte[0])).isInstanceOf(IllegalArgumentException.class);
        for (int bytes : new int[] {0, 31, 33}) {
            byte[] noHash = new byte[bytes];
            assertThatThrownBy(() -> Frontier.empty().append(noHash)).isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> new TreeGrowth(Frontier.empty()).append(noHash))
                    .isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void growsToTheLastSizeThereIs() {
        Frontier frontier = Frontier.restore(Long.MAX_VALUE - 1, new byte[62 * 32]);
        frontier.append(new byte[32]);
        assertThat(frontier.size()).isEqualTo(Long.MAX_VALUE);
        assertThat(frontier.root()).hasSize(32);
        assertThatThrownBy(() -> frontier.append(new byte[32])).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void cutsTheSameTilesInWhateverRoundsItGrows() {
        List<byte[]> leaves = leaves(140_000);
        GrownTree atOnce = new GrownTree();
        atOnce.grow(leaves);
        GrownTree inRounds = new GrownTree();
        for (int from = 0; from < leaves.size(); ) {
            int to = Math.min(leaves.size(), from + random.nextInt(1, 3_000));
            inRounds.grow(leaves.subList(from, to));
            from = to;
        }
        assertThat(inRounds.frontier().root())
                .isEqualTo(atOnce.frontier().root())
                .isEqualTo(ReferenceTree.root(leaves));
        assertThat(inRounds.full()).hasSize(546 + 2).containsExactlyInAnyOrderEntriesOf(atOnce.full());
    }

    @Test
    void readsTheBeginningOfATileOnlyWhereItFills() {
        GrownTree tree = new GrownTree();
        tree.grow(leaves(200));
        tree.grow(leaves(55));
        assertThat(tree.asked()).isEmpty();
        tree.grow(leaves(1));
        assertThat(tree.asked()).containsExactly(new TileId(0, 0, 255));
    }

    @Test
    void hasTheRootsOfFullTilesAsTheHashesAboveThem() {
        GrownTree tree = new GrownTree();
        tree.grow(leaves(65_536));
        byte[] above = tree.read(List.of(new TileId(1, 0, 256))).getFirst();
        for (int i = 0; i < 256; i++) {
            TileId id = new TileId(0, i, 256);
            assertThat(new Tile(id, tree.read(List.of(id)).getFirst()).root())
                    .isEqualTo(Arrays.copyOfRange(above, i * 32, (i + 1) * 32));
        }
    }

    @Test
    void refusesAChangedHashOnItsWayIntoATile() {
        List<byte[]> leaves = leaves(300);
        TreeGrowth growth = new TreeGrowth(frontierOf(leaves.subList(0, 200)));
        leaves.subList(200, 300).forEach(growth::append);
        byte[] beginning = concatenated(leaves.subList(0, 200));
        assertThat(growth.fullTiles(tiles -> List.of(beginning))).hasSize(1);
        for (int i = 0; i < beginning.length; i += 61) {
            byte[] changed = beginning.clone();
            changed[i] ^= 0x40;
            assertThatThrownBy(() -> growth.fullTiles(tiles -> List.of(changed)))
                    .isInstanceOf(TileMismatchException.class)
                    .hasMessage("tile/0/000.p/200 is not what the tree of size 200 had");
        }
        assertThatThrownBy(() -> growth.fullTiles(tiles -> List.of(new byte[64])))
                .isInstanceOf(TileMismatchException.class);
    }

    @Test
    void provesAsTheStandardSays() {
        GrownTree tree = new GrownTree();
        tree.grow(leaves(70_000));
        Prover prover = new Prover(tree);
        List<Integer> sizes = new ArrayList<>(List.of(
                1, 2, 3, 4, 5, 7, 8, 9, 127, 128, 129, 255, 256, 257, 511, 512, 513, 4_095, 4_096, 65_535, 65_536,
                65_537, 65_792, 70_000));
        Stream.generate(() -> random.nextInt(1, 70_001)).limit(10).forEach(sizes::add);
        Function<List<byte[]>, byte[]> roots = ReferenceTree.rootsOfOneList();
        for (int size : sizes) {
            List<byte[]> leaves = tree.leafHashes(size);
            assertThat(prover.root(size)).isEqualTo(ReferenceTree.root(leaves));
            for (int index : List.of(0, size / 2, random.nextInt(size), size - 1)) {
                assertSame(prover.inclusion(index, size), ReferenceTree.path(index, leaves, roots));
                assertSame(prover.consistency(index + 1, size), ReferenceTree.proof(index + 1, leaves, roots));
            }
            assertThat(prover.consistency(0, size)).isEmpty();
            assertThat(prover.consistency(size, size)).isEmpty();
        }
    }

    @Test
    void provesEverythingOfEverySmallTree() {
        GrownTree tree = new GrownTree();
        tree.grow(leaves(70));
        Prover prover = new Prover(tree);
        for (int size = 1; size <= 70; size++) {
            for (int index = 0; index < size; index++) {
                assertSame(prover.inclusion(index, size), ReferenceTree.path(index, tree.leafHashes(size)));
                assertSame(prover.consistency(index + 1, size), ReferenceTree.proof(index + 1, tree.leafHashes(size)));
            }
        }
    }

    @Test
    void readsTwoTilesALevelForAProof() {
        GrownTree tree = new GrownTree();
        tree.grow(leaves(140_000));
        Prover prover = new Prover(tree);
        tree.asked();
        for (int i = 0; i < 200; i++) {
            int size = random.nextInt(1, 140_001);
            prover.inclusion(random.nextInt(size), size);
            assertThat(tree.asked()).hasSizeLessThanOrEqualTo(2 * 3);
            prover.consistency(random.nextInt(size), size);
            assertThat(tree.asked()).hasSizeLessThanOrEqualTo(2 * 3);
        }
    }

    @Test
    void refusesToProveWhatIsNotThere() {
        Prover prover = new Prover(new GrownTree());
        assertThatThrownBy(() -> prover.inclusion(5, 5)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> prover.inclusion(-1, 5)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> prover.consistency(6, 5)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> prover.consistency(-1, 5)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void namesTilesAsTheArchiveDoes() {
        assertThat(new TileId(0, 1_234_067, 256).path()).isEqualTo("tile/0/x001/x234/067");
        assertThat(new TileId(1, 0, 17).path()).isEqualTo("tile/1/000.p/17");
        assertThat(new TileId(0, 1_000, 256).path()).isEqualTo("tile/0/x001/000");
        assertThat(TileId.entriesPath(273, 112)).isEqualTo("tile/entries/273.p/112");
    }

    private static void assertSame(List<byte[]> proof, List<byte[]> expected) {
        assertThat(proof.stream().map(MerkleTreeTest::hex).toList())
                .isEqualTo(expected.stream().map(MerkleTreeTest::hex).toList());
    }

    private List<byte[]> leaves(int count) {
        return Stream.generate(() -> {
                    byte[] hash = new byte[32];
                    random.nextBytes(hash);
                    return hash;
                })
                .limit(count)
                .toList();
    }

    private static Frontier frontierOf(List<byte[]> leaves) {
        Frontier frontier = Frontier.empty();
        leaves.forEach(frontier::append);
        return frontier;
    }

    private static byte[] concatenated(List<byte[]> hashes) {
        byte[] all = new byte[hashes.size() * 32];
        for (int i = 0; i < hashes.size(); i++) {
            System.arraycopy(hashes.get(i), 0, all, i * 32, 32);
        }
        return all;
    }

    private static String hex(byte[] bytes) {
        return HexFormat.of().formatHex(bytes);
    }
}
