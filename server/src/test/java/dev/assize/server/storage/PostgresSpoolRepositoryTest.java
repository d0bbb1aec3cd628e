package dev.assize.server.storage;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.server.audit.AuditCodec;
import dev.assize.server.audit.AuditEvent;
import dev.assize.server.audit.SpoolRepository;
import dev.assize.server.audit.SpoolRepository.Loss;
import dev.assize.server.audit.SpoolRepository.LossResult;
import dev.assize.server.audit.SpoolRepository.Reception;
import dev.assize.server.audit.SpoolRepository.Sender;
import dev.assize.server.audit.SpoolRepository.Standing;
import dev.assize.server.audit.SpoolRepository.Verdict;
import dev.assize.server.audit.SpooledBatch;
import dev.assize.server.audit.SpooledBatch.SpooledEvents;
import dev.assize.server.audit.SpooledLog;
import dev.assize.server.audit.SpooledLogs;
import dev.assize.server.ledger.DraftRefusedException;
import dev.assize.server.ledger.EntryDraft;
import dev.assize.server.ledger.LedgerHead;
import dev.assize.server.ledger.LedgerStore;
import dev.assize.server.model.Action;
import dev.assize.server.model.Digest;
import dev.assize.server.model.Environment;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.testing.EventBuilder;
import dev.assize.server.testing.TestDatabase;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** How far ledgers have spools, in PostgreSQL. */
class PostgresSpoolRepositoryTest {

    private static final String SPOOL = "0123456789abcdef0123456789abcdef";
    private static final Digest BEGINS = SpooledLog.begins(SPOOL);
    private static final AuditCodec CODEC = new AuditCodec();
    private static final Recorder SIDECAR = new Recorder(new Subject("service", "sidecar"), new TenantId("acme"));
    private static final Sender SENDER = sender(SIDECAR);
    private static TestDatabase database;
    private static Database node;
    private static int tenants;

    private TenantId tenant;
    private SpoolRepository spools;
    private LedgerStore ledger;

    /** With a key of its own. */
    private static Sender sender(Recorder recorder) {
        return new Sender(recorder, "key-of-" + recorder.caller().id() + "-of-" + recorder.home());
    }

    @BeforeAll
    static void start() {
        database = TestDatabase.migrated();
        node = database.open(InstantSource.system());
    }

    @AfterAll
    static void stop() {
        node.close();
        database.close();
    }

    @BeforeEach
    void open() {
        tenant = new TenantId("tenant-" + tenants++);
        InstantSource clock = InstantSource.system();
        LedgerWriter writer = new LedgerWriter(node, CODEC, (_, _) -> {}, clock);
        spools = new PostgresSpoolRepository(node, writer, new OwnEntries(writer, CODEC), CODEC, clock);
        ledger = OperationAppends.store(node);
    }

    @Test
    void aBatchThatCannotBeAppendedMovesNothing() {
        assertThat(append(1, 2).verdict()).isEqualTo(Verdict.APPENDED);
        SpooledBatch batch = batch(3, 1);
        EntryDraft unfit = CODEC.encode(event("x".repeat(3_000)), SIDECAR, tenant);

        assertThatThrownBy(() -> spools.append(tenant, SENDER, batch, BEGINS, List.of(unfit)))
                .isInstanceOf(DraftRefusedException.class);
        assertThat(size()).isEqualTo(2);
        assertThat(append(3, 1).nextNumber()).isEqualTo(4);
    }

    @Test
    void eachRecordIsThereOnceHoweverManySendItAtOnce() {
        for (int round = 0; round < 5; round++) {
            long first = 1 + 3L * round;
            List<CompletableFuture<Reception>> calls = new ArrayList<>();
            try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
                for (int i = 0; i < 6; i++) {
                    calls.add(CompletableFuture.supplyAsync(() -> append(first, 3), threads));
                }
            }
            assertThat(calls.stream().map(CompletableFuture::join).map(Reception::verdict))
                    .containsOnlyOnce(Verdict.APPENDED)
                    .contains(Verdict.KNOWN);
            assertThat(size()).isEqualTo(3L * (round + 1));
        }
        assertThat(spools.list(tenant)).singleElement().satisfies(standing -> {
            assertThat(standing.nextNumber()).isEqualTo(16);
            assertThat(standing.missing()).isZero();
            assertThat(standing.recorder()).isEqualTo(SIDECAR);
        });
    }

    @Test
    void standsBetweenOtherAppendsOfTheTenant() {
        for (int i = 1; i <= 5; i++) {
            ledger.append(tenant, List.of(OperationAppends.command(1, i)));
            append(i, 1);
        }
        assertThat(size()).isEqualTo(10);
    }

    @Test
    void aSpoolStaysItsRecorders() {
        append(1, 1);
        for (Recorder other : List.of(
                new Recorder(SIDECAR.caller(), new TenantId("other")),
                new Recorder(new Subject("service", "other"), SIDECAR.home()))) {
            SpooledBatch asks = new SpooledBatch(SPOOL, List.of(), BEGINS, BEGINS, 1);
            assertThat(spools.append(tenant, sender(other), asks, BEGINS, List.of())
                            .verdict())
                    .isEqualTo(Verdict.OF_ANOTHER_RECORDER);
            assertThat(spools.append(tenant, sender(other), batch(1, 1), BEGINS, drafts(1))
                            .verdict())
                    .isEqualTo(Verdict.OF_ANOTHER_RECORDER);
        }
        assertThat(size()).isEqualTo(1);
        assertThat(append(2, 1).verdict()).isEqualTo(Verdict.APPENDED);
    }

    @Test
    void spoolsOfOtherTenantsAndIdsAreOthers() {
        append(1, 1);
        SpooledBatch other = new SpooledBatch("f".repeat(32), batch(1, 1).records(), hash(1), hash(2), 1);
        assertThat(spools.append(tenant, SENDER, other, BEGINS, drafts(1)).verdict())
                .isEqualTo(Verdict.APPENDED);
        assertThat(spools.list(tenant)).hasSize(2);
        assertThat(spools.list(new TenantId("nobody"))).isEmpty();
        tenant = new TenantId("tenant-" + tenants++);
        assertThat(append(1, 1).verdict()).isEqualTo(Verdict.APPENDED);
    }

    @Test
    void takesAgainWhatALedgerHasLostThatGoesOnWithoutIt() throws SQLException {
        for (int i = 1; i <= 4; i++) {
            appendKeyed(i);
        }
        loseFrom(2);
        ledger.append(tenant, List.of(OperationAppends.command(1, 1)));

        Reception asked =
                spools.append(tenant, SENDER, new SpooledBatch(SPOOL, List.of(), BEGINS, BEGINS, 4), BEGINS, List.of());
        assertThat(asked.nextNumber()).isEqualTo(3);
        assertThat(asked.lastHash()).isNull();
        appendKeyed(3);
        appendKeyed(4);
        assertThat(size()).isEqualTo(5);
        assertThat(append(5, 1).nextNumber()).isEqualTo(6);
    }

    /** As if the database had come back without its last entries, and an operator had the ledger go on. */
    private void loseFrom(long seq) throws SQLException {
        try (Connection owner = owner();
                Statement statement = owner.createStatement()) {
            statement.execute("DELETE FROM assize.ledger_entry WHERE tenant_id = '" + tenant + "' AND seq >= " + seq);
            statement.execute("UPDATE assize.ledger_head h SET size = " + seq + ", last_hash = e.entry_hash,"
                    + " last_recorded_at = e.recorded_at FROM assize.ledger_entry e WHERE h.tenant_id = '" + tenant
                    + "' AND e.tenant_id = h.tenant_id AND e.seq = " + (seq - 1));
        }
    }

    private static Connection owner() throws SQLException {
        return DriverManager.getConnection(
                database.superuser().url(),
                database.superuser().user(),
                database.superuser().password());
    }

    private void appendKeyed(long number) {
        SpooledLog log = SpooledLogs.of(spools);
        assertThat(log.append(tenant, SENDER, batch(number, 1)).verdict()).isEqualTo(Verdict.APPENDED);
    }

    @Test
    void namesTheSpoolsWhosePlaceAnotherTakes() {
        SpooledBatch told = new SpooledBatch(SPOOL, batch(1, 1).records(), hash(1), hash(2), 9);
        spools.append(tenant, SENDER, told, BEGINS, drafts(1));
        SpooledBatch next = new SpooledBatch("f".repeat(32), batch(1, 1).records(), hash(1), hash(2), 1);

        assertThat(spools.append(tenant, SENDER, next, BEGINS, drafts(1)).left())
                .singleElement()
                .satisfies(left -> assertThat(left.missing()).isEqualTo(8));
    }

    @Test
    void expectsWhatASpoolHasToldOfThoughNothingOfItWasEverTaken() {
        assertThat(ask(0).nextNumber()).isEqualTo(1);
        assertThat(spools.list(tenant)).isEmpty();
        assertThat(ask(3).lastHash()).isEqualTo(BEGINS);
        assertThat(spools.list(tenant).getFirst().missing()).isEqualTo(3);
        assertThat(ask(5).nextNumber()).isEqualTo(1);
        assertThat(spools.list(tenant).getFirst().missing()).isEqualTo(5);

        Recorder admin = new Recorder(new Subject("user", "admin"), TenantId.ASSIZE);
        assertThat(spools.declareLost(new Loss(tenant, admin, SIDECAR, SPOOL, 1, "never taken")))
                .isInstanceOf(LossResult.Declared.class);
        assertThat(append(1, 1).verdict()).isEqualTo(Verdict.KNOWN);
        assertThat(append(2, 1).verdict()).isEqualTo(Verdict.APPENDED);
        assertThat(append(3, 1).nextNumber()).isEqualTo(4);
        assertThat(size()).isEqualTo(3);
        assertThat(spools.list(tenant)).hasSize(1);
    }

    @Test
    void aHundredSpoolsOfAKeyAreHeardOfOfWhichNothingIsTakenAndNoMore() {
        for (int i = 0; i < SpoolRepository.MOST_HEARD_OF; i++) {
            assertThat(told(id(i), List.of(), 3).verdict()).isEqualTo(Verdict.ASKED);
        }
        assertThat(told(SPOOL, List.of(), 3)).satisfies(unnoted -> {
            assertThat(unnoted.verdict()).isEqualTo(Verdict.UNNOTED);
            assertThat(unnoted.nextNumber()).isEqualTo(1);
            assertThat(unnoted.lastHash()).isEqualTo(BEGINS);
        });
        assertThat(told(SPOOL, batch(2, 1).records(), 3).verdict())
                .as("what is missing is told in any case")
                .isEqualTo(Verdict.MISSING);
        assertThat(spools.list(tenant)).hasSize(SpoolRepository.MOST_HEARD_OF);
        assertThat(told(id(0), List.of(), 9).verdict()).as("one that is known").isEqualTo(Verdict.ASKED);
        Recorder other = new Recorder(new Subject("service", "other"), SIDECAR.home());
        assertThat(spools.append(
                                tenant,
                                sender(other),
                                new SpooledBatch(id(1), List.of(), BEGINS, BEGINS, 1),
                                BEGINS,
                                List.of())
                        .verdict())
                .as("of another recorder")
                .isEqualTo(Verdict.ASKED);

        assertThat(append(1, 3).verdict()).as("nobody is kept out").isEqualTo(Verdict.APPENDED);
        assertThat(append(9, 1).verdict()).isEqualTo(Verdict.MISSING);
        assertThat(spools.list(tenant).stream().filter(it -> it.spoolId().equals(SPOOL)))
                .singleElement()
                .satisfies(it -> assertThat(it.missing()).isEqualTo(6));

        Recorder admin = new Recorder(new Subject("user", "admin"), TenantId.ASSIZE);
        assertThat(spools.declareLost(new Loss(tenant, admin, SIDECAR, id(0), 9, "never there")))
                .isInstanceOf(LossResult.Declared.class);
        assertThat(told(id(999), List.of(), 1).verdict())
                .as("a place is free again")
                .isEqualTo(Verdict.ASKED);
        assertThat(told(id(998), List.of(), 1).verdict()).isEqualTo(Verdict.UNNOTED);
    }

    @Test
    void aKeyBeginsTenThousandSpoolsInALedgerAndNoMore() throws SQLException {
        begin(SENDER, SpoolRepository.MOST_OF_KEY - 1);
        assertThat(append(1, 1)).satisfies(last -> {
            assertThat(last.verdict()).isEqualTo(Verdict.APPENDED);
            assertThat(last.begun()).isEqualTo(SpoolRepository.MOST_OF_KEY);
        });

        String more = "f".repeat(32);
        assertThat(told(more, List.of(), 0).verdict())
                .as("it has nothing to tell of")
                .isEqualTo(Verdict.ASKED);
        assertThat(told(more, List.of(), 1).verdict()).isEqualTo(Verdict.FULL);
        assertThat(told(more, batch(1, 1).records(), 1).verdict()).isEqualTo(Verdict.FULL);
        assertThat(told(more, batch(2, 1).records(), 2).verdict()).isEqualTo(Verdict.FULL);
        assertThat(append(2, 1)).as("those that are known go on").satisfies(known -> {
            assertThat(known.verdict()).isEqualTo(Verdict.APPENDED);
            assertThat(known.begun()).isZero();
        });
        assertThat(size()).isEqualTo(2);
        assertThat(spools.list(tenant)).hasSize(SpoolRepository.MOST_OF_KEY);
    }

    @Test
    void aKeyThatHasBegunAllItMayKeepsNoOtherOut() throws SQLException {
        begin(SENDER, SpoolRepository.MOST_OF_KEY);
        append(Verdict.FULL, SENDER, SPOOL);
        append(Verdict.APPENDED, new Sender(SIDECAR, "another-key"), SPOOL);
        append(Verdict.APPENDED, sender(new Recorder(SIDECAR.caller(), new TenantId("other"))), "f".repeat(32));

        assertThat(append(2, 1).verdict())
                .as("it goes on with what another key began")
                .isEqualTo(Verdict.APPENDED);
        tenant = new TenantId("tenant-" + tenants++);
        append(Verdict.APPENDED, SENDER, SPOOL);
    }

    /** In versions before, nobody noted by which key a spool was begun. */
    @Test
    void spoolsFromBeforeCountForNoKey() throws SQLException {
        begin(SENDER, SpoolRepository.MOST_OF_KEY);
        try (Connection owner = owner();
                Statement statement = owner.createStatement()) {
            statement.execute("UPDATE assize.ledger_spool SET begun_by_key = NULL, begun_as = NULL WHERE tenant_id = '"
                    + tenant + "'");
        }
        assertThat(append(1, 1)).satisfies(first -> {
            assertThat(first.verdict()).isEqualTo(Verdict.APPENDED);
            assertThat(first.begun()).isEqualTo(1);
        });
    }

    /** As if somebody had begun so many before, of each of which one record was taken. */
    private void begin(Sender sender, int count) throws SQLException {
        try (Connection owner = owner();
                Statement statement = owner.createStatement()) {
            statement.execute("INSERT INTO assize.ledger_spool (next_number, highest_number, heard_at, last_seq,"
                    + " last_entry_hash, last_recorded_at, tenant_id, recorded_by_tenant, recorded_by, begun_by_key,"
                    + " begun_as, spool_id) SELECT 2, 1, now(), 0, sha256(''), now(), '" + tenant + "', '"
                    + sender.recorder().home() + "', '" + sender.recorder().caller() + "', '" + sender.keyId()
                    + "', i, lpad(to_hex(i), 32, '0') FROM generate_series(1, " + count + ") AS i");
        }
    }

    private void append(Verdict expected, Sender sender, String spoolId) {
        SpooledBatch first = new SpooledBatch(spoolId, batch(1, 1).records(), BEGINS, hash(2), 1);
        assertThat(spools.append(tenant, sender, first, BEGINS, drafts(1)).verdict())
                .isEqualTo(expected);
    }

    private static String id(int number) {
        return "%032x".formatted(number);
    }

    private Reception told(String spoolId, List<SpooledEvents> records, long highest) {
        SpooledBatch told = new SpooledBatch(spoolId, records, BEGINS, hash(2), highest);
        return spools.append(tenant, SENDER, told, BEGINS, drafts(records.size()));
    }

    @Test
    void aSpoolIsOfWhoeverHasTheFirstRecordTakenAndNotOfWhoeverAsksFirst() {
        Recorder other = new Recorder(new Subject("service", "other"), SIDECAR.home());
        SpooledBatch asks = new SpooledBatch(SPOOL, List.of(), BEGINS, BEGINS, 1);
        assertThat(spools.append(tenant, sender(other), asks, BEGINS, List.of()).verdict())
                .isEqualTo(Verdict.ASKED);

        assertThat(append(1, 1).verdict()).isEqualTo(Verdict.APPENDED);
        assertThat(spools.append(tenant, sender(other), batch(1, 1), BEGINS, drafts(1))
                        .verdict())
                .isEqualTo(Verdict.OF_ANOTHER_RECORDER);
        assertThat(size()).isEqualTo(1);
    }

    @Test
    void namesWhatIsLeftWhenTheFirstIsTakenThatWasAskedAboutBefore() {
        SpooledBatch told = new SpooledBatch("f".repeat(32), List.of(), BEGINS, BEGINS, 9);
        spools.append(tenant, SENDER, told, BEGINS, List.of());
        assertThat(ask(1).left()).isEmpty();

        assertThat(append(1, 1).left())
                .singleElement()
                .satisfies(left -> assertThat(left.missing()).isEqualTo(9));
        assertThat(append(2, 1).left()).isEmpty();
    }

    private Reception ask(long highest) {
        SpooledBatch asks = new SpooledBatch(SPOOL, List.of(), BEGINS, BEGINS, highest);
        return spools.append(tenant, SENDER, asks, BEGINS, List.of());
    }

    @Test
    void whatIsDeclaredLostIsRecordedAndNoLongerExpected() {
        Recorder admin = new Recorder(new Subject("user", "admin"), TenantId.ASSIZE);
        Loss loss = new Loss(tenant, admin, SIDECAR, SPOOL, 5, "disk broke");
        assertThat(spools.declareLost(loss)).isEqualTo(new LossResult.NoSuchSpool());

        spools.append(
                tenant, SENDER, new SpooledBatch(SPOOL, batch(1, 1).records(), hash(1), hash(2), 5), BEGINS, drafts(1));
        assertThat(spools.declareLost(new Loss(tenant, admin, SIDECAR, SPOOL, 6, "disk broke")))
                .isInstanceOf(LossResult.NotMissing.class);
        assertThat(spools.declareLost(loss)).isInstanceOfSatisfying(LossResult.Declared.class, declared -> {
            assertThat(declared.fromNumber()).isEqualTo(2);
            assertThat(declared.entry().seq()).isEqualTo(1);
        });
        Standing standing = spools.list(tenant).getFirst();
        assertThat(standing.nextNumber()).isEqualTo(6);
        assertThat(standing.missing()).isZero();
        assertThat(append(6, 1).verdict()).isEqualTo(Verdict.APPENDED);
    }

    private Reception append(long first, int count) {
        return spools.append(tenant, SENDER, batch(first, count), BEGINS, drafts(count));
    }

    private static SpooledBatch batch(long first, int count) {
        List<SpooledEvents> records = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            records.add(new SpooledEvents(first + i, List.of(event("e"))));
        }
        return new SpooledBatch(SPOOL, records, hash(first), hash(first + count), first + count - 1);
    }

    private static Digest hash(long before) {
        return before == 1 ? BEGINS : Digest.sha256(("before " + before).getBytes(UTF_8));
    }

    private List<EntryDraft> drafts(int count) {
        List<EntryDraft> drafts = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            drafts.add(CODEC.encode(event("e"), SIDECAR, tenant));
        }
        return drafts;
    }

    private long size() {
        return ledger.head(tenant).map(LedgerHead::size).orElse(0L);
    }

    /** An event; one with a long category is not storable. */
    private static AuditEvent event(String category) {
        return EventBuilder.event(
                        "replay.executed",
                        new Subject("service", "sidecar"),
                        new Action("execute"),
                        ResourcePath.parse("replay:r1"))
                .env(Environment.DEFAULT)
                .category(category)
                .build();
    }
}
