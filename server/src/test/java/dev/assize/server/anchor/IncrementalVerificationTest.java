package dev.assize.server.anchor;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.ledger.Verification;
import dev.assize.server.ledger.Verification.Sound;
import dev.assize.server.ledger.merkle.Prover;
import dev.assize.server.ledger.merkle.TileId;
import dev.assize.server.ledger.merkle.TileSource;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.TenantId;
import dev.assize.server.storage.DatabaseAccess;
import dev.assize.server.testing.TestDatabase;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What verification from a checkpoint reads, counted: it does not grow with what was before. */
class IncrementalVerificationTest {

    private static final TenantId ACME = new TenantId("acme");
    private static final int NEW = 10;
    private static final Duration PATIENCE = Duration.ofSeconds(30);

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

    /** All that the log of heads has of a tenant is read for what ended incarnations have signed; it grows with each round. */
    @Test
    void doesNotReadTheLogOfHeadsBehindTheLastIncarnation(@TempDir Path directory) throws Exception {
        try (TestDatabase database = TestDatabase.migrated();
                AnchoredNode node = AnchoredNode.start(
                        database, new FileOutsideStore(directory.resolve("anchor")), directory.resolve("keys"))) {
            assertThat(node.round()).isEmpty();
            node.append(ACME, 30);
            assertThat(node.round()).isEmpty();
            DatabaseAccess access = database.superuser();
            try (Connection superuser = DriverManager.getConnection(access.url(), access.user(), access.password());
                    Statement statement = superuser.createStatement()) {
                statement.execute("DELETE FROM assize.ledger_entry WHERE tenant_id = 'acme' AND seq >= 20;"
                        + " UPDATE assize.ledger_head h SET size = 20, last_hash = e.entry_hash,"
                        + " last_recorded_at = e.recorded_at FROM assize.ledger_entry e"
                        + " WHERE h.tenant_id = 'acme' AND e.tenant_id = 'acme' AND e.seq = 19");
                assertThat(node.incarnations().begin(ACME, new IncarnationRecord(Recorder.ASSIZE, "disk lost")))
                        .isPresent();
                node.append(ACME, NEW);
                assertThat(node.round()).isEmpty();
                String kept =
                        node.checkpoints().latest(ACME).orElseThrow().signed().note();
                node.append(ACME, NEW);
                assertThat(node.round()).isEmpty();

                superuser.setAutoCommit(false);
                statement.execute("LOCK TABLE assize.meta_leaf IN ACCESS EXCLUSIVE MODE");
                CompletableFuture<Verification> since =
                        CompletableFuture.supplyAsync(() -> node.verifySigned(ACME, kept));
                assertThat(since).succeedsWithin(PATIENCE).isInstanceOf(Sound.class);
                CompletableFuture<Verification> all =
                        CompletableFuture.supplyAsync(() -> node.verifySigned(ACME, null));
                assertThat(all).as("held up by the lock").failsWithin(Duration.ofMillis(300));
                superuser.rollback();
                assertThat(all).succeedsWithin(PATIENCE).isInstanceOf(Sound.class);
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
