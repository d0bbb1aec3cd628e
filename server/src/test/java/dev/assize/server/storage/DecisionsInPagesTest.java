package dev.assize.server.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.server.audit.AuditCodec;
import dev.assize.server.ledger.LedgerVerifiers;
import dev.assize.server.ledger.Verification;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.DecisionLog.Acknowledge;
import dev.assize.server.recording.DecisionFilter;
import dev.assize.server.recording.DecisionRecord;
import dev.assize.server.recording.DecisionStore;
import dev.assize.server.recording.InMemoryDecisionStore;
import dev.assize.server.recording.PackingRecorder;
import dev.assize.server.recording.RecordedDecision;
import dev.assize.server.recording.RecordingWorld;
import dev.assize.server.testing.TestDatabase;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

class DecisionsInPagesTest {

    private static final TenantId ACME = RecordingWorld.TENANT;

    /** Of less than a page, of one, and of several; the last one has more terms than a small pack. */
    private static final List<Integer> PACKS = List.of(1, 32, 70, 300);

    private static final DecisionFilter ALL =
            new DecisionFilter(null, null, null, null, null, null, null, null, Set.of(), true, null, 1_000);

    @Test
    void whatWasRecordedInRowsIsFoundAndVerifiedInPages() throws SQLException {
        try (TestDatabase test = TestDatabase.fresh()) {
            InMemoryDecisionStore recorded = recordInRows(test);
            try (Database database = test.open(InstantSource.system())) {
                LedgerWriter writer = writer(database);
                DecisionStore store = new PostgresDecisionStore(database, writer);
                assertThat(places(store.find(ACME, ALL)))
                        .hasSize(PACKS.stream().mapToInt(Integer::intValue).sum())
                        .isEqualTo(places(recorded.find(ACME, ALL)));
                assertThat(LedgerVerifiers.of(
                                        new PostgresLedgerStore(database, writer),
                                        new AuditCodec(),
                                        RecordingWorld.check(store))
                                .verify(ACME, 0, null, (_, _) -> {}))
                        .isInstanceOf(Verification.Sound.class);
            }
        }
    }

    @Test
    void whatIsRecordedWhileItMovesIsMovedOrRefused() throws Exception {
        try (TestDatabase test = TestDatabase.fresh();
                ExecutorService others = Executors.newVirtualThreadPerTaskExecutor()) {
            List<RecordedDecision> recorded = recordInRows(test).find(ACME, ALL);
            RecordedDecision late = recorded.getLast();
            execute(
                    test.superuser(),
                    "DELETE FROM assize.decision_record WHERE seq = " + late.seq() + " AND position = "
                            + late.position());
            Future<Database> moved;
            Future<?> refused;
            try (Connection slow = connect(test.superuser())) {
                slow.setAutoCommit(false);
                insertRows(slow, List.of(late));
                moved = others.submit(() -> test.open(InstantSource.system()));
                awaitWaiting(test.superuser(), 1);
                refused = others.submit(() -> {
                    try (Connection behind = connect(test.superuser())) {
                        insertRows(behind, List.of(late));
                    }
                    return null;
                });
                awaitWaiting(test.superuser(), 2);
                assertThat(moved).isNotDone();
                slow.commit();
            }
            try (Database database = moved.get()) {
                assertThatThrownBy(refused::get).hasRootCauseInstanceOf(SQLException.class);
                DecisionStore store = new PostgresDecisionStore(database, writer(database));
                assertThat(places(store.find(ACME, ALL))).isEqualTo(places(recorded));
            }
        }
    }

    /** Until so many wait for the table that is moved. */
    private static void awaitWaiting(DatabaseAccess access, int many) throws SQLException {
        try (Connection connection = connect(access);
                PreparedStatement waiting =
                        connection.prepareStatement("SELECT count(*) FROM pg_locks WHERE NOT granted"
                                + " AND relation = 'assize.decision_record'::regclass")) {
            int found;
            do {
                try (ResultSet row = waiting.executeQuery()) {
                    row.next();
                    found = row.getInt(1);
                }
            } while (found < many);
        }
    }

    private static Connection connect(DatabaseAccess access) throws SQLException {
        return DriverManager.getConnection(access.url(), access.user(), access.password());
    }

    /** As a version before pages did it. */
    private static InMemoryDecisionStore recordInRows(TestDatabase test) throws SQLException {
        EarlierSchema.make(test, "31");
        List<InMemoryDecisionStore> recorded = new ArrayList<>();
        EarlierSchema.append(test, database -> {
            InMemoryDecisionStore store =
                    new InMemoryDecisionStore(new PostgresLedgerStore(database, writer(database)));
            try (PackingRecorder recorder = RecordingWorld.recorder(store)) {
                for (int pack = 0; pack < PACKS.size(); pack++) {
                    recorder.record(ACME, Acknowledge.BEFORE, RecordingWorld.decisions(pack, PACKS.get(pack)))
                            .join();
                }
            }
            insertRows(test.superuser(), store.find(ACME, ALL));
            recorded.add(store);
        });
        return recorded.getFirst();
    }

    private static void execute(DatabaseAccess access, String sql) throws SQLException {
        try (Connection connection = connect(access);
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    private static void insertRows(DatabaseAccess access, List<RecordedDecision> decisions) throws SQLException {
        try (Connection connection = connect(access)) {
            insertRows(connection, decisions);
        }
    }

    private static void insertRows(Connection connection, List<RecordedDecision> decisions) throws SQLException {
        try (PreparedStatement row = connection.prepareStatement("INSERT INTO assize.decision_record (tenant_id, seq,"
                + " position, record, decision_id, decided_at, subject, action, resource, env, allowed, reason)"
                + " VALUES ('" + ACME + "', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")) {
            for (RecordedDecision decision : decisions) {
                DecisionRecord content = decision.content();
                row.setLong(1, decision.seq());
                row.setInt(2, decision.position());
                row.setBytes(3, decision.bytes());
                row.setString(4, content.decisionId());
                row.setLong(5, ChronoUnit.MICROS.between(Instant.EPOCH, content.decidedAt()));
                row.setString(6, content.subject());
                row.setString(7, content.action());
                row.setString(8, content.resource());
                row.setString(9, content.env());
                row.setBoolean(10, content.reason().isAllow());
                row.setString(11, content.reason().name());
                row.executeUpdate();
            }
        }
    }

    private static LedgerWriter writer(Database database) {
        return new LedgerWriter(database, new AuditCodec(), (_, _) -> {}, InstantSource.system());
    }

    private static List<String> places(List<RecordedDecision> found) {
        return found.stream()
                .map(it -> it.seq() + "/" + it.position() + " " + it.content().decisionId())
                .toList();
    }
}
