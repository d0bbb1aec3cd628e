package dev.assize.server.storage;

import static java.time.ZoneOffset.UTC;
import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.audit.AuditCodec;
import dev.assize.server.audit.AuditEvent;
import dev.assize.server.audit.AuditFilter;
import dev.assize.server.audit.AuditPage;
import dev.assize.server.audit.Outcome;
import dev.assize.server.audit.RecordedEvent;
import dev.assize.server.ledger.AppendCommand;
import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.storage.EntrySearch.Bounds;
import dev.assize.server.testing.EventBuilder;
import dev.assize.server.testing.TestDatabase;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.time.InstantSource;
import java.time.LocalDate;
import java.time.YearMonth;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class PostgresAuditIndexTest {

    private static final TenantId TENANT = new TenantId("acme");
    private static final Instant NOON = Instant.parse("2026-03-01T12:00:00Z");
    private static final AuditCodec CODEC = new AuditCodec();
    private static final List<String> RESOURCES = List.of(
            "vault:company",
            "vault:comp",
            "vault:company0",
            "vault:company/agent:feed",
            "vault:company/agent:feed/run:1",
            "vault:company-2/agent:feed",
            "vault");
    private static final List<Environment> ENVIRONMENTS =
            List.of(new Environment("default"), new Environment("staging"), new Environment("production"));
    /** Entries between two beginnings of a month. */
    private static final int A_MONTH = 20;

    private static final int ENTRIES = 300;

    /** Of questions, each asked in four ways. */
    private static final int ROUNDS = Integer.getInteger("assize.test.audit.rounds", 60);

    private static TestDatabase testDatabase;
    private static Database database;
    private static PostgresAuditIndex index;
    private static List<RecordedEvent> all;

    @BeforeAll
    static void fill() throws SQLException {
        testDatabase = TestDatabase.migrated();
        database = testDatabase.open(InstantSource.system());
        index = new PostgresAuditIndex(database, CODEC);
        SplittableRandom random = new SplittableRandom(42);
        Instant[] now = {NOON};
        makePartitions();
        PostgresLedgerStore store =
                new PostgresLedgerStore(database, new LedgerWriter(database, CODEC, (_, _) -> {}, () -> now[0]));
        for (int i = 0; i < ENTRIES; i++) {
            now[0] = i % A_MONTH == A_MONTH - 1 ? begin(i / A_MONTH) : now[0].plusSeconds(random.nextInt(3));
            AuditEvent event = event(
                    "type" + random.nextInt(3),
                    "user:u" + random.nextInt(3),
                    "act" + random.nextInt(3),
                    pick(random, RESOURCES),
                    pick(random, ENVIRONMENTS),
                    pick(random, List.of(Outcome.values())),
                    random.nextBoolean() ? null : "run" + random.nextInt(3));
            for (TenantId tenant : List.of(TENANT, new TenantId("other"))) {
                store.append(
                        tenant,
                        List.of(new AppendCommand(
                                Recorder.ASSIZE, List.of(CODEC.encode(event, Recorder.ASSIZE)), null)));
            }
        }
        all = new ArrayList<>();
        store.scan(TENANT, 0, Long.MAX_VALUE, entry -> all.add(CODEC.decode(entry.frame(), entry.entryHash())));
    }

    /** Of every third month; what was recorded in others is in the partition for all of those, and some months have nothing. */
    private static void makePartitions() throws SQLException {
        DatabaseAccess owner = testDatabase.owner();
        try (Connection connection = DriverManager.getConnection(owner.url(), owner.user(), owner.password());
                Statement statement = connection.createStatement()) {
            for (int month = 0; month < ENTRIES / A_MONTH; month += 3) {
                statement.execute(
                        "SELECT assize.make_ledger_partition('" + LocalDate.ofInstant(begin(month), UTC) + "')");
            }
        }
    }

    /** Of a month; every other time one is passed over. */
    private static Instant begin(int turn) {
        return YearMonth.from(NOON.atOffset(UTC))
                .plusMonths(1 + turn + turn / 2)
                .atDay(1)
                .atStartOfDay(UTC)
                .toInstant();
    }

    private static Instant time(SplittableRandom random) {
        return random.nextBoolean()
                ? pick(random, all).recordedAt()
                : begin(random.nextInt(ENTRIES / A_MONTH + 1)).minusNanos(1_000L * random.nextInt(2));
    }

    @AfterAll
    static void drop() {
        database.close();
        testDatabase.close();
    }

    @Test
    void findsWholeSegmentsOnly() {
        assertThat(find(filter(null, null, null, null, "vault:company", null, null, null, true, null, 1_000)))
                .extracting(found -> found.event().resource().value())
                .containsOnly("vault:company", "vault:company/agent:feed", "vault:company/agent:feed/run:1");
    }

    @Test
    void findsNothingOfATenantWithoutEntries() {
        assertThat(index.find(
                        new TenantId("empty"), filter(null, null, null, null, null, null, null, null, true, null, 10)))
                .isEqualTo(new AuditPage(List.of(), null));
    }

    @Test
    void findsOnlyInTheEnvironmentsAsked() {
        Set<Environment> envs = Set.copyOf(ENVIRONMENTS.subList(1, 3));
        AuditFilter everything = filter(null, null, null, null, null, null, null, null, true, null, 1_000);
        assertThat(find(everything)).extracting(found -> found.event().env()).containsAll(ENVIRONMENTS);
        assertThat(find(within(envs, everything)))
                .extracting(found -> found.event().env())
                .containsAll(envs)
                .isSubsetOf(envs);
    }

    /** Against the same question asked of all entries in memory. */
    @Test
    void findsWhatAPlainScanFinds() {
        long seed = 7;
        SplittableRandom random = new SplittableRandom(seed);
        for (int round = 0; round < 2 * ROUNDS; round++) {
            Set<Environment> envs =
                    random.nextBoolean() ? Set.of() : Set.copyOf(ENVIRONMENTS.subList(0, random.nextInt(1, 3)));
            AuditFilter filter = within(
                    envs,
                    filter(
                            random.nextInt(3) > 0 ? null : time(random),
                            random.nextInt(3) > 0 ? null : time(random),
                            random.nextInt(3) > 0 ? null : "user:u" + random.nextInt(4),
                            random.nextInt(3) > 0 ? null : "act" + random.nextInt(3),
                            random.nextInt(3) > 0 ? null : pick(random, RESOURCES),
                            random.nextInt(3) > 0 ? null : pick(random, List.of(Outcome.values())),
                            random.nextInt(3) > 0 ? null : "run" + random.nextInt(3),
                            random.nextInt(3) > 0 ? null : "type" + random.nextInt(3),
                            random.nextBoolean(),
                            random.nextInt(3) > 0 ? null : random.nextLong(ENTRIES),
                            random.nextInt(1, 50)));
            assertThat(find(filter))
                    .as("seed %d, round %d: %s", seed, round, filter)
                    .extracting(RecordedEvent::seq)
                    .isEqualTo(expected(filter));
        }
    }

    /** What no index of entries has, and a time, which is a position. */
    @Test
    void findsByEachOfItsTermsWhateverElseIsAsked() {
        SplittableRandom random = new SplittableRandom(11);
        for (int round = 0; round < ROUNDS; round++) {
            AuditFilter filter = filter(
                    random.nextBoolean() ? null : pick(random, all).recordedAt(),
                    random.nextBoolean() ? null : pick(random, all).recordedAt(),
                    random.nextBoolean() ? null : "user:u" + random.nextInt(4),
                    random.nextBoolean() ? null : "act" + random.nextInt(3),
                    random.nextInt(3) > 0 ? null : pick(random, RESOURCES),
                    random.nextInt(3) > 0 ? null : pick(random, List.of(Outcome.values())),
                    random.nextInt(3) > 0 ? null : "run" + random.nextInt(3),
                    random.nextBoolean() ? null : "type" + random.nextInt(3),
                    random.nextBoolean(),
                    random.nextInt(3) > 0 ? null : random.nextLong(ENTRIES),
                    random.nextInt(1, 50));
            for (Bounds bounds : List.of(
                    Bounds.USUAL,
                    new Bounds(0, 256, 0, 512, 8_192, 1_000, 20_000, 32, 2_048, 10_000),
                    new Bounds(0, 256, 0, 3, 5, 4, 7, 1, 2, 3),
                    new Bounds(ENTRIES, 256, ENTRIES, 3, 5, 4, 7, 1, 2, 3))) {
                assertThat(pages(filter, bounds))
                        .as("round %d, %s: %s", round, bounds, filter)
                        .isEqualTo(expected(filter));
            }
        }
    }

    /** It stands in a month before theirs then, and says that the ledger ends there. */
    @Test
    void aChangedTimeOfTheLastEntryHidesNoneBeforeIt() throws SQLException {
        TenantId tenant = new TenantId("changed");
        Instant[] now = {NOON};
        PostgresLedgerStore store =
                new PostgresLedgerStore(database, new LedgerWriter(database, CODEC, (_, _) -> {}, () -> now[0]));
        for (int i = 0; i < 4; i++) {
            now[0] = i == 0 ? NOON : begin(i);
            AuditEvent event = event("type", "user:u1", "act", "vault:v", Environment.DEFAULT, Outcome.SUCCESS, null);
            assertThat(store.append(
                            tenant,
                            List.of(new AppendCommand(
                                    Recorder.ASSIZE, List.of(CODEC.encode(event, Recorder.ASSIZE)), null))))
                    .hasSize(1);
        }
        DatabaseAccess superuser = testDatabase.superuser();
        try (Connection connection =
                        DriverManager.getConnection(superuser.url(), superuser.user(), superuser.password());
                Statement statement = connection.createStatement()) {
            assertThat(statement.executeUpdate("UPDATE assize.ledger_entry SET recorded_at = '" + NOON.plusSeconds(1)
                            + "' WHERE tenant_id = 'changed' AND seq = 3"))
                    .isOne();
        }
        for (String actor : new @Nullable String[] {null, "user:u1"}) {
            AuditFilter newest = filter(null, null, actor, null, null, null, null, null, false, null, 50);
            assertThat(index.find(tenant, newest).entries())
                    .extracting(RecordedEvent::seq)
                    .contains(2L, 1L, 0L);
        }
    }

    /** Page by page, as a caller would, until there are enough. */
    private static List<Long> pages(AuditFilter filter, Bounds bounds) {
        List<Long> found = new ArrayList<>();
        Long after = filter.afterSeq();
        do {
            AuditFilter rest = behind(after, filter);
            Long next = database.<@Nullable Long>inSnapshot(TENANT.value(), transaction -> {
                EntrySearch search = EntrySearch.begin(transaction, TENANT, rest, ENTRIES, bounds)
                        .orElse(null);
                if (search == null) {
                    return null;
                }
                search.next(filter.limit() - found.size()).forEach(row -> found.add(row.seq()));
                return search.isAtEnd() ? null : search.passed();
            });
            assertThat(next == null || !next.equals(after)).isTrue();
            after = next;
        } while (after != null && found.size() < filter.limit());
        return found;
    }

    private static AuditFilter behind(@Nullable Long after, AuditFilter filter) {
        return new AuditFilter(
                filter.from(),
                filter.to(),
                filter.actor(),
                filter.action(),
                filter.resource(),
                filter.outcome(),
                filter.runId(),
                filter.type(),
                filter.envs(),
                filter.ascending(),
                after,
                filter.limit());
    }

    private static List<Long> expected(AuditFilter filter) {
        Comparator<Long> order = filter.ascending() ? Comparator.naturalOrder() : Comparator.reverseOrder();
        return all.stream()
                .filter(entry -> fits(filter, entry))
                .map(RecordedEvent::seq)
                .sorted(order)
                .filter(seq -> filter.afterSeq() == null || order.compare(seq, filter.afterSeq()) > 0)
                .limit(filter.limit())
                .toList();
    }

    private static boolean fits(AuditFilter filter, RecordedEvent entry) {
        AuditEvent event = entry.event();
        return (filter.from() == null || !entry.recordedAt().isBefore(filter.from()))
                && (filter.to() == null || entry.recordedAt().isBefore(filter.to()))
                && (filter.actor() == null || event.actor().toString().equals(filter.actor()))
                && (filter.action() == null || event.action().value().equals(filter.action()))
                && (filter.resource() == null
                        || (event.resource().value() + "/")
                                .startsWith(filter.resource().value() + "/"))
                && (filter.outcome() == null || event.outcome() == filter.outcome())
                && (filter.runId() == null || filter.runId().equals(event.runId()))
                && (filter.envs().isEmpty() || filter.envs().contains(event.env()))
                && (filter.type() == null || event.type().equals(filter.type()));
    }

    private static List<RecordedEvent> find(AuditFilter filter) {
        return index.find(TENANT, filter).entries();
    }

    private static <T> T pick(SplittableRandom random, List<T> from) {
        return from.get(random.nextInt(from.size()));
    }

    private static AuditFilter filter(
            @Nullable Instant from,
            @Nullable Instant to,
            @Nullable String actor,
            @Nullable String action,
            @Nullable String resource,
            @Nullable Outcome outcome,
            @Nullable String runId,
            @Nullable String type,
            boolean ascending,
            @Nullable Long afterSeq,
            int limit) {
        return new AuditFilter(
                from,
                to,
                actor,
                action,
                resource == null ? null : ResourcePath.parse(resource),
                outcome,
                runId,
                type,
                ascending,
                afterSeq,
                limit);
    }

    private static AuditFilter within(Set<Environment> envs, AuditFilter filter) {
        return new AuditFilter(
                filter.from(),
                filter.to(),
                filter.actor(),
                filter.action(),
                filter.resource(),
                filter.outcome(),
                filter.runId(),
                filter.type(),
                envs,
                filter.ascending(),
                filter.afterSeq(),
                filter.limit());
    }

    private static AuditEvent event(
            String type,
            String actor,
            String action,
            String resource,
            Environment env,
            Outcome outcome,
            @Nullable String runId) {
        return EventBuilder.event(type, Subject.parse(actor), new Action(action), ResourcePath.parse(resource))
                .env(env)
                .outcome(outcome)
                .runId(runId)
                .build();
    }
}
