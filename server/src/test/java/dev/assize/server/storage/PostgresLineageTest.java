package dev.assize.server.storage;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.inject.AbstractModule;
import com.google.inject.Guice;
import dev.assize.server.audit.AuditCodec;
import dev.assize.server.audit.AuditEvent;
import dev.assize.server.audit.Outcome;
import dev.assize.server.audit.RecordedEvent;
import dev.assize.server.ledger.AppendCommand;
import dev.assize.server.ledger.ChainVerifier;
import dev.assize.server.ledger.EntryDraft;
import dev.assize.server.ledger.LedgerMetrics;
import dev.assize.server.ledger.Verification.Broken;
import dev.assize.server.ledger.Verification.Sound;
import dev.assize.server.lineage.LineageIndex;
import dev.assize.server.lineage.LineageIndex.Access;
import dev.assize.server.lineage.LineageIndex.Scope;
import dev.assize.server.lineage.LineageModule;
import dev.assize.server.lineage.LineageNode;
import dev.assize.server.lineage.LineageNode.Cut;
import dev.assize.server.lineage.LineageNode.Link;
import dev.assize.server.lineage.LineageTracer;
import dev.assize.server.lineage.LineageTracer.Direction;
import dev.assize.server.lineage.ReferenceLineage;
import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.testing.EventBuilder;
import dev.assize.server.testing.TestDatabase;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class PostgresLineageTest {

    private static final AuditCodec CODEC = new AuditCodec();
    private static final Environment DEFAULT = Environment.DEFAULT;
    private static final Environment STAGING = new Environment("staging");
    private static final int WORLDS = 12;

    private static TestDatabase testDatabase;
    private static Database database;
    private static PostgresLedgerStore store;
    private static LineageIndex index;
    private static LineageTracer tracer;

    @BeforeAll
    static void open() {
        testDatabase = TestDatabase.migrated();
        database = testDatabase.open(InstantSource.system());
        store = new PostgresLedgerStore(
                database, new LedgerWriter(database, CODEC, (_, _) -> {}, InstantSource.system()));
        index = new PostgresLineageIndex(database);
        tracer = Guice.createInjector(new LineageModule(), new AbstractModule() {
                    @Override
                    protected void configure() {
                        bind(LineageIndex.class).toInstance(index);
                    }
                })
                .getInstance(LineageTracer.class);
    }

    @AfterAll
    static void drop() {
        database.close();
        testDatabase.close();
    }

    @Test
    void whatFailedOrWasDeniedMovedNothing() {
        TenantId tenant = new TenantId("failed");
        append(
                tenant,
                event(null, DEFAULT, Outcome.FAILURE, List.of("a"), List.of("b")),
                event(null, DEFAULT, Outcome.DENIED, List.of("a"), List.of("b")),
                event("run", DEFAULT, Outcome.SUCCESS, List.of("a"), List.of()),
                event("run", DEFAULT, Outcome.FAILURE, List.of(), List.of("b")));
        assertThat(trace(tenant, "b", Direction.UPSTREAM).derived()).isEmpty();
        assertThat(index.accesses(all(tenant), "b", 10))
                .extracting(Access::outcome)
                .containsExactly(Outcome.FAILURE, Outcome.DENIED, Outcome.FAILURE);
    }

    @Test
    void whatIsReadAfterTheWriteIsNoSource() {
        TenantId tenant = new TenantId("after");
        append(
                tenant,
                event("run", DEFAULT, Outcome.SUCCESS, List.of(), List.of("b")),
                event("run", DEFAULT, Outcome.SUCCESS, List.of("a"), List.of()),
                event("other", DEFAULT, Outcome.SUCCESS, List.of(), List.of("b")),
                event(null, DEFAULT, Outcome.SUCCESS, List.of("a"), List.of()),
                event(null, DEFAULT, Outcome.SUCCESS, List.of(), List.of("b")));
        assertThat(trace(tenant, "b", Direction.UPSTREAM).derived()).isEmpty();
        assertThat(trace(tenant, "a", Direction.DOWNSTREAM).derived()).isEmpty();
    }

    @Test
    void cyclesAreCut() {
        TenantId tenant = new TenantId("cycle");
        append(
                tenant,
                event(null, DEFAULT, Outcome.SUCCESS, List.of("a"), List.of("b")),
                event(null, DEFAULT, Outcome.PARTIAL, List.of("b"), List.of("a")));
        assertThat(trace(tenant, "a", Direction.UPSTREAM))
                .isEqualTo(new LineageNode(
                        "a",
                        null,
                        Cut.NONE,
                        false,
                        List.of(new LineageNode(
                                "b",
                                new Link(1, 1, null),
                                Cut.NONE,
                                false,
                                List.of(new LineageNode("a", new Link(0, 0, null), Cut.CYCLE, false, List.of()))))));
    }

    @Test
    void moreThanIsLookedAtIsSaid() {
        TenantId tenant = new TenantId("many");
        AuditEvent[] reads = IntStream.range(0, LineageTracer.LOOKED_AT)
                .mapToObj(i -> event("run", DEFAULT, Outcome.SUCCESS, List.of("r" + i), List.of()))
                .toArray(AuditEvent[]::new);
        append(tenant, reads);
        append(tenant, event("run", DEFAULT, Outcome.SUCCESS, List.of(), List.of("b")));
        LineageNode whole = tracer.trace(all(tenant), "b", Direction.UPSTREAM, 1, 1_000);
        assertThat(whole.derived()).hasSize(LineageTracer.LOOKED_AT);
        assertThat(whole.isTruncated()).isFalse();
        LineageNode cut = tracer.trace(all(tenant), "b", Direction.UPSTREAM, 1, LineageTracer.LOOKED_AT);
        assertThat(cut.derived()).hasSize(LineageTracer.LOOKED_AT - 1);
        assertThat(cut.isTruncated()).isTrue();

        append(tenant, event("run", DEFAULT, Outcome.SUCCESS, List.of("one-more"), List.of("b")));
        LineageNode more = tracer.trace(all(tenant), "b", Direction.UPSTREAM, 1, 1_000);
        assertThat(more.derived()).hasSize(LineageTracer.LOOKED_AT);
        assertThat(more.derived().getFirst().uri()).isEqualTo("one-more");
        assertThat(more.isTruncated()).isTrue();
    }

    @Test
    void findsWhatTheDefinitionSays() {
        for (int world = 0; world < WORLDS; world++) {
            SplittableRandom random = new SplittableRandom(world);
            TenantId tenant = new TenantId("world-" + world);
            append(tenant, IntStream.range(0, 30).mapToObj(_ -> random(random)).toArray(AuditEvent[]::new));
            List<RecordedEvent> entries = entries(tenant);
            for (int question = 0; question < 12; question++) {
                long toSeq = random.nextInt(3) > 0 ? 1_000 : random.nextInt(entries.size());
                Set<Environment> envs = random.nextInt(3) > 0 ? Set.of() : Set.of(STAGING);
                List<RecordedEvent> counted = entries.stream()
                        .filter(entry -> entry.seq() <= toSeq
                                && (envs.isEmpty()
                                        || envs.contains(entry.event().env())))
                        .toList();
                String uri = "u" + random.nextInt(7);
                Direction direction = random.nextBoolean() ? Direction.UPSTREAM : Direction.DOWNSTREAM;
                int depth = 1 + random.nextInt(4);
                int records = 1 + random.nextInt(20);
                assertThat(tracer.trace(new Scope(tenant, envs, toSeq), uri, direction, depth, records))
                        .as("world %d, question %d", world, question)
                        .isEqualTo(new ReferenceLineage(counted).trace(uri, direction, depth, records));
                assertThat(index.accesses(new Scope(tenant, envs, toSeq), uri, 5))
                        .extracting(Access::seq)
                        .isEqualTo(counted.reversed().stream()
                                .filter(entry -> entry.event().reads().contains(uri)
                                        || entry.event().writes().contains(uri))
                                .map(RecordedEvent::seq)
                                .limit(5)
                                .toList());
            }
        }
    }

    @Test
    void theMomentAskedAboutIsAPosition() {
        TenantId tenant = new TenantId("moment");
        append(tenant, event(null, DEFAULT, Outcome.SUCCESS, List.of("a"), List.of("b")));
        append(tenant, event(null, DEFAULT, Outcome.SUCCESS, List.of("a"), List.of("c")));
        Instant second = entries(tenant).get(1).recordedAt();
        assertThat(index.lastSeq(tenant, null)).contains(1L);
        assertThat(index.lastSeq(tenant, second)).contains(1L);
        assertThat(index.lastSeq(tenant, second.minusNanos(1_000))).contains(0L);
        assertThat(index.lastSeq(tenant, Instant.EPOCH)).isEmpty();
        assertThat(index.lastSeq(new TenantId("nobody"), null)).isEmpty();
    }

    @Test
    void theMigrationFillsWhatWasThereBefore() throws Exception {
        TenantId tenant = new TenantId("before");
        SplittableRandom random = new SplittableRandom(1);
        append(tenant, IntStream.range(0, 40).mapToObj(_ -> random(random)).toArray(AuditEvent[]::new));
        ChainVerifier verifier = new ChainVerifier(store, CODEC, new LedgerMetrics(new SimpleMeterRegistry()));
        execute(
                new DatabaseAccess(
                        testDatabase.owner().url(),
                        testDatabase.superuser().user(),
                        testDatabase.superuser().password()),
                "DELETE FROM assize.ledger_lineage");
        assertThat(verifier.verify(tenant, 0, null, (_, _) -> {})).isInstanceOf(Broken.class);

        execute(testDatabase.owner(), "SET search_path = assize; " + filling());
        assertThat(verifier.verify(tenant, 0, null, (_, _) -> {})).isInstanceOf(Sound.class);
    }

    private static String filling() throws IOException {
        try (InputStream file =
                PostgresLineageTest.class.getResourceAsStream("/db/migration/V16__ledger_at_size.sql")) {
            assertThat(file).isNotNull();
            String sql = new String(file.readAllBytes(), StandardCharsets.UTF_8);
            String begin = "CREATE FUNCTION frame_texts";
            String end = "DROP FUNCTION frame_texts(bytea, integer);";
            return sql.substring(sql.indexOf(begin), sql.indexOf(end) + end.length());
        }
    }

    private static void execute(DatabaseAccess access, String sql) throws SQLException {
        try (Connection connection = DriverManager.getConnection(access.url(), access.user(), access.password());
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            statement.execute(sql);
            connection.commit();
        }
    }

    private static LineageNode trace(TenantId tenant, String uri, Direction direction) {
        return tracer.trace(all(tenant), uri, direction, 4, 100);
    }

    private static Scope all(TenantId tenant) {
        return new Scope(tenant, Set.of(), Long.MAX_VALUE);
    }

    private static List<RecordedEvent> entries(TenantId tenant) {
        List<RecordedEvent> entries = new ArrayList<>();
        store.scan(tenant, 0, Long.MAX_VALUE, entry -> entries.add(CODEC.decode(entry.frame(), entry.entryHash())));
        return entries;
    }

    private static void append(TenantId tenant, AuditEvent... events) {
        List<EntryDraft> drafts = new ArrayList<>();
        for (AuditEvent event : events) {
            drafts.add(CODEC.encode(event, Recorder.ASSIZE));
        }
        store.append(tenant, List.of(new AppendCommand(Recorder.ASSIZE, drafts, null)));
    }

    private static AuditEvent random(SplittableRandom random) {
        return event(
                random.nextInt(3) == 0 ? null : "run-" + random.nextInt(4),
                random.nextBoolean() ? DEFAULT : STAGING,
                random.nextInt(3) == 0 ? Outcome.ofNumber(1 + random.nextInt(4)) : Outcome.SUCCESS,
                uris(random),
                uris(random));
    }

    /** Sometimes the same one twice. */
    private static List<String> uris(SplittableRandom random) {
        return IntStream.range(0, Math.max(0, random.nextInt(5) - 2))
                .mapToObj(_ -> "u" + random.nextInt(7))
                .toList();
    }

    private static AuditEvent event(
            @Nullable String run, Environment env, Outcome outcome, List<String> reads, List<String> writes) {
        return EventBuilder.event(
                        "table.written",
                        new Subject("agent", "etl"),
                        new Action("write"),
                        ResourcePath.parse("table:prices"))
                .env(env)
                .outcome(outcome)
                .runId(run)
                .reads(reads)
                .writes(writes)
                .build();
    }
}
