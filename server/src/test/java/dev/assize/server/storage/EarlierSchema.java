package dev.assize.server.storage;

import dev.assize.server.storage.StorageConfig.Credentials;
import dev.assize.server.storage.StorageConfig.Location;
import dev.assize.server.testing.TestDatabase;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.InstantSource;
import java.util.Map;
import org.flywaydb.core.Flyway;

/** The schema as an earlier version left it, without the rights that it gave. */
final class EarlierSchema {

    private static final String WITHOUT_APPENDS = """
            DROP TABLE assize.ledger_term;
            DROP TYPE assize.ledger_term_row;
            DROP TYPE assize.ledger_entry_row;
            """;

    private EarlierSchema() {}

    /** Runs the migrations up to a version into a database that has none. */
    static void make(TestDatabase database, String version) {
        Flyway.configure(Migrations.class.getClassLoader())
                .dataSource(
                        database.owner().url(),
                        database.owner().user(),
                        database.owner().password())
                .schemas(Migrations.SCHEMA)
                .defaultSchema(Migrations.SCHEMA)
                .locations("classpath:db/migration")
                .placeholders(Map.of("application_role", database.application().user()))
                .skipDefaultCallbacks(true)
                .target(version)
                .load()
                .migrate();
    }

    /** Lets the application append, as one of an earlier version did; afterwards nothing is left but what that had left. */
    static void append(TestDatabase database, Appends appends) throws SQLException {
        execute(database.owner(), """
            CREATE TYPE assize.ledger_entry_row AS (seq bigint, recorded_at timestamptz, frame bytea, entry_hash bytea,
                outcome smallint, occurred_at bigint, recorded_by text, recorded_by_tenant text, type text, category text,
                actor text, role text, action text, resource text, env text, run_id text, decision_id text);
            CREATE TYPE assize.ledger_term_row AS (kind smallint, value text, block bigint, bits bigint);
            CREATE TABLE assize.ledger_term (tenant_id text, kind smallint, value text, block bigint, bits bigint,
                PRIMARY KEY (tenant_id, kind, value, block));
            GRANT USAGE ON SCHEMA assize TO "%1$s";
            GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA assize TO "%1$s";
            GRANT UPDATE ON assize.ledger_head, assize.ledger_term TO "%1$s";
            """.formatted(database.application().user()));
        DatabaseAccess node = database.application();
        Credentials credentials = new Credentials(node.user(), node.password());
        try (Database opened = new Database(
                StorageConfig.of(new Location.Outside(node.url(), credentials, null)), InstantSource.system())) {
            opened.start();
            appends.to(opened);
        }
        execute(database.owner(), WITHOUT_APPENDS);
    }

    private static void execute(DatabaseAccess access, String sql) throws SQLException {
        try (Connection connection = DriverManager.getConnection(access.url(), access.user(), access.password());
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    /** What is appended. */
    @FunctionalInterface
    interface Appends {
        void to(Database database) throws SQLException;
    }
}
