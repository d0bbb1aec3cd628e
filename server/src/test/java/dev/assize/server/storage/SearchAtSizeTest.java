package dev.assize.server.storage;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.anchor.AnchorRepository.Span;
import dev.assize.server.audit.AuditCodec;
import dev.assize.server.audit.AuditExport;
import dev.assize.server.audit.AuditFilter;
import dev.assize.server.audit.Outcome;
import dev.assize.server.ledger.ErasableValue;
import dev.assize.server.lineage.LineageIndex;
import dev.assize.server.model.Digest;
import dev.assize.server.model.Environment;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.TenantId;
import dev.assize.server.testing.TestDatabase;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** What a page of a search reads in a ledger of four years, counted in pages of the database and not in time. */
class SearchAtSizeTest {

    private static final TenantId TENANT = new TenantId("acme");
    private static final AuditCodec CODEC = new AuditCodec();
    private static final int MONTHS = 48;
    private static final int A_MONTH = 2_500;
    private static final int ENTRIES = MONTHS * A_MONTH;

    /** To find out where the months of the ledger begin: a few descents of an index for each. */
    private static final long MONTHS_COST = 1_000;

    /** Three conditions of which none holds for few. */
    private static final long A_PAGE = 25_000;

    /** All rows of a table that has some; of an empty month it is as good as any other way. */
    private static final Pattern SCAN =
            Pattern.compile("Disabled: true|Seq Scan on ledger_(entry_202[0-4]|term|lineage)");

    /** As much smaller than usual as this ledger is smaller than one at size. */
    private static final EntrySearch.Bounds SMALL =
            new EntrySearch.Bounds(2_000, 85, 10_000, 512, 4_096, 1_000, 10_000, 32, 256, 1_000);

    private static TestDatabase testDatabase;
    private static Connection reader;
    private static Database database;

    @BeforeAll
    static void fill() throws SQLException {
        testDatabase = TestDatabase.migrated();
        database = testDatabase.open(InstantSource.system());
        DatabaseAccess owner = testDatabase.owner();
        try (Connection connection = DriverManager.getConnection(owner.url(), owner.user(), owner.password());
                Statement statement = connection.createStatement()) {
            statement.execute("SELECT set_config('assize.tenant', 'acme', false)");
            statement.execute("SELECT assize.make_ledger_partition(m::date) FROM generate_series("
                    + "DATE '2020-01-01', DATE '2020-01-01' + INTERVAL '47 months', INTERVAL '1 month') m");
            // Every block has even and odd, and no entry is both; what is seldom is old, or in every month.
            statement.execute(
                    "INSERT INTO assize.ledger_entry (tenant_id, seq, recorded_at, frame, entry_hash, outcome,"
                            + " type, actor, action, resource, env, run_id) SELECT 'acme', i, (TIMESTAMP '2020-01-01' + (i / "
                            + A_MONTH + ") * INTERVAL '1 month' + (i % " + A_MONTH
                            + ") * INTERVAL '10 minutes') AT TIME ZONE"
                            + " 'UTC', '\\x01', decode(repeat('00', 32), 'hex'),"
                            + " CASE WHEN i % 1000 = 0 THEN 3 ELSE 1 END,"
                            + " CASE WHEN i % " + A_MONTH
                            + " = 7 THEN 'seldom' WHEN i % 3 = 0 THEN 'third' ELSE 'often' END,"
                            + " CASE WHEN i = 5 THEN 'user:once' WHEN i % 2 = 0 THEN 'user:even' ELSE 'user:odd' END,"
                            + " CASE i % 2 WHEN 0 THEN 'even' ELSE 'odd' END,"
                            + " CASE WHEN i % 4 = 0 THEN 'order:hot/line:' || i % 50"
                            + " WHEN i < 10000 AND i % 4 = 1 THEN 'order:old'"
                            + " WHEN i % 4 = 1 THEN 'order:old-' || i ELSE 'order:' || i % 20011 END,"
                            + " CASE WHEN i = 3 THEN 'staging' ELSE 'default' END, 'run-' || i / 1000"
                            + " FROM generate_series(0, " + (ENTRIES - 1) + ") AS i");
            statement.execute("INSERT INTO assize.ledger_term (tenant_id, kind, value, block, bits)"
                    + " SELECT e.tenant_id, t.kind, t.value, e.seq >> 6, bit_or(1::bigint << (e.seq & 63)::integer)"
                    + " FROM assize.ledger_entry e CROSS JOIN LATERAL (VALUES (1, e.actor), (2, e.action), (3, e.type),"
                    + " (4, e.run_id), (5, CASE WHEN e.outcome <> 1 THEN e.outcome::text END)) AS t (kind, value)"
                    + " WHERE t.value IS NOT NULL GROUP BY e.tenant_id, t.kind, t.value, e.seq >> 6");
            statement.execute(
                    "INSERT INTO assize.ledger_lineage (tenant_id, seq, kind, position, uri, recorded_at, env,"
                            + " outcome, run_id) SELECT e.tenant_id, e.seq, k, 0, 'db://' || k || '/' || e.seq % 3000,"
                            + " e.recorded_at, e.env, e.outcome, e.run_id FROM assize.ledger_entry e, generate_series(1, 2) k"
                            + " WHERE e.seq % 5 = 0");
            statement.execute("ANALYZE assize.ledger_lineage");
            statement.execute("ANALYZE assize.ledger_entry");
            statement.execute("ANALYZE assize.ledger_term");
        }
        DatabaseAccess superuser = testDatabase.superuser();
        try (Connection connection =
                        DriverManager.getConnection(superuser.url(), superuser.user(), superuser.password());
                Statement statement = connection.createStatement()) {
            statement.execute("VACUUM assize.ledger_entry");
        }
        DatabaseAccess application = testDatabase.application();
        reader = DriverManager.getConnection(application.url(), application.user(), application.password());
        reader.setAutoCommit(false);
    }

    @AfterAll
    static void drop() throws SQLException {
        reader.close();
        database.close();
        testDatabase.close();
    }

    /**
     * What was appended since the last checkpoint. A plan that takes it for a part of the ledger has a bitmap of all its pages here, and
     * reads all of it where it has millions.
     */
    @Test
    void signingReadsWhatIsNewAndNotTheLedger() throws SQLException {
        List<Span> spans = List.of(
                new Span(TENANT, ENTRIES - 400, ENTRIES),
                new Span(new TenantId("new"), 0, 20),
                new Span(new TenantId("small"), 7, 9));
        AtomicInteger entries = new AtomicInteger();
        ExplainedReads reads = ExplainedReads.of(reader, TENANT, transaction -> {
            new PostgresAnchorRound(transaction, "deployment")
                    .entries(spans, (_, _, _, _) -> entries.incrementAndGet());
            return entries;
        });
        assertThat(entries).hasValue(400);
        assertThat(reads.plans())
                .singleElement()
                .asString()
                .doesNotContainPattern(SCAN)
                .doesNotContain("Bitmap")
                .contains("Index Scan using ledger_entry_2023_12_pkey");
        assertThat(reads.buffers()).isLessThan(MONTHS_COST + 400);
    }

    @Test
    void aPageReadsWhatAPageIsWhateverIsCommon() throws SQLException {
        for (boolean ascending : new boolean[] {true, false}) {
            assertThat(cost(of(ascending), 100)).isLessThan(MONTHS_COST + 100);
            assertThat(cost(of(ascending).actor("user:odd"), 100)).isLessThan(MONTHS_COST + 1_000);
            assertThat(cost(of(ascending).actor("user:odd").action("odd").outcome(Outcome.SUCCESS), 100))
                    .isLessThan(MONTHS_COST + 1_000);
            assertThat(cost(of(ascending).resource("order:hot").action("even"), 100))
                    .isLessThan(MONTHS_COST + 1_500);
            assertThat(cost(of(ascending).resource("order:hot").type("third"), 100))
                    .isLessThan(MONTHS_COST + 1_500);
            assertThat(cost(of(ascending).resource("order:hot"), 100)).isLessThan(MONTHS_COST + 1_500);
        }
    }

    @Test
    void aPageReadsNoMoreMonthsThanItHas() throws SQLException {
        for (boolean ascending : new boolean[] {true, false}) {
            assertThat(cost(of(ascending).type("seldom"), MONTHS)).isLessThan(MONTHS_COST + 1_000);
            assertThat(cost(of(ascending).actor("user:once"), 1)).isLessThan(MONTHS_COST + 50);
            assertThat(cost(of(ascending).actor("user:once").action("odd").type("often"), 1))
                    .isLessThan(MONTHS_COST + 100);
            assertThat(cost(of(ascending).run("run-70").action("even"), 100)).isLessThan(MONTHS_COST + 500);
        }
    }

    /** Of a resource that is of few the index is read, and no entry but those that fit what it has. */
    @Test
    void whatIsOldIsFoundAtOnce() throws SQLException {
        assertThat(cost(of(false).resource("order:old").actor("user:odd"), 100)).isLessThan(MONTHS_COST + 5_000);
        assertThat(cost(of(false).resource("order:old").type("third"), 100)).isLessThan(MONTHS_COST + 5_000);
        assertThat(cost(of(false).resource("order:old").actor("user:even"), 0)).isLessThan(MONTHS_COST + 2_000);
        assertThat(cost(of(false).resource("order:old").actor("user:nobody"), 0))
                .isLessThan(MONTHS_COST + 2_000);
        assertThat(cost(of(false).resource("order:none").actor("user:odd"), 0)).isLessThan(MONTHS_COST + 300);
        assertThat(cost(of(false).actor("user:nobody").action("odd"), 0)).isLessThan(MONTHS_COST + 100);
    }

    @Test
    void timesAndMonthsAreLookedUpOnce() throws SQLException {
        Instant from = Instant.parse("2022-03-10T00:00:00Z");
        Instant to = Instant.parse("2022-03-12T00:00:00Z");
        for (boolean ascending : new boolean[] {true, false}) {
            assertThat(cost(of(ascending).between(from, to), 100)).isLessThan(3 * MONTHS_COST);
            assertThat(cost(of(ascending).between(from, to).actor("user:odd"), 100))
                    .isLessThan(3 * MONTHS_COST);
            assertThat(cost(of(ascending).between(from, to).actor("user:even").action("odd"), 0))
                    .isLessThan(3 * MONTHS_COST);
            assertThat(cost(of(ascending).between(from, to).resource("order:hot"), 72))
                    .isLessThan(3 * MONTHS_COST + 1_500);
        }
    }

    /** What is common and never meets, or is asked of every entry, is looked for a part of the ledger after the other. */
    @Test
    void aPageEndsWhereEnoughWasLookedAt() throws SQLException {
        for (boolean ascending : new boolean[] {true, false}) {
            assertThat(pages(of(ascending).actor("user:even").action("odd"), Set.of()))
                    .isEmpty();
            assertThat(pages(of(ascending).resource("order:hot").action("odd"), Set.of()))
                    .isEmpty();
            assertThat(pages(of(ascending), Set.of(new Environment("staging")))).containsExactly(3L);
        }
    }

    @Test
    void anExportReadsWhatItHandsOut() throws SQLException {
        assertThat(exported(of(true), 1_200)).isLessThan(MONTHS_COST + 1_500);
        assertThat(exported(of(true).type("seldom"), MONTHS)).isLessThan(MONTHS_COST + 1_500);
        assertThat(exported(of(true).resource("order:old").type("third"), 833)).isLessThan(MONTHS_COST + 8_000);
    }

    /** @param expected where it is fewer, all of them; else it ends behind so many positions */
    private static long exported(Conditions conditions, int expected) throws SQLException {
        Counted counted = new Counted();
        PostgresAuditExport export = new PostgresAuditExport(database, CODEC);
        boolean isWhole = conditions.type() == null;
        ExplainedReads reads = ExplainedReads.of(
                reader,
                TENANT,
                transaction -> database.asked(transaction, () -> {
                    export.read(
                            TENANT,
                            conditions.filter(Set.of(), null),
                            isWhole ? expected - 1 : Long.MAX_VALUE,
                            counted);
                    return true;
                }));
        assertThat(counted.entries).isEqualTo(expected);
        assertIndexed(reads);
        return reads.buffers();
    }

    @Test
    void lineageIsFoundByItsIndexes() throws SQLException {
        PostgresLineageIndex lineage = new PostgresLineageIndex(database);
        LineageIndex.Scope scope = new LineageIndex.Scope(TENANT, Set.of(), Long.MAX_VALUE);
        List<LineageIndex.Span> spans =
                List.of(new LineageIndex.Span("run-7", 7_000, 7_990), new LineageIndex.Span(null, 90_005, 90_005));
        ExplainedReads reads = ExplainedReads.of(
                reader,
                TENANT,
                transaction -> database.asked(transaction, () -> {
                    assertThat(lineage.accesses(scope, "db://1/2000", 100)).hasSize(ENTRIES / 3_000);
                    assertThat(lineage.touches(scope, LineageIndex.Kind.WRITTEN, List.of("db://2/5", "db://2/10"), 20))
                            .hasSize(40);
                    assertThat(lineage.within(scope, LineageIndex.Kind.READ, spans, 100))
                            .hasSize(101);
                    assertThat(lineage.lastSeq(TENANT, Instant.parse("2022-03-01T00:00:00Z")))
                            .hasValue(26L * A_MONTH);
                    return true;
                }));
        assertThat(reads.plans()).hasSize(5);
        assertIndexed(reads);
        assertThat(reads.buffers()).isLessThan(MONTHS * 50);
    }

    /** What verification asks of rows beside a ledger; of tables that are empty any plan is as good. */
    @Test
    void whatStandsBesideALedgerIsFoundByIndexes() throws SQLException {
        PostgresStandingRecords records = new PostgresStandingRecords(database, CODEC);
        ExplainedReads reads = ExplainedReads.of(
                reader,
                TENANT,
                transaction ->
                        database.asked(transaction, () -> records.fault(TENANT).isEmpty()));
        assertThat(reads.plans()).hasSizeGreaterThan(5);
        assertIndexed(reads);
        assertThat(reads.buffers()).isLessThan(MONTHS * 50);
    }

    /**
     * Each statement of the function that prunes has an index that fits it, for some hundred entries. This ledger is so small that the
     * planner would join all of its terms otherwise, and rightly so.
     */
    @Test
    void whatIsPrunedIsFoundByIndexes() throws SQLException {
        List<String> plans =
                plans("prune_ledger_prefix", List.of("pruned_tenant", "'acme'", "first_seq", "512", "end_seq", "1024"));
        assertThat(plans).hasSize(7);
        assertIndexed(plans);
    }

    private static List<String> plans(String function, List<String> values) throws SQLException {
        DatabaseAccess owner = testDatabase.owner();
        List<String> plans = new ArrayList<>();
        try (Connection connection = DriverManager.getConnection(owner.url(), owner.user(), owner.password());
                Statement statement = connection.createStatement()) {
            statement.execute("SET enable_seqscan = off");
            statement.execute("SELECT set_config('assize.tenant', 'acme', false)");
            String body =
                    String.join("\n", rows(statement, "SELECT prosrc FROM pg_proc WHERE proname = '" + function + "'"));
            for (String sql : body.replaceAll("(?m)--.*$", "").split(";", -1)) {
                if (sql.strip().startsWith("DELETE") || sql.strip().startsWith("UPDATE")) {
                    String asked = sql;
                    for (int i = 0; i < values.size(); i += 2) {
                        asked = asked.replaceAll("(?<!\\.)" + values.get(i), values.get(i + 1));
                    }
                    plans.add(asked + "\n" + String.join("\n", rows(statement, "EXPLAIN " + asked)));
                }
            }
        }
        return plans;
    }

    private static List<String> rows(Statement statement, String sql) throws SQLException {
        List<String> rows = new ArrayList<>();
        try (ResultSet row = statement.executeQuery(sql)) {
            while (row.next()) {
                rows.add(row.getString(1));
            }
        }
        return rows;
    }

    private static final class Counted implements AuditExport.Reader {
        private int entries;

        @Override
        public void begin(long ledgerSize) {}

        @Override
        public void accept(long seq, byte[] frame, Digest entryHash, List<ErasableValue> beside) {
            entries++;
        }
    }

    /** Whoever asks goes on where a page says, and has all in the end; no page reads more than a page may. */
    private static List<Long> pages(Conditions conditions, Set<Environment> envs) throws SQLException {
        List<Long> found = new ArrayList<>();
        int pages = 0;
        AtomicReference<@Nullable Long> after = new AtomicReference<>();
        do {
            AuditFilter filter = conditions.filter(envs, after.get());
            ExplainedReads reads = ExplainedReads.of(reader, TENANT, transaction -> {
                EntrySearch search = EntrySearch.begin(transaction, TENANT, filter, Long.MAX_VALUE, SMALL)
                        .orElseThrow();
                search.next(filter.limit()).forEach(row -> found.add(row.seq()));
                after.set(search.isAtEnd() ? null : search.passed());
                return true;
            });
            assertIndexed(reads);
            assertThat(reads.buffers()).as(reads.plans().toString()).isLessThan(A_PAGE);
            pages++;
        } while (after.get() != null);
        assertThat(pages).isBetween(3, 50);
        return found;
    }

    private static long cost(Conditions conditions, int expected) throws SQLException {
        AuditFilter filter = conditions.filter(Set.of(), null);
        ExplainedReads reads = ExplainedReads.of(reader, TENANT, transaction -> {
            EntrySearch search = EntrySearch.begin(transaction, TENANT, filter, Long.MAX_VALUE)
                    .orElse(null);
            assertThat(search == null ? List.of() : search.next(filter.limit()))
                    .as(filter.toString())
                    .hasSize(expected);
            return true;
        });
        assertIndexed(reads);
        return reads.buffers();
    }

    private static void assertIndexed(ExplainedReads reads) {
        assertIndexed(reads.plans());
    }

    private static void assertIndexed(List<String> plans) {
        assertThat(plans.stream().filter(plan -> SCAN.matcher(plan).find())).isEmpty();
    }

    private static Conditions of(boolean ascending) {
        return new Conditions(ascending, null, null, null, null, null, null, null, null);
    }

    private record Conditions(
            boolean ascending,
            @Nullable Instant from,
            @Nullable Instant to,
            @Nullable String actor,
            @Nullable String action,
            @Nullable String resource,
            @Nullable Outcome outcome,
            @Nullable String run,
            @Nullable String type) {

        Conditions between(Instant begin, Instant end) {
            return new Conditions(ascending, begin, end, actor, action, resource, outcome, run, type);
        }

        Conditions actor(String wanted) {
            return new Conditions(ascending, from, to, wanted, action, resource, outcome, run, type);
        }

        Conditions action(String wanted) {
            return new Conditions(ascending, from, to, actor, wanted, resource, outcome, run, type);
        }

        Conditions resource(String wanted) {
            return new Conditions(ascending, from, to, actor, action, wanted, outcome, run, type);
        }

        Conditions outcome(Outcome wanted) {
            return new Conditions(ascending, from, to, actor, action, resource, wanted, run, type);
        }

        Conditions run(String wanted) {
            return new Conditions(ascending, from, to, actor, action, resource, outcome, wanted, type);
        }

        Conditions type(String wanted) {
            return new Conditions(ascending, from, to, actor, action, resource, outcome, run, wanted);
        }

        AuditFilter filter(Set<Environment> envs, @Nullable Long after) {
            return new AuditFilter(
                    from,
                    to,
                    actor,
                    action,
                    resource == null ? null : ResourcePath.parse(resource),
                    outcome,
                    run,
                    type,
                    envs,
                    ascending,
                    after,
                    100);
        }
    }
}
