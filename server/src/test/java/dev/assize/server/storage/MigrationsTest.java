package dev.assize.server.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.server.testing.TestDatabase;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What a start does with a schema that is there already. */
class MigrationsTest {

    private static final String HISTORY = "assize.flyway_schema_history";

    private TestDatabase database;

    @BeforeEach
    void migrate() {
        database = TestDatabase.migrated();
    }

    @AfterEach
    void drop() {
        database.close();
    }

    @Test
    void refusesAScriptThatIsNotWhatWasRun() throws SQLException {
        execute("UPDATE " + HISTORY + " SET checksum = checksum + 1 WHERE version = '5'");
        assertThatThrownBy(this::again).isInstanceOf(StorageException.class).hasMessageContaining("failed validation");
    }

    @Test
    void refusesAMigrationThatWasRunAndIsNotInThisBuild() throws SQLException {
        execute("UPDATE " + HISTORY + " SET script = 'V4__other.sql', version = '4.1' WHERE version = '4'");
        assertThatThrownBy(this::again).isInstanceOf(StorageException.class);
    }

    @Test
    void refusesAMigrationThatFailed() throws SQLException {
        execute("UPDATE " + HISTORY + " SET success = false WHERE version = '31'");
        assertThatThrownBy(this::again).isInstanceOf(StorageException.class).hasMessageContaining("failed");
    }

    @Test
    void runsAMigrationThatIsMissing() throws SQLException {
        database.close();
        database = TestDatabase.fresh();
        EarlierSchema.make(database, "34");
        String isThere = "SELECT to_regclass('assize.decision_page') IS NOT NULL";
        assertThat(answers(isThere)).containsExactly("f");
        again();
        assertThat(answers(isThere)).containsExactly("t");
    }

    @Test
    void leavesFlywayOutWhereHistoryHoldsWhatThisBuildHas() throws SQLException {
        try (Connection connection = connect();
                Statement statement = connection.createStatement()) {
            assertThat(MigrationScripts.ofThisBuild().areDone(statement, "assize", "flyway_schema_history"))
                    .isTrue();
            assertThat(MigrationScripts.ofThisBuild().areDone(statement, "assize", "another"))
                    .isFalse();
            assertThat(new MigrationScripts(Map.of()).areDone(statement, "assize", "flyway_schema_history"))
                    .isFalse();
        }
    }

    @Test
    void leavesToFlywayWhatARepairTookOutOfHistory() throws SQLException {
        again("31", "DELETE");
        assertThat(isDone()).isFalse();
    }

    @Test
    void leavesToFlywayAScriptThatHistoryHoldsTwice() throws SQLException {
        again("31", "SQL");
        assertThat(isDone()).isFalse();
    }

    @Test
    void givesRightsBackThatWereTakenFromTheApplication() throws SQLException {
        String may = "SELECT has_table_privilege('" + database.application().user()
                + "', 'assize.ledger_entry', 'SELECT, INSERT')";
        execute("REVOKE ALL ON assize.ledger_entry FROM \""
                + database.application().user() + "\"");
        assertThat(answers(may)).containsExactly("f");
        again();
        assertThat(answers(may)).containsExactly("t");
    }

    private void again() {
        Migrations.migrate(database.owner(), database.application().user());
    }

    /** Another row of a migration, of that type. */
    private void again(String version, String type) throws SQLException {
        execute("INSERT INTO " + HISTORY
                + " SELECT 1000, version, description, '" + type + "', script, checksum, installed_by, installed_on,"
                + " execution_time, success FROM " + HISTORY + " WHERE version = '" + version + "'");
    }

    private boolean isDone() throws SQLException {
        try (Connection connection = connect();
                Statement statement = connection.createStatement()) {
            return MigrationScripts.ofThisBuild().areDone(statement, "assize", "flyway_schema_history");
        }
    }

    private void execute(String sql) throws SQLException {
        try (Connection connection = connect();
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    private List<String> answers(String query) throws SQLException {
        try (Connection connection = connect();
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(query)) {
            row.next();
            return List.of(row.getString(1));
        }
    }

    private Connection connect() throws SQLException {
        return DriverManager.getConnection(
                database.owner().url(),
                database.owner().user(),
                database.owner().password());
    }
}
