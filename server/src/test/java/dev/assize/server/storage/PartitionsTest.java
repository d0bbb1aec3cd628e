package dev.assize.server.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.server.storage.StorageConfig.Credentials;
import dev.assize.server.storage.StorageConfig.Location;
import dev.assize.server.testing.TestDatabase;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.time.InstantSource;
import java.time.LocalDate;
import java.time.ZoneOffset;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** That months of the ledger are there before they begin, and who may make them. */
class PartitionsTest {

    private static final String ROLE = "assize_test_maintenance";

    private TestDatabase database;

    @BeforeEach
    void make() throws SQLException {
        database = TestDatabase.fresh();
        execute(database.superuser(), "DROP ROLE IF EXISTS " + ROLE);
        execute(database.superuser(), "CREATE ROLE " + ROLE + " LOGIN PASSWORD 'm'");
        execute(
                database.superuser(),
                "DO $$ BEGIN EXECUTE format('GRANT CONNECT ON DATABASE %I TO " + ROLE
                        + "', current_database()); END $$");
    }

    @AfterEach
    void drop() throws SQLException {
        execute(database.superuser(), "DROP OWNED BY " + ROLE);
        database.close();
    }

    @Test
    void aRoleThatMayDoNothingElseMakesTheComingMonths() throws SQLException {
        // The owner migrates once, somewhere; from then on it is not needed.
        new Started(config(true)).close();
        assertThat(partitions()).as("this month, three more, and the default").isEqualTo(5);
        dropMonthsAhead();
        assertThat(partitions()).isEqualTo(2);
        try (Started node = new Started(config(false))) {
            assertThat(node.database.owner()).isEmpty();
            assertThat(partitions()).isEqualTo(5);
            dropMonthsAhead();
            node.database.maintain();
            node.database.maintain();
            assertThat(partitions()).isEqualTo(5);
        }
        DatabaseAccess role = new DatabaseAccess(database.owner().url(), ROLE, "m");
        for (String refused : new String[] {
            "SELECT FROM assize.ledger_entry",
            "CREATE TABLE assize.t ()",
            "DROP TABLE assize.ledger_entry_default",
            "SELECT assize.make_ledger_partition('2001-01-01')",
            "SELECT assize.make_ledger_partition((now() + interval '2 years')::date)"
        }) {
            assertThatThrownBy(() -> execute(role, refused)).as(refused).isInstanceOf(SQLException.class);
        }
        assertThatThrownBy(() -> execute(database.application(), "SELECT assize.make_ledger_partition(now()::date)"))
                .isInstanceOf(SQLException.class);
    }

    @Test
    void itsOwnerLogsInOnceWhereThereIsNothingToMigrate() throws SQLException {
        new Started(database.config()).close();
        dropMonthsAhead();
        execute(
                database.superuser(),
                "CREATE TABLE public.login (role text);"
                        + " CREATE FUNCTION public.note_login() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER"
                        + " AS $$ BEGIN INSERT INTO public.login VALUES (session_user); END $$;"
                        + " CREATE EVENT TRIGGER note_login ON login EXECUTE FUNCTION public.note_login()");
        try (Started _ = new Started(database.config())) {
            assertThat(partitions()).isEqualTo(5);
            assertThat(count("SELECT count(*) FROM public.login WHERE role = '"
                            + database.owner().user() + "'"))
                    .isEqualTo(1);
        } finally {
            execute(database.superuser(), "DROP EVENT TRIGGER note_login");
        }
    }

    @Test
    void monthsAheadAreMadeWhileEntriesAreWrittenAndRead() throws Exception {
        try (Started node = new Started(database.config())) {
            dropMonthsAhead();
            try (Connection appending = connect(database.owner());
                    Statement statement = appending.createStatement()) {
                appending.setAutoCommit(false);
                statement.execute("SET assize.tenant = 'acme'");
                statement.execute(row("now()"));
                node.database.maintain();
                assertThat(partitions()).isEqualTo(5);
                appending.commit();
            }
        }
    }

    @Test
    void saysWhereNoMonthIsAhead() throws SQLException {
        try (Started node = new Started(database.config())) {
            assertThat(node.health().complaint()).isEmpty();
            dropMonthsAhead();
            PartitionHealth health = node.health();
            assertThat(health.complaint().orElseThrow()).contains("no partition for the coming month");
            node.database.maintain();
            assertThat(node.health().complaint()).isEmpty();
        }
    }

    @Test
    void saysWhereEntriesAreInTheDefaultPartition() throws SQLException {
        try (Started node = new Started(database.config())) {
            execute(database.owner(), "SET assize.tenant = 'acme'; " + row("'2001-01-01'::timestamptz"));
            assertThat(node.health().complaint().orElseThrow()).contains("default partition");
            assertThat(node.meters
                            .get("assize.ledger.partitions.default.bytes")
                            .gauge()
                            .value())
                    .isPositive();
            assertThat(node.meters
                            .get("assize.ledger.partitions.ahead.months")
                            .gauge()
                            .value())
                    .isEqualTo(3);
        }
    }

    private static String row(String time) {
        return "INSERT INTO assize.ledger_entry (tenant_id, seq, recorded_at, frame, entry_hash) VALUES ('acme', 0, "
                + time + ", '', decode(repeat('ab', 32), 'hex'))";
    }

    private StorageConfig config(boolean withOwner) {
        return StorageConfig.of(new Location.Outside(
                database.application().url(),
                new Credentials(
                        database.application().user(), database.application().password()),
                withOwner
                        ? new Credentials(
                                database.owner().user(), database.owner().password())
                        : null,
                new Credentials(ROLE, "m"),
                null));
    }

    private int partitions() throws SQLException {
        return count("SELECT count(*) FROM pg_inherits WHERE inhparent = 'assize.ledger_entry'::regclass");
    }

    private int count(String query) throws SQLException {
        try (Connection connection = connect(database.superuser());
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(query)) {
            row.next();
            return row.getInt(1);
        }
    }

    private void dropMonthsAhead() throws SQLException {
        LocalDate month = Instant.now().atOffset(ZoneOffset.UTC).toLocalDate().withDayOfMonth(1);
        for (int ahead = 1; ahead <= 3; ahead++) {
            LocalDate at = month.plusMonths(ahead);
            execute(
                    database.owner(),
                    "DROP TABLE assize.ledger_entry_%04d_%02d".formatted(at.getYear(), at.getMonthValue()));
        }
    }

    private static void execute(DatabaseAccess access, String sql) throws SQLException {
        try (Connection connection = connect(access);
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    private static Connection connect(DatabaseAccess access) throws SQLException {
        return DriverManager.getConnection(access.url(), access.user(), access.password());
    }

    private static final class Started implements AutoCloseable {

        private final Database database;
        private SimpleMeterRegistry meters = new SimpleMeterRegistry();

        Started(StorageConfig config) {
            database = new Database(config, InstantSource.system());
            database.start();
        }

        /** Whose memory is empty. */
        PartitionHealth health() {
            meters = new SimpleMeterRegistry();
            return new PartitionHealth(database, InstantSource.system(), meters);
        }

        @Override
        public void close() {
            database.close();
        }
    }
}
