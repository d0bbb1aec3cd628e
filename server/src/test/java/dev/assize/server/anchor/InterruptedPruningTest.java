package dev.assize.server.anchor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.client.ledger.LedgerBundle;
import dev.assize.server.ledger.Verification.Sound;
import dev.assize.server.ledger.archive.ArchiveUnavailableException;
import dev.assize.server.model.TenantId;
import dev.assize.server.retention.Erasure;
import dev.assize.server.retention.Hold;
import dev.assize.server.retention.Pruning;
import dev.assize.server.retention.Pruning.Result;
import dev.assize.server.storage.s3.LockMode;
import dev.assize.server.storage.s3.S3ArchiveStore;
import dev.assize.server.storage.s3.S3Place;
import dev.assize.server.storage.s3.S3TestPlaces;
import dev.assize.server.storage.s3.S3TestServer;
import dev.assize.server.storage.s3.S3TestServer.Failure;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Prunings that are cut short, or meet something else on their way. */
class InterruptedPruningTest extends PruningFixture {

    /** Of a hold placed while something is pruned; thousands with `-Dassize.test.pruneRounds=2000`. */
    private static final int ROUNDS = Integer.getInteger("assize.test.pruneRounds", 12);

    @Test
    void nothingIsLostWhereverItStops() throws Exception {
        TenantId tenant = ledger("crash", 700);
        Pruning pruning = propose(tenant, 512);
        for (FragileArchive.Fault fault : FragileArchive.Fault.values()) {
            archive.fault = fault;
            assertThatThrownBy(() -> pruner.agree(tenant, BOB, pruning.id()))
                    .isInstanceOf(ArchiveUnavailableException.class);
            archive.fault = null;
            assertThat(entries(tenant, -1, 1).getFirst().seq())
                    .as("after %s", fault)
                    .isZero();
            assertThat(node.verifySigned(tenant, (String) null)).isInstanceOf(Sound.class);
        }
        for (String table : List.of("ledger_pruned", "ledger_past_action", "ledger_entry_default", "ledger_lineage")) {
            String when = table.equals("ledger_entry_default") || table.equals("ledger_lineage") ? "DELETE" : "INSERT";
            sql(
                    tenant,
                    "CREATE OR REPLACE FUNCTION public.die() RETURNS trigger LANGUAGE plpgsql AS"
                            + " $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN OLD; END $$",
                    "ALTER FUNCTION public.die() SECURITY DEFINER",
                    "CREATE TRIGGER die BEFORE " + when + " ON assize." + table
                            + " FOR EACH ROW EXECUTE FUNCTION public.die()");
            assertThatThrownBy(() -> pruner.agree(tenant, BOB, pruning.id()))
                    .as(table)
                    .isInstanceOf(RuntimeException.class);
            sql(tenant, "DROP TRIGGER die ON assize." + table);
            assertThat(entries(tenant, -1, 1).getFirst().seq())
                    .as("after %s", table)
                    .isZero();
            assertThat(node.verifySigned(tenant, (String) null)).isInstanceOf(Sound.class);
        }
        Pruning.Part part = part(agree(pruning));
        sign();
        assertThat(verifyArchived(part.object()).to()).isEqualTo(512);
        assertThat(node.verifySigned(tenant, (String) null)).isInstanceOf(Sound.class);
    }

    @Test
    void nothingIsLostWhateverTheWireToABucketLoses() throws Exception {
        Failure[] failures = Failure.values();
        TenantId tenant = ledger("bucket", failures.length * Pruning.TILE + 2);
        S3TestServer server = S3TestServer.start();
        S3Place place = S3TestPlaces.at(server.endpoint(), S3TestPlaces.ownKey(directory), Duration.ofMillis(250));
        try (server;
                S3ArchiveStore bucket = new S3ArchiveStore(place, LockMode.COMPLIANCE);
                AnchoredNode other = open(bucket)) {
            assertThat(other.round()).isEmpty();
            for (Failure failure : failures) {
                Pruning pruning = propose(tenant, plan(tenant).fromSeq() + Pruning.TILE);
                server.failPut(failure, failure, failure, failure);
                Pruning.Part part = agreeOr(other, pruning, () -> {
                    assertThat(entries(tenant, -1, 1).getFirst().seq()).isEqualTo(pruning.fromSeq());
                    server.failPut();
                });
                server.failPut();
                Path fetched = directory.resolve(failure + ".tar");
                try (InputStream in = bucket.read(part.object()).orElseThrow()) {
                    Files.copy(in, fetched);
                }
                try (LedgerBundle archived = LedgerBundle.open(fetched)) {
                    assertThat(archived.verify(keys(), null, (_, _) -> {}).to()).isEqualTo(pruning.toSeq());
                }
            }
        }
        sign();
        assertThat(node.verifySigned(tenant, (String) null)).isInstanceOf(Sound.class);
    }

    @Test
    void refusesToArchiveWhatIsNotWhatWasSigned() throws SQLException {
        TenantId tenant = ledger("rotten", 700);
        Pruning pruning = propose(tenant, 512);
        sql(tenant, "UPDATE assize.ledger_entry SET frame = frame || '\\x00' WHERE tenant_id = 'rotten' AND seq = 7");
        assertThat(pruner.agree(tenant, BOB, pruning.id()))
                .isInstanceOfSatisfying(
                        Result.Unsound.class,
                        unsound -> assertThat(unsound.fault().seq()).isEqualTo(7));
        assertThat(query("SELECT min(seq) FROM assize.ledger_entry WHERE tenant_id = 'rotten'"))
                .isEqualTo("0");
    }

    @Test
    void aValueErasedMeanwhileDoesNotGoOnInTheArchive() throws Exception {
        TenantId tenant = new TenantId("erased");
        declare(tenant, "1h");
        now = daysAgo(60);
        node.append(
                tenant, IntStream.range(0, 300).mapToObj(AnchoredNode::erasable).toList());
        now = started;
        sign();
        Pruning pruning = propose(tenant, 256);
        archive.behindCreate = () -> {
            archive.behindCreate = null;
            retention.erase(new Erasure(tenant, ANN, Set.of(), List.of(5L), Set.of(), "request 7"));
        };

        assertThat(pruner.agree(tenant, BOB, pruning.id())).isEqualTo(new Result.Pruned(pruning, null, 256));
        assertThat(entries(tenant, -1, 1).getFirst().seq()).isZero();
        Pruning.Part part = part(agree(pruning));
        assertThat(verifyArchived(part.object()).missing()).isEqualTo(1);
        sign();
        assertThat(node.verifySigned(tenant, (String) null)).isInstanceOf(Sound.class);
        assertThat(counts(tenant)).isEqualTo("0 0 0 0 0");
    }

    /** In the first round it has won already; who comes first in the others is left to chance. */
    @Test
    void aHoldWinsEveryRaceItDoesNotLose() throws Exception {
        TenantId tenant = new TenantId("race");
        declare(tenant, "1h");
        append(tenant, ROUNDS * Pruning.TILE + 2, 60);
        sign();
        CyclicBarrier together = new CyclicBarrier(2);
        int held = 0;
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int round = 1; round <= ROUNDS; round++) {
                Pruning pruning = propose(tenant, plan(tenant).fromSeq() + Pruning.TILE);
                Future<Hold> placing = threads.submit(() -> {
                    await(together);
                    return retention.place(new Hold.Placing(tenant, ANN, EVERYTHING, "case 12"));
                });
                boolean isHeldFirst = round == 1;
                archive.behindRead = () -> {
                    await(together);
                    if (isHeldFirst) {
                        awaitDone(placing);
                    }
                };
                Result result = pruner.agree(tenant, BOB, pruning.id());
                Hold hold = placing.get();
                archive.behindRead = null;
                switch (result) {
                    case Result.Refused refused -> {
                        held++;
                        assertThat(refused.limit().message()).endsWith("legal hold " + hold.id());
                        assertThat(entries(tenant, -1, 1).getFirst().seq()).isEqualTo(pruning.fromSeq());
                    }
                    case Result.Pruned pruned -> {
                        assertThat(isHeldFirst).isFalse();
                        assertThat(part(pruned).entry().seq())
                                .isLessThan(hold.placed().seq());
                        assertThat(entries(tenant, -1, 1).getFirst().seq()).isEqualTo(pruning.toSeq());
                    }
                    case Result other -> throw new AssertionError(other);
                }
                retention.release(new Hold.Release(tenant, BOB, hold.id(), "closed"));
            }
        }
        assertThat(held).as("of %d rounds", ROUNDS).isPositive();
        sign();
        assertThat(node.verifySigned(tenant, (String) null)).isInstanceOf(Sound.class);
    }

    private static Pruning.Part agreeOr(AnchoredNode node, Pruning pruning, Runnable failed) {
        try {
            return part((Result.Pruned) node.pruner().agree(pruning.tenant(), BOB, pruning.id()));
        } catch (ArchiveUnavailableException lost) {
            failed.run();
            return part((Result.Pruned) node.pruner().agree(pruning.tenant(), BOB, pruning.id()));
        }
    }

    private static void awaitDone(Future<?> work) {
        try {
            var _ = work.get();
        } catch (ExecutionException | InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void await(CyclicBarrier barrier) {
        try {
            barrier.await();
        } catch (BrokenBarrierException | InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
