package dev.assize.server.storage;

import static dev.assize.server.testing.EventBuilder.event;
import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.audit.AuditCodec;
import dev.assize.server.audit.AuditEvent;
import dev.assize.server.audit.Outcome;
import dev.assize.server.decision.HistorySource.Performed;
import dev.assize.server.ledger.AppendCommand;
import dev.assize.server.ledger.EntryDraft;
import dev.assize.server.model.Action;
import dev.assize.server.model.Calendar;
import dev.assize.server.model.Environment;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.testing.TestDatabase;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class PostgresHistorySourceTest {

    private static final TenantId TENANT = new TenantId("acme");
    private static final Instant NOON = Instant.parse("2026-03-01T12:00:00Z");
    private static final Subject ALICE = Subject.parse("user:alice");
    private static final ResourcePath ORDER = ResourcePath.parse("book:fx/order:1");
    private static final AuditCodec CODEC = new AuditCodec();
    private static final int ENTRIES = 400;
    private static final int MANY = 200_000;

    private static TestDatabase testDatabase;
    private static Database database;
    private static PostgresHistorySource history;
    private static final List<Entry> WRITTEN = new ArrayList<>();

    private record Entry(
            Subject actor, Action action, ResourcePath resource, Outcome outcome, long seq, Instant recordedAt) {}

    @BeforeAll
    static void fill() {
        testDatabase = TestDatabase.migrated();
        database = testDatabase.open(InstantSource.system());
        history = new PostgresHistorySource(database);
        SplittableRandom random = new SplittableRandom(42);
        for (int i = 0; i < ENTRIES; i++) {
            Instant now = NOON.plusSeconds(i);
            Entry entry = new Entry(
                    Subject.parse("user:u" + random.nextInt(3)),
                    new Action("act" + random.nextInt(3)),
                    ResourcePath.parse(random.nextBoolean() ? "order:1" : "order:1/line:" + random.nextInt(2)),
                    List.of(Outcome.values()).get(random.nextInt(4)),
                    i,
                    now);
            WRITTEN.add(entry);
            append(TENANT, now, entry.actor(), entry.action(), entry.resource(), "env" + i % 2, entry.outcome());
        }
    }

    @AfterAll
    static void drop() {
        database.close();
        testDatabase.close();
    }

    @Test
    void findsNothingThatAnotherDidOrThatDidNotSucceed() {
        TenantId tenant = new TenantId("other");
        Action create = new Action("create");
        append(tenant, NOON, Subject.parse("user:bob"), create, ORDER, "prod", Outcome.SUCCESS);
        append(tenant, NOON, ALICE, create, ResourcePath.parse("book:fx/order:10"), "prod", Outcome.SUCCESS);
        append(tenant, NOON, ALICE, create, ResourcePath.parse("book:fx"), "prod", Outcome.SUCCESS);
        append(tenant, NOON, ALICE, create, ResourcePath.parse("book:fx/order:1/line:1"), "prod", Outcome.SUCCESS);
        append(tenant, NOON, ALICE, create, ORDER, "prod", Outcome.DENIED);
        append(tenant, NOON, ALICE, create, ORDER, "prod", Outcome.FAILURE);
        append(tenant, NOON, ALICE, new Action("view"), ORDER, "prod", Outcome.SUCCESS);
        append(new TenantId("elsewhere"), NOON, ALICE, create, ORDER, "prod", Outcome.SUCCESS);
        assertThat(history.firstPerformed(tenant, ALICE, ORDER, Set.of(create), Instant.MAX))
                .isEmpty();
        assertThat(history.firstPerformed(tenant, ALICE, ORDER, Set.of(), Instant.MAX))
                .isEmpty();
        assertThat(history.firstPerformed(new TenantId("nobody"), ALICE, ORDER, Set.of(create), Instant.MAX))
                .isEmpty();
    }

    @Test
    void findsWhatWasRecordedByThenToTheMicrosecond() {
        TenantId tenant = new TenantId("times");
        Instant time = NOON.plusNanos(5_000);
        append(tenant, time, ALICE, new Action("create"), ORDER, "prod", Outcome.PARTIAL);
        Set<Action> actions = Set.of(new Action("create"), new Action("submit"));
        assertThat(history.firstPerformed(tenant, ALICE, ORDER, actions, time.minusNanos(1)))
                .isEmpty();
        for (Instant until : List.of(time, time.plusNanos(1), Instant.MAX)) {
            assertThat(history.firstPerformed(tenant, ALICE, ORDER, actions, until))
                    .contains(new Performed(new Action("create"), 0, time));
        }
    }

    @Test
    void findsWhatAPlainScanFinds() {
        SplittableRandom random = new SplittableRandom(7);
        for (int i = 0; i < 300; i++) {
            Subject actor = Subject.parse("user:u" + random.nextInt(4));
            ResourcePath resource =
                    ResourcePath.parse(random.nextBoolean() ? "order:1" : "order:1/line:" + random.nextInt(2));
            Set<Action> actions = random.nextBoolean()
                    ? Set.of(new Action("act" + random.nextInt(4)))
                    : Set.of(new Action("act0"), new Action("act2"));
            Instant until = NOON.plusSeconds(random.nextInt(ENTRIES));
            Optional<Performed> expected = WRITTEN.stream()
                    .filter(entry -> entry.actor().equals(actor)
                            && entry.resource().equals(resource)
                            && actions.contains(entry.action())
                            && Set.of(Outcome.SUCCESS, Outcome.PARTIAL).contains(entry.outcome())
                            && !entry.recordedAt().isAfter(until))
                    .min(Comparator.comparingLong(Entry::seq))
                    .map(entry -> new Performed(entry.action(), entry.seq(), entry.recordedAt()));
            assertThat(history.firstPerformed(TENANT, actor, resource, actions, until))
                    .isEqualTo(expected);
        }
    }

    /** Half of the entries are about one resource, and half of those by one actor. */
    @Test
    void readsAnIndexWhereThereAreManyEntries() throws SQLException {
        TenantId tenant = new TenantId("many");
        fillMany(tenant);
        Set<Action> actions = Set.of(new Action("act1"), new Action("act2"));
        for (Asked asked : List.of(
                new Asked("user:a7", "order:77"),
                new Asked("user:busy", "order:77"),
                new Asked("user:a7", "order:hot"),
                new Asked("user:busy", "order:hot"),
                new Asked("user:none", "order:none"))) {
            assertThat(plan(tenant, asked))
                    .as(asked.toString())
                    .containsPattern(
                            "Index Scan using ledger_entry_default_tenant_id_resource_actor\\S* on ledger_entry_default")
                    .doesNotContainPattern("ledger_entry_default.*actual.*rows=([2-9]|1\\d)")
                    .doesNotContain("Seq Scan on ledger_entry_default");
            long start = System.nanoTime();
            history.firstPerformed(
                    tenant, Subject.parse(asked.actor()), ResourcePath.parse(asked.resource()), actions, Instant.MAX);
            assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(20));
        }
    }

    private record Asked(String actor, String resource) {}

    private static void fillMany(TenantId tenant) throws SQLException {
        try (Connection owner = DriverManager.getConnection(
                        testDatabase.owner().url(),
                        testDatabase.owner().user(),
                        testDatabase.owner().password());
                Statement statement = owner.createStatement()) {
            statement.execute("SELECT set_config('assize.tenant', '" + tenant + "', false)");
            statement.execute("INSERT INTO assize.ledger_entry (tenant_id, seq, recorded_at, frame, entry_hash, actor,"
                    + " action, resource, outcome) SELECT '" + tenant + "', i, TIMESTAMPTZ '2026-01-01' + i * INTERVAL"
                    + " '1 minute', '\\x01', decode(repeat('00', 32), 'hex'), CASE i % 4 WHEN 0 THEN 'user:busy' ELSE"
                    + " 'user:a' || i % 1000 END, 'act' || i % 3, CASE i % 2 WHEN 0 THEN 'order:hot' ELSE 'order:' || i"
                    + " % 20011 END, 1 FROM generate_series(0, " + (MANY - 1) + ") AS i");
            statement.execute("ANALYZE assize.ledger_entry");
        }
    }

    private static String plan(TenantId tenant, Asked asked) {
        return database.inSnapshot(tenant.value(), transaction -> {
            try (PreparedStatement statement =
                    transaction.connection().prepareStatement("EXPLAIN (ANALYZE) " + PostgresHistorySource.FIRST)) {
                statement.setArray(1, transaction.connection().createArrayOf("text", new String[] {"act1", "act2"}));
                statement.setString(2, asked.actor());
                statement.setString(3, tenant.value());
                statement.setString(4, asked.actor());
                statement.setString(5, tenant.value());
                statement.setString(6, asked.resource());
                Times.write(statement, 7, Calendar.LAST);
                StringBuilder plan = new StringBuilder();
                try (ResultSet row = statement.executeQuery()) {
                    while (row.next()) {
                        plan.append(row.getString(1)).append('\n');
                    }
                }
                return plan.toString();
            }
        });
    }

    private static void append(
            TenantId tenant,
            Instant now,
            Subject actor,
            Action action,
            ResourcePath resource,
            String env,
            Outcome outcome) {
        AuditEvent event = event("order.changed", actor, action, resource)
                .env(new Environment(env))
                .outcome(outcome)
                .build();
        EntryDraft draft = CODEC.encode(event, Recorder.ASSIZE);
        new PostgresLedgerStore(database, new LedgerWriter(database, CODEC, (_, _) -> {}, () -> now))
                .append(tenant, List.of(new AppendCommand(Recorder.ASSIZE, List.of(draft), null)));
    }
}
