package dev.assize.server.storage;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.audit.AuditCodec;
import dev.assize.server.audit.AuditColumns;
import dev.assize.server.audit.AuditEvent;
import dev.assize.server.audit.AuditFilter;
import dev.assize.server.audit.Outcome;
import dev.assize.server.audit.RawColumns;
import dev.assize.server.audit.RecordedEvent;
import dev.assize.server.ledger.AppendCommand;
import dev.assize.server.ledger.ChainVerifier;
import dev.assize.server.ledger.LedgerMetrics;
import dev.assize.server.ledger.Verification;
import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.testing.TestDatabase;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.LongFunction;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class EntryTermsTest {

    private static final AuditCodec CODEC = new AuditCodec();
    private static final TenantId ACME = new TenantId("acme");
    private static final TenantId OTHER = new TenantId("other");
    private static final TenantId HEADLESS = new TenantId("headless");

    /** So many that the second block is full and the third is not. */
    private static final int ENTRIES = 150;

    @Test
    void whatWasFoundByIndexesIsFoundByTermsAfterwards() throws SQLException {
        try (TestDatabase test = TestDatabase.fresh()) {
            EarlierSchema.make(test, "39");
            EarlierSchema.append(test, database -> {
                append(database, ACME, 0, ENTRIES);
                append(database, OTHER, 0, 1);
                append(database, HEADLESS, 0, 3);
            });
            execute(test, "DELETE FROM assize.ledger_head WHERE tenant_id = 'headless'");
            try (Database database = test.open(InstantSource.system())) {
                assertSound(database, ACME);
                assertSound(database, OTHER);
                assertThat(query(test, "SELECT bits FROM assize.ledger_term WHERE tenant_id = 'headless' AND kind = 2"))
                        .isEqualTo("7");
                assertThat(found(database, "user:u3")).hasSize(ENTRIES / 5).allMatch(seq -> seq % 5 == 3);
                append(database, ACME, ENTRIES, 10);
                assertSound(database, ACME);
                assertThat(found(database, "user:u3")).hasSize(ENTRIES / 5 + 2);
            }
        }
    }

    @Test
    void entriesThatShareAValueShareARow() throws SQLException {
        try (TestDatabase test = TestDatabase.migrated();
                Database database = test.open(InstantSource.system())) {
            for (int seq = 0; seq < ENTRIES; seq += 3) {
                append(database, ACME, seq, 3);
            }
            assertThat(
                            query(
                                    test,
                                    "SELECT string_agg(block || ':' || bit_count(bits::bit(64)), ' ' ORDER BY block)"
                                            + " FROM assize.ledger_term WHERE tenant_id = 'acme' AND kind = 2 AND value = 'act'"))
                    .isEqualTo("0:64 1:64 2:22");
            assertThat(query(
                            test,
                            "SELECT count(*) FROM assize.ledger_term WHERE tenant_id = 'acme' AND kind = 5"
                                    + " AND value = '" + Outcome.SUCCESS.number() + "'"))
                    .isEqualTo("0");
            assertSound(database, ACME);
        }
    }

    @Test
    void aTimeIsTheFirstPositionFromItOn() throws SQLException {
        try (TestDatabase test = TestDatabase.migrated();
                Database database = test.open(InstantSource.system())) {
            assertThat(query(test, "SELECT assize.ledger_seq_at('acme', now(), false)"))
                    .isEqualTo("0");
            append(database, ACME, 0, ENTRIES);
            String wrong = "SELECT count(*) FROM assize.ledger_entry e WHERE e.tenant_id = 'acme' AND ("
                    + "assize.ledger_seq_at('acme', e.recorded_at, false) <> e.seq OR"
                    + " assize.ledger_seq_at('acme', e.recorded_at, true) <> e.seq + 1)";
            assertThat(query(test, wrong)).isEqualTo("0");
            assertThat(query(test, "SELECT assize.ledger_seq_at('acme', '-infinity', true)"))
                    .isEqualTo("0");
            assertThat(query(test, "SELECT assize.ledger_seq_at('acme', 'infinity', false)"))
                    .isEqualTo(Integer.toString(ENTRIES));
        }
    }

    @Test
    void saysWhichEntryIsTheFirstThatIsNotFound() throws SQLException {
        try (TestDatabase test = TestDatabase.migrated();
                Database database = test.open(InstantSource.system())) {
            insert(
                    test,
                    "'user:u0', 0, " + (0b0101L << 60) + "|'user:u1', 0, " + (0b1010L << 60) + "|'user:u0', 1, "
                            + 0b010101 + "|'user:u1', 1, " + 0b101010);
            assertThat(wrong(database)).isNull();
            // Of positions that have no entry here nothing is known, and of what none of them has.
            insert(test, "'user:u7', 1, 8");
            update(test, "bits = bits | (1::bigint << 40) WHERE block = 1");
            assertThat(wrong(database)).isNull();
            update(test, "bits = bits | 2 WHERE block = 1 AND value = 'user:u0'");
            assertThat(wrong(database)).isEqualTo(65);
            update(test, "bits = bits & ~(1::bigint << 62) WHERE block = 0 AND value = 'user:u0'");
            assertThat(wrong(database)).isEqualTo(62);
            update(test, "value = 'x' WHERE block = 0 AND value = 'user:u1'");
            assertThat(wrong(database)).isEqualTo(61);
        }
    }

    /** One bit of many, whichever it is, at a value that an entry has or a neighbour. */
    @Test
    void holdsEachRowToTheEntries() throws SQLException {
        Random random = new Random(4);
        List<Long> entries = LongStream.range(1_000, 3_000).boxed().toList();
        try (TestDatabase test = TestDatabase.migrated();
                Database database = test.open(InstantSource.system())) {
            LongFunction<String> actors = seq -> "user:ü" + Long.hashCode(seq * 0x9E3779B97F4A7C15L) % 40;
            Map<String, Long> rows = new TreeMap<>();
            entries.forEach(
                    seq -> rows.merge(actors.apply(seq) + "', " + (seq >> 6), 1L << seq, (one, other) -> one | other));
            for (Map.Entry<String, Long> row : rows.entrySet()) {
                insert(test, "'" + row.getKey() + ", " + row.getValue());
            }
            assertThat(wrong(database, entries, actors)).isNull();
            for (int i = 0; i < 40; i++) {
                long seq = entries.get(random.nextInt(entries.size()));
                String actor = actors.apply(random.nextBoolean() ? seq : entries.get(random.nextInt(entries.size())));
                long kept = rows.getOrDefault(actor + "', " + (seq >> 6), 0L);
                replace(test, actor, seq >> 6, kept ^ (1L << seq));
                assertThat(wrong(database, entries, actors)).isEqualTo(seq);
                replace(test, actor, seq >> 6, kept);
            }
            assertThat(wrong(database, entries, actors)).isNull();
        }
    }

    private static void replace(TestDatabase test, String actor, long block, long bits) throws SQLException {
        execute(test, "DELETE FROM assize.ledger_term WHERE value = '" + actor + "' AND block = " + block);
        if (bits != 0) {
            insert(test, "'" + actor + "', " + block + ", " + bits);
        }
    }

    /** What stands where nothing should only costs the way by which nothing is looked for. */
    @Test
    void rowsThatWereThereAlreadyStopNoAppend() throws SQLException {
        try (TestDatabase test = TestDatabase.migrated();
                Database database = test.open(InstantSource.system())) {
            append(database, ACME, 0, 10);
            PostgresLedgerStore store = new PostgresLedgerStore(database, writer(database));
            append(store, ACME, 10, 10);
            execute(
                    test,
                    "INSERT INTO assize.ledger_term SELECT tenant_id, kind, value, block + 1, 6"
                            + " FROM assize.ledger_term WHERE tenant_id = 'acme' AND kind = 2");
            append(store, ACME, 20, 60);
            assertSound(database, ACME);
        }
    }

    /** What is on the page is what is run. */
    @Test
    void areMadeAnewAsThePageOfOperationsSays() throws SQLException, IOException {
        String page = Files.readString(Path.of("..", "docs", "operations.md"));
        String section = page.substring(page.indexOf("### What entries are found by, made anew"));
        String sql = section.substring(section.indexOf("```sql\n") + 7, section.indexOf("\n```\n"));
        assertThat(sql).startsWith("BEGIN;").contains("'acme'").endsWith(";");
        try (TestDatabase test = TestDatabase.migrated();
                Database database = test.open(InstantSource.system())) {
            append(database, ACME, 0, ENTRIES);
            append(database, OTHER, 0, 5);
            String all = "SELECT md5(string_agg(t::text, ',' ORDER BY t::text)) FROM assize.ledger_term t";
            String sound = query(test, all);
            execute(test, "DELETE FROM assize.ledger_term WHERE tenant_id = 'acme' AND block < 2");
            execute(test, "UPDATE assize.ledger_term SET bits = bits | 7 WHERE tenant_id = 'acme' AND kind = 1");
            execute(test, "INSERT INTO assize.ledger_term VALUES ('acme', 1, 'user:made-up', 7, 1)");
            assertThat(verified(database, ACME)).isInstanceOf(Verification.Broken.class);

            execute(test.owner(), sql);
            assertThat(query(test, all)).isEqualTo(sound);
            assertSound(database, ACME);
            assertSound(database, OTHER);
            append(database, ACME, ENTRIES, 10);
            assertSound(database, ACME);
            assertThat(found(database, "user:u3")).hasSize(ENTRIES / 5 + 2);
        }
    }

    private static @Nullable Long wrong(Database database) {
        return wrong(database, LongStream.range(60, 70).boxed().toList(), seq -> "user:u" + seq % 2);
    }

    private static @Nullable Long wrong(Database database, List<Long> entries, LongFunction<String> actors) {
        TermCheck terms = new TermCheck();
        entries.forEach(seq -> terms.add(seq, ofActor(actors.apply(seq))));
        return database.<@Nullable Long>inSnapshot(
                ACME.value(), transaction -> terms.wrong(transaction.connection(), ACME.value()));
    }

    private static RawColumns ofActor(String actor) {
        byte[] row = actor.getBytes(UTF_8);
        int[] lengths = new int[RawColumns.TEXTS.size()];
        Arrays.fill(lengths, -1);
        lengths[RawColumns.TEXTS.indexOf(AuditColumns.ACTOR)] = row.length;
        return new RawColumns(row, 0, null, null, new int[RawColumns.TEXTS.size()], lengths);
    }

    private static void insert(TestDatabase test, String rows) throws SQLException {
        for (String row : rows.split("\\|", -1)) {
            execute(test, "INSERT INTO assize.ledger_term VALUES ('acme', 1, " + row + ")");
        }
    }

    private static void update(TestDatabase test, String change) throws SQLException {
        execute(test, "UPDATE assize.ledger_term SET " + change);
    }

    private static void execute(TestDatabase test, String sql) throws SQLException {
        execute(test.superuser(), sql);
    }

    private static void execute(DatabaseAccess access, String sql) throws SQLException {
        try (Connection connection = DriverManager.getConnection(access.url(), access.user(), access.password());
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    private static LedgerWriter writer(Database database) {
        return new LedgerWriter(database, CODEC, (_, _) -> {}, InstantSource.system());
    }

    private static void append(Database database, TenantId tenant, int first, int count) {
        append(new PostgresLedgerStore(database, writer(database)), tenant, first, count);
    }

    private static void append(PostgresLedgerStore store, TenantId tenant, int first, int count) {
        assertThat(store.append(
                        tenant,
                        IntStream.range(first, first + count)
                                .mapToObj(seq -> new AppendCommand(
                                        Recorder.ASSIZE, List.of(CODEC.encode(event(seq), Recorder.ASSIZE)), null))
                                .toList()))
                .hasSize(count);
    }

    private static AuditEvent event(int seq) {
        return new AuditEvent(
                "replay.executed",
                "replay",
                new Subject("user", "u" + seq % 5),
                null,
                new Action("act"),
                ResourcePath.parse("vault:company"),
                Environment.DEFAULT,
                seq % 7 == 0 ? Outcome.FAILURE : Outcome.SUCCESS,
                null,
                run(seq),
                null,
                null,
                false,
                null,
                List.of(),
                List.of(),
                null,
                null);
    }

    private static @Nullable String run(int seq) {
        return seq % 3 == 0 ? null : "run-" + seq / 10;
    }

    private static void assertSound(Database database, TenantId tenant) {
        assertThat(verified(database, tenant)).isInstanceOf(Verification.Sound.class);
    }

    private static Verification verified(Database database, TenantId tenant) {
        return new ChainVerifier(
                        new PostgresLedgerStore(database, writer(database)),
                        CODEC,
                        new LedgerMetrics(new SimpleMeterRegistry()))
                .verify(tenant, 0, null, (_, _) -> {});
    }

    private static List<Long> found(Database database, String actor) {
        return new ArrayList<>(new PostgresAuditIndex(database, CODEC)
                        .find(ACME, new AuditFilter(null, null, actor, null, null, null, null, null, true, null, 1_000))
                        .entries()
                        .stream()
                        .map(RecordedEvent::seq)
                        .toList());
    }

    private static String query(TestDatabase test, String sql) throws SQLException {
        DatabaseAccess access = test.superuser();
        try (Connection connection = DriverManager.getConnection(access.url(), access.user(), access.password());
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            assertThat(row.next()).isTrue();
            return row.getString(1);
        }
    }
}
