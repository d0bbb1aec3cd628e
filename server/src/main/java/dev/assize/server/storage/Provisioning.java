package dev.assize.server.storage;

import java.security.SecureRandom;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.HexFormat;

/**
 * Makes a database and its two roles on a server of which one is superuser: the owner, which migrates, and the
 * application, which serves. Passwords are new each time, so none needs to be kept.
 *
 * @param owner the database as its owner
 * @param application the database as the application
 */
public record Provisioning(DatabaseAccess owner, DatabaseAccess application) {

    /** Makes what is missing. The names are ours, not a user's: letters, digits and `_`. */
    public static Provisioning ensure(
            DatabaseAccess superuser, String databaseUrl, String database, String owner, String application) {
        String ownerPassword = password();
        String applicationPassword = password();
        try (Connection connection =
                        DriverManager.getConnection(superuser.url(), superuser.user(), superuser.password());
                Statement statement = connection.createStatement()) {
            ensureRole(connection, statement, owner, ownerPassword);
            ensureRole(connection, statement, application, applicationPassword);
            if (!exists(connection, "SELECT 1 FROM pg_database WHERE datname = ?", database)) {
                // Where the superuser is not one, as with hosted services, it must belong to the role it gives to.
                statement.execute("CREATE DATABASE " + database + " OWNER " + owner
                        + " TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'");
            }
            statement.execute("REVOKE ALL ON DATABASE " + database + " FROM PUBLIC");
            statement.execute("GRANT CONNECT ON DATABASE " + database + " TO " + application);
        } catch (SQLException e) {
            throw new StorageException("cannot set up database " + database + ": " + Reasons.of(e), e);
        }
        return new Provisioning(
                new DatabaseAccess(databaseUrl, owner, ownerPassword),
                new DatabaseAccess(databaseUrl, application, applicationPassword));
    }

    private static void ensureRole(Connection connection, Statement statement, String role, String password)
            throws SQLException {
        if (!exists(connection, "SELECT 1 FROM pg_roles WHERE rolname = ?", role)) {
            statement.execute("CREATE ROLE " + role);
        }
        statement.execute("ALTER ROLE " + role + " LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"
                + " PASSWORD '" + password + "'");
    }

    private static boolean exists(Connection connection, String query, String name) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(query)) {
            statement.setString(1, name);
            try (ResultSet row = statement.executeQuery()) {
                return row.next();
            }
        }
    }

    private static String password() {
        byte[] random = new byte[24];
        new SecureRandom().nextBytes(random);
        return HexFormat.of().formatHex(random);
    }
}
