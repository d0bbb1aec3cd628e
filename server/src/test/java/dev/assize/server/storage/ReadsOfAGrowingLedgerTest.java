package dev.assize.server.storage;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.anchor.AnchorRepository;
import dev.assize.server.audit.AuditCodec;
import dev.assize.server.audit.AuditEvent;
import dev.assize.server.ledger.AppendCommand;
import dev.assize.server.model.Action;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.testing.EventBuilder;
import dev.assize.server.testing.TestDatabase;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.InstantSource;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What a node reads again and again was planned when it was started, perhaps when there was nothing to be read yet. */
class ReadsOfAGrowingLedgerTest {

    private static final AuditCodec CODEC = new AuditCodec();
    private static final TenantId ACME = new TenantId("acme");

    /** After which the driver prepares a statement and the database keeps its plan. */
    private static final int PLANNED = 20;

    private static final int BATCHES = 10;
    private static final int BATCH = 300;

    @Test
    void whoLooksWhatWaitsToBeSignedReadsNoMoreOfALedgerThatHasGrown() throws SQLException {
        try (TestDatabase test = TestDatabase.migrated();
                Database database = test.open(InstantSource.system())) {
            LedgerWriter writer = new LedgerWriter(database, CODEC, (_, _) -> {}, InstantSource.system());
            PostgresLedgerStore store = new PostgresLedgerStore(database, writer);
            AnchorRepository repository = new PostgresAnchorRepository(database, writer);
            for (int i = 0; i < PLANNED; i++) {
                assertThat(repository.waiting(10)).isEmpty();
            }
            for (int batch = 0; batch < BATCHES; batch++) {
                append(store, BATCH);
            }
            // Most of it is signed: what waits does not stand at its beginning.
            execute(
                    test,
                    "INSERT INTO assize.ledger_tree VALUES ('acme', 1, " + (BATCHES - 1) * BATCH
                            + ", decode(repeat('00', 32), 'hex'), 'note', now())");
            long before = read(test, database);
            look(repository, PLANNED);
            assertThat(read(test, database) - before).isBetween(1L, 4L * PLANNED);
        }
    }

    private static void look(AnchorRepository repository, int times) {
        for (int i = 0; i < times; i++) {
            assertThat(repository.waiting(10))
                    .singleElement()
                    .satisfies(waiting -> assertThat(waiting.tenant()).isEqualTo(ACME));
        }
    }

    private static void execute(TestDatabase test, String sql) throws SQLException {
        DatabaseAccess access = test.superuser();
        try (Connection connection = DriverManager.getConnection(access.url(), access.user(), access.password());
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    private static void append(PostgresLedgerStore store, int count) {
        AuditEvent event = EventBuilder.event(
                        "replay.executed",
                        new Subject("user", "ana"),
                        new Action("run"),
                        ResourcePath.parse("replay:1"))
                .build();
        assertThat(store.append(
                        ACME,
                        Collections.nCopies(
                                count,
                                new AppendCommand(
                                        Recorder.ASSIZE, List.of(CODEC.encode(event, Recorder.ASSIZE)), null))))
                .hasSize(count);
    }

    /** Entries that were looked at in tables or indexes so far, by this node, too. */
    private static long read(TestDatabase test, Database database) throws SQLException {
        var _ = database.inSnapshot(
                ACME.value(),
                transaction -> transaction.find(
                        "SELECT pg_stat_force_next_flush()::text", parameters -> {}, row -> row.getString(1)));
        DatabaseAccess access = test.superuser();
        try (Connection connection = DriverManager.getConnection(access.url(), access.user(), access.password());
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(
                        "SELECT sum(seq_tup_read) + (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes"
                                + " WHERE relname LIKE 'ledger_entry%') FROM pg_stat_user_tables WHERE relname LIKE 'ledger_entry%'")) {
            assertThat(row.next()).isTrue();
            return row.getLong(1);
        }
    }
}
