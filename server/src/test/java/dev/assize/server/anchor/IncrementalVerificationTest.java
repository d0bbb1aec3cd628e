package dev.assize.server.anchor;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.ledger.Verification.Sound;
import dev.assize.server.ledger.merkle.Prover;
import dev.assize.server.ledger.merkle.TileId;
import dev.assize.server.ledger.merkle.TileSource;
import dev.assize.server.model.TenantId;
import dev.assize.server.testing.TestDatabase;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What verification from a checkpoint reads, counted: it does not grow with what was before. */
class IncrementalVerificationTest {

    private static final TenantId ACME = new TenantId("acme");
    private static final int NEW = 10;

    @Test
    void readsWhatIsNewAndTheEdgeOfTheTree(@TempDir Path directory) {
        try (TestDatabase database = TestDatabase.migrated();
                AnchoredNode node = AnchoredNode.start(
                        database, new FileOutsideStore(directory.resolve("anchor")), directory.resolve("keys"))) {
            assertThat(node.round()).isEmpty();
            for (int size : new int[] {300, 2_500}) {
                node.append(ACME, size - (int) node.repository().standing(ACME).size());
                assertThat(node.round()).isEmpty();
                String kept =
                        node.checkpoints().latest(ACME).orElseThrow().signed().note();
                node.append(ACME, NEW);
                assertThat(node.round()).isEmpty();

                assertThat(node.verifySigned(ACME, kept))
                        .isInstanceOfSatisfying(
                                Sound.class,
                                sound -> assertThat(sound.span().verified()).isEqualTo(NEW));
                // One tile a level at most, of 256 hashes each: three levels are 16,777,216 entries.
                assertThat(tilesOfTheEdge(node, size)).isLessThanOrEqualTo(2);
            }
        }
    }

    private static int tilesOfTheEdge(AnchoredNode node, long size) {
        List<TileId> read = new ArrayList<>();
        node.repository().published(published -> {
            TileSource tiles = published.tiles(ACME.value(), 1);
            return new Prover(ids -> {
                        read.addAll(ids);
                        return tiles.read(ids);
                    })
                    .frontier(size);
        });
        return read.size();
    }
}
