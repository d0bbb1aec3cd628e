package dev.assize.server.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.server.audit.AuditCodec;
import dev.assize.server.audit.AuditEvent;
import dev.assize.server.audit.Erasable;
import dev.assize.server.audit.Outcome;
import dev.assize.server.ledger.AppendCommand;
import dev.assize.server.ledger.ChainVerifier;
import dev.assize.server.ledger.EntryDraft;
import dev.assize.server.ledger.ErasableValue;
import dev.assize.server.ledger.LedgerHead;
import dev.assize.server.ledger.LedgerMetrics;
import dev.assize.server.ledger.LedgerStore;
import dev.assize.server.ledger.StoredEntry;
import dev.assize.server.ledger.Verification;
import dev.assize.server.ledger.Verification.Broken;
import dev.assize.server.ledger.Verification.Fault;
import dev.assize.server.ledger.Verification.Sound;
import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.StoreUnavailableException;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.testing.TestDatabase;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.ByteBuffer;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A long ledger is read by two connections; what that says is what one of them says. */
class ReadAheadTest {

    private static final TenantId ACME = new TenantId("acme");
    private static final AuditCodec CODEC = new AuditCodec();

    /** More than two slices. */
    private static final int ENTRIES = 12_345;

    private static final List<String> TABLES =
            List.of("ledger_entry", "ledger_lineage", "ledger_payload", "ledger_head");

    private static TestDatabase testDatabase;
    private static Database two;
    private static Database one;
    private static Connection superuser;

    @BeforeAll
    static void append() throws SQLException {
        testDatabase = TestDatabase.migrated();
        two = testDatabase.open(InstantSource.system());
        StorageConfig config = testDatabase.config();
        // Too few for anybody to have two of them.
        one = new Database(
                new StorageConfig(
                        config.location(),
                        config.ledgerName(),
                        7,
                        config.connectTimeout(),
                        config.statementTimeout(),
                        config.idleTimeout()),
                InstantSource.system());
        one.start();
        List<EntryDraft> drafts = IntStream.range(0, ENTRIES)
                .mapToObj(i -> CODEC.encode(event(i), Recorder.ASSIZE))
                .toList();
        store(two).append(ACME, List.of(new AppendCommand(Recorder.ASSIZE, drafts, null)));
        superuser = DriverManager.getConnection(
                testDatabase.superuser().url(),
                testDatabase.superuser().user(),
                testDatabase.superuser().password());
        superuser.setAutoCommit(false);
        try (Statement statement = superuser.createStatement()) {
            statement.execute(
                    "SET search_path = assize; ALTER TABLE ledger_lineage DROP CONSTRAINT ledger_lineage_seq_check;"
                            + " ALTER TABLE ledger_entry DROP CONSTRAINT ledger_entry_entry_hash_check");
            for (String table : TABLES) {
                statement.execute("CREATE TABLE kept_" + table + " AS TABLE " + table);
            }
        }
        superuser.commit();
    }

    @AfterAll
    static void drop() throws SQLException {
        superuser.close();
        one.close();
        two.close();
        testDatabase.close();
    }

    @Test
    void handsOutWhatOneConnectionReads() {
        List<StoredEntry> alone = new ArrayList<>();
        store(one).scan(ACME, 3, Long.MAX_VALUE, alone::add);
        List<StoredEntry> ahead = new ArrayList<>();
        AtomicBoolean hasSecond = new AtomicBoolean();
        store(two).scan(ACME, 3, Long.MAX_VALUE, ahead::add, () -> {
            hasSecond.compareAndSet(false, snapshots() == 2);
            return true;
        });
        assertThat(hasSecond).isTrue();
        assertThat(ahead).hasSize(ENTRIES - 3);
        assertThat(alone).hasSameSizeAs(ahead);
        for (int i = 0; i < ahead.size(); i++) {
            assertThat(parts(ahead.get(i))).isEqualTo(parts(alone.get(i)));
        }
    }

    /** All that an entry has, so that two of them can be compared. */
    private static List<Object> parts(StoredEntry entry) {
        List<Object> parts = new ArrayList<>(List.of(
                entry.seq(),
                ByteBuffer.wrap(entry.frame()),
                entry.entryHash(),
                List.copyOf(entry.columns().entrySet())));
        for (ErasableValue value : entry.beside()) {
            parts.addAll(List.of(value.field(), ByteBuffer.wrap(value.salt()), ByteBuffer.wrap(value.value())));
        }
        return parts;
    }

    /** Each change is undone behind its test; the chain is read meanwhile, so it is committed. */
    @ParameterizedTest
    @CsvSource(delimiter = ';', textBlock = """
        UPDATE ledger_entry SET actor = 'user:mallory' WHERE tenant_id = 'acme' AND seq = 0
        UPDATE ledger_entry SET actor = 'user:mallory' WHERE tenant_id = 'acme' AND seq = 4999
        UPDATE ledger_entry SET run_id = NULL WHERE tenant_id = 'acme' AND seq = 5000
        UPDATE ledger_entry SET frame = set_byte(frame, 40, 0) WHERE tenant_id = 'acme' AND seq = 7000
        UPDATE ledger_entry SET entry_hash = '\\x' WHERE tenant_id = 'acme' AND seq = 8000
        UPDATE ledger_entry SET outcome = 4 WHERE tenant_id = 'acme' AND seq = 12344
        DELETE FROM ledger_entry WHERE tenant_id = 'acme' AND seq = 5000
        DELETE FROM ledger_entry WHERE tenant_id = 'acme' AND seq BETWEEN 4000 AND 11000
        DELETE FROM ledger_entry WHERE tenant_id = 'acme' AND seq = 12344
        INSERT INTO ledger_entry SELECT tenant_id, 12345, recorded_at, frame, entry_hash FROM ledger_entry WHERE tenant_id = 'acme' AND seq = 6
        DELETE FROM ledger_lineage WHERE tenant_id = 'acme' AND seq = 6000
        UPDATE ledger_lineage SET uri = 'b' WHERE tenant_id = 'acme' AND seq = 6000
        UPDATE ledger_lineage SET seq = -1 WHERE tenant_id = 'acme' AND seq = 6000
        UPDATE ledger_lineage SET seq = 20000 WHERE tenant_id = 'acme' AND seq = 6000
        UPDATE ledger_payload SET value = 'b' WHERE tenant_id = 'acme' AND seq = 10000
        UPDATE ledger_payload SET seq = 10001 WHERE tenant_id = 'acme' AND seq = 10000
        DELETE FROM ledger_payload WHERE tenant_id = 'acme' AND seq = 10000
        UPDATE ledger_head SET size = 9000 WHERE tenant_id = 'acme'
        """)
    void findsWhatOneConnectionFinds(String change) throws SQLException {
        try (Statement statement = superuser.createStatement()) {
            assertThat(statement.executeUpdate(change)).isPositive();
            superuser.commit();
            try {
                Fault fault = ((Broken) verify(two)).fault();
                assertThat(fault).isEqualTo(((Broken) verify(one)).fault());
            } finally {
                for (String table : TABLES) {
                    statement.execute("DELETE FROM " + table + " AS t WHERE t IN (SELECT e FROM (TABLE " + table
                            + " EXCEPT TABLE kept_" + table + ") AS e)");
                    statement.execute("INSERT INTO " + table + " TABLE kept_" + table + " EXCEPT TABLE " + table);
                }
                superuser.commit();
            }
        }
        assertThat(verify(two)).isInstanceOf(Sound.class);
    }

    /** Without the moment of the first connection the second one sees what was appended between their beginnings. */
    @Test
    void seesOneMoment() throws Exception {
        TenantId tenant = new TenantId("moment");
        EntryDraft draft = CODEC.encode(event(1), Recorder.ASSIZE);
        store(one).append(tenant, List.of(new AppendCommand(Recorder.ASSIZE, Collections.nCopies(5_000, draft), null)));
        AtomicBoolean ended = new AtomicBoolean();
        try (ExecutorService appending = Executors.newSingleThreadExecutor()) {
            Future<?> appends = appending.submit(() -> {
                LedgerStore store = store(one);
                while (!ended.get()) {
                    store.append(tenant, List.of(new AppendCommand(Recorder.ASSIZE, List.of(draft), null)));
                }
            });
            try {
                for (int i = 0; i < 30; i++) {
                    AtomicLong last = new AtomicLong();
                    Optional<LedgerHead> head = store(two).scan(tenant, 0, Long.MAX_VALUE, entry -> {
                        last.set(entry.seq());
                        return true;
                    });
                    assertThat(last).hasValue(head.orElseThrow().size() - 1);
                }
            } finally {
                ended.set(true);
            }
            appends.get();
        }
        assertThat(store(one).head(tenant).orElseThrow().size()).isGreaterThan(5_000);
    }

    @Test
    void theSecondConnectionSeesWhatTheFirstSeesAndNoMore() {
        TenantId tenant = new TenantId("between");
        TenantId other = new TenantId("elsewhere");
        List<AppendCommand> another =
                List.of(new AppendCommand(Recorder.ASSIZE, List.of(CODEC.encode(event(1), Recorder.ASSIZE)), null));
        store(one).append(tenant, another);
        store(one).append(other, another);
        boolean _ = two.inSnapshot(tenant.value(), transaction -> {
            assertThat(entries(transaction)).isOne();
            store(one).append(tenant, another);
            try (SecondReader second =
                    two.besides(transaction, Duration.ofMinutes(1)).orElseThrow()) {
                assertThat(entries(second.transaction())).isOne();
                assertThatThrownBy(() -> second.transaction().write("DELETE FROM assize.node", parameters -> {}))
                        .hasMessageContaining("read-only transaction");
            }
            return true;
        });
        assertThat(two.<Long>inSnapshot(tenant.value(), ReadAheadTest::entries)).isEqualTo(2);
    }

    /** As where the machine has no more threads. As often as there is leave for second connections, and once more. */
    @Test
    void aThreadThatCannotBeStartedKeepsNoConnection() {
        OutOfMemoryError noMore = new OutOfMemoryError("unable to create native thread");
        for (int i = 0; i < 10; i++) {
            boolean _ = two.inSnapshot(ACME.value(), transaction -> {
                SecondReader second =
                        two.besides(transaction, Duration.ofMinutes(1)).orElseThrow();
                assertThatThrownBy(() -> ReadAhead.start(second, ACME, 0, ENTRIES, reading -> new Thread(reading) {
                            @Override
                            public void start() {
                                throw noMore;
                            }
                        }))
                        .isSameAs(noMore);
                return true;
            });
        }
        assertThat(snapshots()).isZero();
    }

    /** Of whatever tenants the transaction sees. */
    private static long entries(TenantTransaction transaction) throws SQLException {
        return transaction
                .find("SELECT count(*) FROM assize.ledger_entry", parameters -> {}, row -> row.getLong(1))
                .orElseThrow();
    }

    @Test
    void pausesWhileItReads() {
        List<Integer> pauses = new ArrayList<>();
        AtomicInteger read = new AtomicInteger();
        store(two).scan(ACME, 0, Long.MAX_VALUE, entry -> read.incrementAndGet() > 0, () -> pauses.add(read.get()));
        assertThat(pauses.getLast()).isEqualTo(ENTRIES);
        for (int i = 1; i < pauses.size(); i++) {
            assertThat(pauses.get(i) - pauses.get(i - 1)).isLessThanOrEqualTo(1_000);
        }
    }

    @Test
    void endsWhereNoMoreIsWantedAndGivesTheConnectionBack() {
        for (int wanted : new int[] {1, 4_999, 5_000, 5_001, 12_000, 1, 1, 1, 1, 1}) {
            AtomicInteger read = new AtomicInteger();
            AtomicInteger paused = new AtomicInteger();
            store(two).scan(ACME, 0, Long.MAX_VALUE, entry -> read.incrementAndGet() < wanted, () -> {
                paused.set(read.get());
                return true;
            });
            assertThat(read).hasValue(wanted);
            assertThat(paused).hasValue(wanted);
            assertThat(snapshots()).isZero();
        }
    }

    @Test
    void endsWhereAPauseEndsIt() {
        AtomicInteger read = new AtomicInteger();
        store(two).scan(ACME, 0, Long.MAX_VALUE, entry -> read.incrementAndGet() > 0, () -> false);
        assertThat(read).hasValueLessThanOrEqualTo(1_000);
        assertThat(snapshots()).isZero();
    }

    /** Whoever has the connection next would be answered what is left of that. */
    @ParameterizedTest
    @CsvSource({"0, 0", "1, 0", "999, 0", "1000, 0", "0, 12000", "344, 12000"})
    void aReaderThatThrowsLeavesNothingUnread(int sound, long from) {
        IllegalStateException thrown = new IllegalStateException("enough");
        for (int i = 0; i < 3; i++) {
            AtomicInteger read = new AtomicInteger();
            assertThatThrownBy(() -> store(one).scan(ACME, from, Long.MAX_VALUE, entry -> {
                        if (read.getAndIncrement() == sound) {
                            throw thrown;
                        }
                        return true;
                    }))
                    .isSameAs(thrown)
                    .hasNoSuppressedExceptions();
            assertThat(one.atOnce(ACME.value(), new Trip().then("SELECT 1 / 0", parameters -> {}), () -> {}))
                    .as("nobody is told that what failed is durable")
                    .isFalse();
            assertThat(store(one).head(ACME).orElseThrow().size()).isEqualTo(ENTRIES);
        }
    }

    @Test
    void throwsWhatTheReaderThrows() {
        IllegalStateException thrown = new IllegalStateException("enough");
        assertThatThrownBy(() -> store(two).scan(ACME, 0, Long.MAX_VALUE, entry -> {
                    throw thrown;
                }))
                .isSameAs(thrown);
        assertThat(snapshots()).isZero();
    }

    @Test
    void saysThatTheSecondConnectionBroke() {
        AtomicBoolean killed = new AtomicBoolean();
        assertThatThrownBy(() -> store(two).scan(ACME, 0, Long.MAX_VALUE, entry -> true, () -> {
                    if (killed.compareAndSet(false, true)) {
                        count("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname ="
                                + " current_database() AND query LIKE 'COPY%' AND backend_xmin IS NOT NULL");
                    }
                    return true;
                }))
                .isInstanceOf(StoreUnavailableException.class);
        assertThat(snapshots()).isZero();
        assertThat(verify(two)).isInstanceOf(Sound.class);
    }

    /** How many transactions stand open with a moment of their own. */
    private static int snapshots() {
        return count("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                + " AND application_name = 'assize' AND state <> 'idle'");
    }

    private static int count(String query) {
        try (Statement statement = superuser.createStatement();
                ResultSet row = statement.executeQuery(query)) {
            row.next();
            int count = row.getInt(1);
            superuser.rollback();
            return count;
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    private static LedgerStore store(Database database) {
        return new PostgresLedgerStore(
                database, new LedgerWriter(database, CODEC, (_, _) -> {}, InstantSource.system()));
    }

    private static Verification verify(Database database) {
        return new ChainVerifier(store(database), CODEC, new LedgerMetrics(new SimpleMeterRegistry()))
                .verify(ACME, 0, null, (verified, total) -> {});
    }

    /** Now and then one with records that were read, and one with a text that may be erased. */
    private static AuditEvent event(int number) {
        return new AuditEvent(
                "replay.executed",
                "replay",
                new Subject("service", "replay"),
                null,
                new Action("execute"),
                ResourcePath.parse("replay:" + number),
                new Environment("staging"),
                Outcome.SUCCESS,
                null,
                "run-" + number % 7,
                null,
                number % 1_000 == 0 ? "because" : null,
                false,
                null,
                number % 1_000 == 0 ? List.of("a", "b\\\n") : List.of(),
                List.of(),
                null,
                null,
                number % 1_000 == 0 ? Set.of(Erasable.REASON) : Set.of(),
                null);
    }
}
