package dev.assize.server.anchor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.server.audit.AuditEvent;
import dev.assize.server.audit.AuditFilter;
import dev.assize.server.audit.Erasable;
import dev.assize.server.audit.RecordedEvent;
import dev.assize.server.ledger.Receipt;
import dev.assize.server.ledger.Verification.Broken;
import dev.assize.server.ledger.Verification.Sound;
import dev.assize.server.model.Environment;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.retention.Erasure;
import dev.assize.server.retention.Erasure.Erased;
import dev.assize.server.retention.Erasure.Result;
import dev.assize.server.retention.Hold;
import dev.assize.server.retention.Hold.ReleaseResult;
import dev.assize.server.retention.HoldScope;
import dev.assize.server.retention.RetentionRepository;
import dev.assize.server.storage.DatabaseAccess;
import dev.assize.server.testing.TestDatabase;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** Erases values of signed ledgers, and holds them against it. Each test has a ledger of its own. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ErasureTest {

    /** Of a hold placed while something is erased; thousands with `-Dassize.test.holdRounds=5000`. */
    private static final int ROUNDS = Integer.getInteger("assize.test.holdRounds", 50);

    private static final Recorder ANN = new Recorder(new Subject("user", "ann"), TenantId.ASSIZE);
    private static final Recorder BOB = new Recorder(new Subject("user", "bob"), TenantId.ASSIZE);
    private static final HoldScope EVERYTHING = new HoldScope(null, null, null, null);

    private final TestDatabase database = TestDatabase.migrated();
    private AnchoredNode node;
    private RetentionRepository retention;

    @BeforeAll
    void start(@TempDir Path directory) {
        node = AnchoredNode.start(
                database, new FileOutsideStore(directory.resolve("anchor")), directory.resolve("keys"));
        assertThat(node.round()).isEmpty();
        retention = node.retention();
    }

    @AfterAll
    void stop() {
        node.close();
        database.close();
    }

    @Test
    void refusesToEraseWhatIsInTheFrame() {
        TenantId tenant = ledger("in-frame", AnchoredNode.event(0), AnchoredNode.erasable(1));

        assertThat(erase(tenant, Set.of(), 0L)).isEqualTo(new Result.NotErasable(0, Set.of()));
        assertThat(erase(tenant, Set.of(Erasable.ON_BEHALF_OF), 1L))
                .isEqualTo(new Result.NotErasable(1, Set.of(Erasable.REASON, Erasable.PAYLOAD)));
        assertThat(erase(tenant, Set.of(), 1L, 0L)).isEqualTo(new Result.NotErasable(0, Set.of()));
        assertThat(erase(tenant, Set.of(), 2L)).isEqualTo(new Result.NoSuchEntry(2));
        Erasure elsewhere =
                new Erasure(tenant, ANN, Set.of(new Environment("staging")), List.of(1L), Set.of(), "request 7");
        assertThat(retention.erase(elsewhere)).isEqualTo(new Result.NoSuchEntry(1));
        assertThat(entries(tenant)).hasSize(2);
        assertThat(entry(tenant, 1).erased()).isEmpty();
    }

    @Test
    void refusesToEraseWhatAHoldIsOn() {
        TenantId tenant = ledger("held", AnchoredNode.erasable(0));
        Instant recorded = entry(tenant, 0).recordedAt();
        Subject alice = new Subject("user", "alice");
        ResourcePath vault = ResourcePath.parse("vault:company");
        for (HoldScope scope : List.of(
                EVERYTHING,
                new HoldScope(alice, null, null, null),
                new HoldScope(null, vault, null, null),
                new HoldScope(null, null, recorded, recorded.plusNanos(1_000)),
                new HoldScope(alice, vault, recorded, null))) {
            Hold hold = retention.place(new Hold.Placing(tenant, ANN, scope, "case 12"));
            assertThat(erase(tenant, Set.of(), 0L)).isEqualTo(new Result.Held(0, List.of(hold.id())));
            assertThat(retention.release(new Hold.Release(tenant, BOB, hold.id(), "closed")))
                    .isInstanceOf(ReleaseResult.Released.class);
        }
        for (HoldScope scope : List.of(
                new HoldScope(new Subject("user", "alic"), null, null, null),
                new HoldScope(null, ResourcePath.parse("vault:comp"), null, null),
                new HoldScope(null, null, recorded.plusNanos(1_000), null),
                new HoldScope(null, null, null, recorded),
                new HoldScope(alice, ResourcePath.parse("vault:other"), null, null))) {
            retention.place(new Hold.Placing(tenant, ANN, scope, "case 13"));
        }
        assertThat(erase(tenant, Set.of(), 0L)).isInstanceOf(Result.Done.class);
    }

    @Test
    void refusesAReleaseByWhoPlacedTheHold() {
        TenantId tenant = ledger("release", AnchoredNode.erasable(0));
        Hold hold = retention.place(new Hold.Placing(tenant, ANN, EVERYTHING, "case 12"));

        assertThat(retention.release(new Hold.Release(tenant, ANN, hold.id(), "closed")))
                .isEqualTo(new ReleaseResult.Own(hold));
        assertThat(retention.release(new Hold.Release(tenant, BOB, "h99", "closed")))
                .isEqualTo(new ReleaseResult.NoSuchHold());
        Recorder otherAnn = new Recorder(ANN.caller(), new TenantId("elsewhere"));
        ReleaseResult released = retention.release(new Hold.Release(tenant, otherAnn, hold.id(), "closed"));
        assertThat(retention.release(new Hold.Release(tenant, ANN, hold.id(), "again")))
                .isEqualTo(released);
        assertThat(retention.list(tenant, new Hold.Page(false, Optional.empty(), 10)))
                .isEmpty();
        assertThat(retention.list(tenant, new Hold.Page(true, Optional.empty(), 10)))
                .singleElement()
                .isEqualTo(((ReleaseResult.Released) released).hold());
        assertThat(entries(tenant).stream().map(it -> it.event().type()))
                .containsExactly("replay.executed", "assize.ledger.hold-placed", "assize.ledger.hold-released");
    }

    @Test
    void leavesEveryProofAsItWas() {
        TenantId tenant = ledger("proofs", AnchoredNode.event(0), AnchoredNode.erasable(1), AnchoredNode.event(2));
        assertThat(node.round()).isEmpty();
        Checkpoints.Checkpoint kept = node.checkpoints().latest(tenant).orElseThrow();
        Checkpoints.Inclusion before = node.checkpoints().inclusion(tenant, 1, 3L);
        RecordedEvent intact = entry(tenant, 1);

        Result.Done done = (Result.Done) erase(tenant, Set.of(Erasable.REASON), 1L);
        assertThat(node.round()).isEmpty();

        Erased erased = done.entries().getFirst();
        assertThat(erased.parts()).containsExactly(Erasable.REASON);
        RecordedEvent now = entry(tenant, 1);
        assertThat(now.entryHash()).isEqualTo(intact.entryHash());
        assertThat(now.frame()).isEqualTo(intact.frame());
        assertThat(now.erased()).containsExactly("reason");
        assertThat(now.event().reason()).isNull();
        assertThat(now.event().payload()).isEqualTo(intact.event().payload());
        assertThat(node.checkpoints().inclusion(tenant, 1, 3L).proof())
                .usingElementComparator(Arrays::compare)
                .isEqualTo(before.proof());
        assertThat(node.verifySigned(tenant, kept.signed().note()))
                .isInstanceOf(Sound.class)
                .extracting("span.redacted")
                .isEqualTo(0L);
        assertThat(node.verifySigned(tenant, null))
                .isInstanceOf(Sound.class)
                .extracting("span.redacted")
                .isEqualTo(1L);
        RecordedEvent said = entry(tenant, erased.recorded().seq());
        assertThat(said.event().type()).isEqualTo("assize.ledger.erased");
        assertThat(said.event().payload()).isEqualTo("{\"seq\":1,\"fields\":[\"reason\"]}");
        assertThat(said.event().reason()).isEqualTo("request 7");
    }

    @Test
    void erasesOnce() {
        TenantId tenant = ledger("once", AnchoredNode.erasable(0));
        Receipt first = ((Result.Done) erase(tenant, Set.of(Erasable.PAYLOAD), 0L))
                .entries()
                .getFirst()
                .recorded();

        assertThat(erase(tenant, Set.of(Erasable.PAYLOAD), 0L))
                .isEqualTo(new Result.Done(List.of(new Erased(0, Set.of(), first))));
        Erased rest = ((Result.Done) erase(tenant, Set.of(), 0L)).entries().getFirst();
        assertThat(rest.parts()).containsExactly(Erasable.REASON);
        assertThat(erase(tenant, Set.of(), 0L))
                .isEqualTo(new Result.Done(List.of(new Erased(0, Set.of(), rest.recorded()))));
        assertThat(entries(tenant)).hasSize(3);
    }

    @Test
    void doesNotCoverUpWhatSomebodyElseHasErased() throws SQLException {
        TenantId tenant = ledger("lost", AnchoredNode.erasable(0), AnchoredNode.erasable(1));
        sql(database.superuser(), tenant, "DELETE FROM assize.ledger_payload WHERE tenant_id = 'lost' AND seq = 0");

        assertThat(erase(tenant, Set.of(), 1L, 0L)).isEqualTo(new Result.Lost(0));

        assertThat(entries(tenant)).hasSize(2);
        assertThat(node.verify(tenant))
                .isInstanceOfSatisfying(
                        Broken.class,
                        broken -> assertThat(broken.fault().message())
                                .startsWith("entry 0 has lost the value of field 28"));
    }

    @Test
    void aValueThatWasErasedIsNotNamedWhereAnEntryBeforeItsNoticeIsBad() throws SQLException {
        TenantId tenant = ledger("break", AnchoredNode.erasable(0), AnchoredNode.event(1), AnchoredNode.event(2));
        assertThat(erase(tenant, Set.of(), 0L)).isInstanceOf(Result.Done.class);
        for (String damage : List.of("actor = 'user:mallory'", "frame = ''", "entry_hash = sha256('')")) {
            sql(
                    database.superuser(),
                    tenant,
                    "CREATE TABLE public.kept AS SELECT * FROM assize.ledger_entry WHERE tenant_id = 'break';"
                            + " UPDATE assize.ledger_entry SET " + damage + " WHERE tenant_id = 'break' AND seq = 1");
            assertThat(node.verify(tenant))
                    .as(damage)
                    .isInstanceOfSatisfying(
                            Broken.class,
                            broken -> assertThat(broken.fault().seq()).isEqualTo(1));
            sql(
                    database.superuser(),
                    tenant,
                    "DELETE FROM assize.ledger_entry WHERE tenant_id = 'break';"
                            + " INSERT INTO assize.ledger_entry SELECT * FROM public.kept; DROP TABLE public.kept");
        }
        assertThat(node.verify(tenant)).isInstanceOf(Sound.class);
    }

    @Test
    void aPartIsNotTakenForErasedByAnEntryThatIsForged() throws SQLException {
        TenantId tenant = ledger("forged", AnchoredNode.erasable(0), AnchoredNode.event(1));
        assertThat(erase(tenant, Set.of(), 0L)).isInstanceOf(Result.Done.class);
        assertThat(node.verifyPart(tenant, 0, 1)).isInstanceOf(Sound.class);
        sql(
                database.superuser(),
                tenant,
                "UPDATE assize.ledger_entry SET entry_hash = sha256('') WHERE tenant_id = 'forged' AND seq = 2");
        assertThat(node.verifyPart(tenant, 0, 1))
                .isInstanceOfSatisfying(
                        Broken.class,
                        broken -> assertThat(broken.fault().message())
                                .startsWith("entry 0 has lost the value of field 28"));
    }

    @Test
    void refusesTheApplicationToEraseInAnotherWay() throws SQLException {
        TenantId tenant = ledger("another-way", AnchoredNode.erasable(0));
        retention.place(new Hold.Placing(tenant, ANN, EVERYTHING, "case 12"));
        for (String sql : List.of(
                "DELETE FROM assize.ledger_payload",
                "UPDATE assize.ledger_payload SET value = ''",
                "UPDATE assize.ledger_hold SET actor = 'user:nobody'",
                "DELETE FROM assize.ledger_hold")) {
            assertThatThrownBy(() -> sql(database.application(), tenant, sql))
                    .hasMessageContaining("permission denied");
        }
        assertThatThrownBy(() -> sql(
                        database.application(),
                        tenant,
                        "SELECT assize.erase_ledger_values('another-way', 0, ARRAY[28, 30]::smallint[])"))
                .hasMessageContaining("no entry of this transaction says that entry 0 is erased");
        String entry =
                "INSERT INTO assize.ledger_entry (tenant_id, seq, recorded_at, frame, entry_hash, type, resource)"
                        + " VALUES ('another-way', 9, now(), '', decode(repeat('ab', 32), 'hex'), 'assize.ledger.erased',"
                        + " 'tenant:another-way/entry:0'); ";
        assertThatThrownBy(() -> sql(
                        database.application(),
                        tenant,
                        entry + "SELECT assize.erase_ledger_values('another-way', 0, ARRAY[28, 30]::smallint[])"))
                .hasMessageContaining("a legal hold is on entry 0");
    }

    /** In the first round it has won already, in the second it has lost; who comes first in the others is left to chance. */
    @Test
    void aHoldWinsEveryRaceItDoesNotLose() throws InterruptedException, ExecutionException {
        TenantId tenant = ledger(
                "race",
                IntStream.range(0, ROUNDS).mapToObj(AnchoredNode::erasable).toArray(AuditEvent[]::new));
        CyclicBarrier together = new CyclicBarrier(2);
        int held = 0;
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (long seq = 0; seq < ROUNDS; seq++) {
                long erased = seq;
                CountDownLatch first = new CountDownLatch(erased < 2 ? 1 : 0);
                Future<Hold> placing = threads.submit(() -> {
                    await(together);
                    if (erased == 1) {
                        first.await();
                    }
                    Hold placed = retention.place(new Hold.Placing(tenant, ANN, EVERYTHING, "case 12"));
                    first.countDown();
                    return placed;
                });
                Future<Result> erasing = threads.submit(() -> {
                    await(together);
                    if (erased == 0) {
                        first.await();
                    }
                    Result result = erase(tenant, Set.of(), erased);
                    first.countDown();
                    return result;
                });
                Hold hold = placing.get();
                switch (erasing.get()) {
                    case Result.Held refused -> {
                        held++;
                        assertThat(refused.holds()).containsExactly(hold.id());
                        assertThat(entry(tenant, seq).erased()).isEmpty();
                    }
                    case Result.Done done -> {
                        assertThat(done.entries().getFirst().recorded().seq())
                                .isLessThan(hold.placed().seq());
                        assertThat(entry(tenant, seq).erased()).hasSize(2);
                    }
                    case Result other -> throw new AssertionError(other);
                }
                retention.release(new Hold.Release(tenant, BOB, hold.id(), "closed"));
            }
        }
        assertThat(held).as("of %d rounds", ROUNDS).isBetween(1, ROUNDS - 1);
        assertThat(node.verify(tenant))
                .isInstanceOf(Sound.class)
                .extracting("span.redacted")
                .isEqualTo((long) ROUNDS - held);
    }

    private static void await(CyclicBarrier barrier) throws InterruptedException {
        try {
            barrier.await();
        } catch (BrokenBarrierException e) {
            throw new IllegalStateException(e);
        }
    }

    private TenantId ledger(String name, AuditEvent... events) {
        TenantId tenant = new TenantId(name);
        node.append(tenant, List.of(events));
        return tenant;
    }

    private Result erase(TenantId tenant, Set<Erasable> parts, Long... seqs) {
        return retention.erase(new Erasure(tenant, ANN, Set.of(), List.of(seqs), parts, "request 7"));
    }

    private RecordedEvent entry(TenantId tenant, long seq) {
        return entries(tenant, seq - 1, 1).getFirst();
    }

    private List<RecordedEvent> entries(TenantId tenant) {
        return entries(tenant, -1, 1_000);
    }

    private List<RecordedEvent> entries(TenantId tenant, long behind, int limit) {
        return node.index()
                .find(
                        tenant,
                        new AuditFilter(null, null, null, null, null, null, null, null, Set.of(), true, behind, limit))
                .entries();
    }

    /** Within one transaction that names the tenant and is not committed where something fails. */
    private static void sql(DatabaseAccess access, TenantId tenant, String sql) throws SQLException {
        try (Connection connection = DriverManager.getConnection(access.url(), access.user(), access.password());
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            statement.execute("SELECT set_config('assize.tenant', '" + tenant + "', true)");
            statement.execute(sql);
            connection.commit();
        }
    }
}
