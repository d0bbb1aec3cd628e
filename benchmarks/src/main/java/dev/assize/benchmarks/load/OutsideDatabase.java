package dev.assize.benchmarks.load;

import dev.assize.server.storage.DatabaseAccess;
import dev.assize.server.storage.EmbeddedPostgres;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Map;

/**
 * A PostgreSQL that is there before the server starts.
 *
 * @param user the application's role
 * @param owner the role that migrates
 */
record OutsideDatabase(String url, String user, String password, String owner, String ownerPassword) {

    private static final String NAME = "load";
    private static final String PASSWORD = "only-here";

    /** An empty database with both roles, as the page for operators says to make it. */
    static OutsideDatabase create(EmbeddedPostgres postgres) throws SQLException {
        DatabaseAccess superuser = postgres.superuser("postgres");
        try (Connection connection =
                        DriverManager.getConnection(superuser.url(), superuser.user(), superuser.password());
                Statement statement = connection.createStatement()) {
            statement.execute("CREATE ROLE load_owner LOGIN PASSWORD '" + PASSWORD + "'");
            statement.execute("CREATE ROLE load_app LOGIN PASSWORD '" + PASSWORD + "' NOSUPERUSER NOBYPASSRLS");
            statement.execute("CREATE DATABASE " + NAME
                    + " OWNER load_owner TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'");
            statement.execute("GRANT CONNECT ON DATABASE " + NAME + " TO load_app");
        }
        return new OutsideDatabase(postgres.url(NAME), "load_app", PASSWORD, "load_owner", PASSWORD);
    }

    /** As variables of the server's configuration. */
    Map<String, String> settings() {
        return Map.of(
                "ASSIZE_DATABASE_URL", url,
                "ASSIZE_DATABASE_USER", user,
                "ASSIZE_DATABASE_PASSWORD", password,
                "ASSIZE_DATABASE_OWNER_USER", owner,
                "ASSIZE_DATABASE_OWNER_PASSWORD", ownerPassword);
    }

    @Override
    public String toString() {
        return "OutsideDatabase[" + url + ", " + user + "]";
    }
}
