package dev.assize.server.storage;

import static dev.assize.server.storage.OperationAppends.command;
import static dev.assize.server.storage.OperationAppends.receipt;
import static dev.assize.server.storage.generated.Tables.LEDGER_IDEMPOTENCY;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.server.audit.AuditCodec;
import dev.assize.server.ledger.AppendCommand;
import dev.assize.server.ledger.AppendCommand.Idempotency;
import dev.assize.server.ledger.AppendResult;
import dev.assize.server.ledger.ChainVerifier;
import dev.assize.server.ledger.HeadGuard;
import dev.assize.server.ledger.LedgerHaltedException;
import dev.assize.server.ledger.LedgerMetrics;
import dev.assize.server.ledger.LedgerStore.Prepared;
import dev.assize.server.ledger.Verification;
import dev.assize.server.model.Digest;
import dev.assize.server.model.TenantId;
import dev.assize.server.testing.TestDatabase;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A node appends behind the head that it believes to be a ledger's; here the ledger is another one meanwhile. */
@Timeout(120)
class BelievedHeadTest {

    private static TestDatabase testDatabase;
    private static Database database;

    private Instant now = Instant.parse("2026-03-01T12:00:00Z");
    private final PostgresLedgerStore one = node();
    private final PostgresLedgerStore other = node();

    @BeforeAll
    static void create() {
        testDatabase = TestDatabase.migrated();
        database = testDatabase.open(InstantSource.system());
    }

    @AfterAll
    static void drop() {
        database.close();
        testDatabase.close();
    }

    @Test
    void appendsNothingToALedgerThatWasHaltedMeanwhile() throws SQLException {
        TenantId tenant = new TenantId("halted");
        append(one, tenant, 0);
        asSuperuser("UPDATE assize.ledger_head SET halted = 'for a test' WHERE tenant_id = 'halted'");
        assertThatThrownBy(() -> append(one, tenant, 1)).isInstanceOf(LedgerHaltedException.class);
        assertSound(tenant, 1);
    }

    @Test
    void doesNotTakeARewrittenLedgerForTheOneItKnew() throws SQLException {
        TenantId tenant = new TenantId("rewritten");
        append(one, tenant, 0);
        append(one, tenant, 1);
        asSuperuser("CREATE TABLE kept AS SELECT * FROM assize.ledger_head WHERE tenant_id = 'rewritten'");
        append(one, tenant, 2);
        asSuperuser("DELETE FROM assize.ledger_entry WHERE tenant_id = 'rewritten' AND seq = 2;"
                + " UPDATE assize.ledger_head h SET size = k.size, last_hash = k.last_hash,"
                + " last_recorded_at = k.last_recorded_at FROM kept k WHERE h.tenant_id = k.tenant_id");
        append(node(), tenant, 3);
        append(one, tenant, 4);
        assertSound(tenant, 4);
    }

    @Test
    void knowsAKeyThatAnotherNodeAnswered() {
        TenantId tenant = new TenantId("answered");
        append(one, tenant, 0);
        AppendResult first = append(other, tenant, 1);
        append(one, tenant, 2);
        // Each has a belief that is right, and none has seen the other's key.
        append(other, tenant, 3);
        append(other, tenant, 4);
        assertThat(append(other, tenant, 1)).isEqualTo(new AppendResult.Replayed(List.of(receipt(first))));
        AppendCommand again = command(1, 2);
        AppendCommand another = new AppendCommand(
                again.recorder(), again.drafts(), new Idempotency(key(again), Digest.sha256(new byte[] {1})));
        assertThat(other.append(tenant, List.of(command(1, 5), another)))
                .last()
                .isEqualTo(new AppendResult.KeyReused(key(again)));
        assertSound(tenant, 6);
    }

    @Test
    void appendsWithAnotherNodeInTurns() {
        TenantId tenant = new TenantId("turns");
        for (int i = 0; i < 120; i++) {
            append(i % 3 == 0 ? one : other, tenant, i);
        }
        assertSound(tenant, 120);
    }

    @Test
    void appendsWhereAnotherNodeWentOnAndSignedThat() {
        TenantId tenant = new TenantId("signed");
        AtomicLong signed = new AtomicLong();
        PostgresLedgerStore guarded = node((_, head) -> {
            if (head.size() < signed.get()) {
                throw new LedgerHaltedException("signed up to " + signed);
            }
        });
        append(guarded, tenant, 0);
        append(other, tenant, 1);
        signed.set(2);
        append(guarded, tenant, 2);
        assertSound(tenant, 3);
        signed.set(4);
        assertThatThrownBy(() -> append(guarded, tenant, 3)).isInstanceOf(LedgerHaltedException.class);
        assertSound(tenant, 3);
    }

    @Test
    void keepsTheOrderOfWhatWasPreparedTogether() throws Exception {
        TenantId tenant = new TenantId("ordered");
        append(one, tenant, 0);
        List<Future<List<AppendResult>>> written = new ArrayList<>();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 1; i <= 60; i++) {
                Prepared prepared = one.prepare(tenant, List.of(command(1, i)));
                written.add(threads.submit(prepared::write));
                if (i % 20 == 0) {
                    append(other, tenant, 100 + i);
                }
            }
        }
        List<Long> places = new ArrayList<>();
        for (Future<List<AppendResult>> results : written) {
            places.add(receipt(results.get().getFirst()).seq());
        }
        assertThat(places).isSorted().doesNotHaveDuplicates().hasSize(60);
        assertSound(tenant, 64);
    }

    @Test
    void writesBehindWhatCouldNotBeWritten() throws Exception {
        TenantId tenant = new TenantId("behind");
        append(one, tenant, 0);
        Prepared first = one.prepare(tenant, List.of(command(1, 1)));
        Prepared second = one.prepare(tenant, List.of(command(1, 2)));
        append(other, tenant, 3);
        assertThat(first.mayBeFollowed()).isTrue();
        assertThat(receipt(first.write().getFirst()).seq()).isEqualTo(2);
        assertThat(receipt(second.write().getFirst()).seq()).isEqualTo(3);
        assertSound(tenant, 4);
    }

    @Test
    void removesAnswersThatNeedNotBeKept() throws Exception {
        TenantId tenant = new TenantId("old");
        IntStream.range(0, 5).forEach(i -> append(one, tenant, i));
        now = now.plus(KeptAnswers.ANSWERS_KEPT).plusSeconds(1);
        append(one, tenant, 5);
        now = now.plus(Duration.ofHours(2));
        append(one, tenant, 6);
        awaitAnswers(tenant, 2);
        assertThat(append(one, tenant, 5)).isInstanceOf(AppendResult.Replayed.class);
        assertThat(append(one, tenant, 0)).isInstanceOf(AppendResult.Appended.class);
    }

    private static void awaitAnswers(TenantId tenant, int wanted) {
        int found = -1;
        while (found != wanted) {
            found = database.inSnapshot(
                    tenant.value(),
                    transaction -> transaction
                            .sql()
                            .fetchCount(LEDGER_IDEMPOTENCY, LEDGER_IDEMPOTENCY.TENANT_ID.eq(tenant.value())));
            Thread.onSpinWait();
        }
    }

    private PostgresLedgerStore node() {
        return node((_, _) -> {});
    }

    private PostgresLedgerStore node(HeadGuard guard) {
        return new PostgresLedgerStore(database, new LedgerWriter(database, new AuditCodec(), guard, () -> now));
    }

    private static AppendResult append(PostgresLedgerStore store, TenantId tenant, int number) {
        return store.append(tenant, List.of(command(1, number))).getFirst();
    }

    private static String key(AppendCommand command) {
        Idempotency idempotency = command.idempotency();
        return idempotency == null ? "" : idempotency.key();
    }

    private void assertSound(TenantId tenant, long size) {
        Verification verification = new ChainVerifier(
                        one, new AuditCodec(), new LedgerMetrics(new SimpleMeterRegistry()))
                .verify(tenant, 0, null, (verified, total) -> {});
        assertThat(verification).isInstanceOf(Verification.Sound.class);
        assertThat(one.head(tenant).orElseThrow().size()).isEqualTo(size);
    }

    private static void asSuperuser(String sql) throws SQLException {
        try (Connection connection = DriverManager.getConnection(
                        testDatabase.superuser().url(),
                        testDatabase.superuser().user(),
                        testDatabase.superuser().password());
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }
}
