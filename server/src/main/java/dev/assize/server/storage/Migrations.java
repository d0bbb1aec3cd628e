package dev.assize.server.storage;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.YearMonth;
import java.util.Map;
import java.util.function.Consumer;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.FlywayException;

/** Brings the schema up to date as its owner, and keeps months ahead of time. */
final class Migrations {

    static final String SCHEMA = "assize";

    /** Months for which partitions are made beyond the present one. */
    static final int MONTHS_AHEAD = 3;

    private static final String HISTORY = "flyway_schema_history";

    private Migrations() {}

    /** Runs what has not run yet; the application's role gets its rights, anew each time. */
    static void migrate(DatabaseAccess owner, String applicationRole) {
        migrate(owner, applicationRole, connection -> {});
    }

    /**
     * The same, and then what else its owner has to do.
     *
     * @param then is given the connection that is there already, since each login costs thousands of rounds of a hash
     */
    static void migrate(DatabaseAccess owner, String applicationRole, Consumer<Connection> then) {
        try (Connection connection = connect(owner);
                Statement statement = connection.createStatement()) {
            // Nodes that start at the same time take turns; the lock ends with the connection.
            statement.execute("SELECT pg_advisory_lock(hashtextextended('assize.migrate', 0))");
            if (MigrationScripts.ofThisBuild().areDone(statement, SCHEMA, HISTORY)) {
                statement.execute(MigrationScripts.grants(quoted(applicationRole)));
            } else {
                run(owner, applicationRole);
            }
            // Flyway holds its own table while migrations run, so the stance is stated afterwards.
            statement.execute("COMMENT ON TABLE " + SCHEMA + "." + HISTORY
                    + " IS 'RLS: none, because it lists migrations, not tenants'' data; only the owner reads it'");
            then.accept(connection);
        } catch (FlywayException | SQLException e) {
            throw new StorageException("cannot migrate " + owner + ": " + Reasons.of(rootOf(e)), e);
        }
    }

    private static void run(DatabaseAccess owner, String applicationRole) {
        Flyway.configure(Migrations.class.getClassLoader())
                .dataSource(owner.url(), owner.user(), owner.password())
                .schemas(SCHEMA)
                .defaultSchema(SCHEMA)
                .createSchemas(true)
                .table(HISTORY)
                .locations("classpath:db/migration")
                .placeholders(Map.of("application_role", quoted(applicationRole)))
                .validateMigrationNaming(true)
                .cleanDisabled(true)
                .connectRetries(0)
                .load()
                .migrate();
    }

    /** Lets a role make the coming months, and do nothing else. */
    static void allowMaintenance(Connection owner, String maintenanceRole) {
        try (Statement statement = owner.createStatement()) {
            statement.execute("GRANT USAGE ON SCHEMA " + SCHEMA + " TO " + quoted(maintenanceRole));
            statement.execute("GRANT EXECUTE ON FUNCTION " + SCHEMA + ".make_ledger_partition(date) TO "
                    + quoted(maintenanceRole));
        } catch (SQLException e) {
            throw new StorageException("cannot let `" + maintenanceRole + "` make partitions: " + Reasons.of(e), e);
        }
    }

    /** Makes the partitions of this month and the next ones where they are missing. */
    static void makePartitions(DatabaseAccess maintenance, YearMonth present) {
        try (Connection connection = connect(maintenance)) {
            makePartitions(connection, present);
        } catch (SQLException e) {
            throw new StorageException("cannot reach " + maintenance + " to make partitions: " + Reasons.of(e), e);
        }
    }

    /** The same by a connection that is there. */
    static void makePartitions(Connection maintenance, YearMonth present) {
        try (PreparedStatement statement =
                maintenance.prepareStatement("SELECT " + SCHEMA + ".make_ledger_partition(?::date)")) {
            for (int ahead = 0; ahead <= MONTHS_AHEAD; ahead++) {
                statement.setString(1, present.plusMonths(ahead).atDay(1).toString());
                statement.execute();
            }
        } catch (SQLException e) {
            throw new StorageException("cannot make the ledger's partitions: " + Reasons.of(e), e);
        }
    }

    private static Connection connect(DatabaseAccess access) throws SQLException {
        return DriverManager.getConnection(access.url(), access.user(), access.password());
    }

    private static String quoted(String role) {
        return '"' + role.replace("\"", "\"\"") + '"';
    }

    private static Throwable rootOf(Throwable failure) {
        Throwable root = failure;
        while (root.getCause() != null) {
            root = root.getCause();
        }
        return root;
    }
}
