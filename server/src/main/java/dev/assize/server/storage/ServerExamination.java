package dev.assize.server.storage;

import com.zaxxer.hikari.HikariDataSource;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;

/** Looks, before anything is served, whether a PostgreSQL server and the application's role there do what is relied on. */
final class ServerExamination {

    /** What row-level security and the rest of the schema were tried on. */
    private static final int OLDEST_SERVER_VERSION = 150_000;

    private ServerExamination() {}

    /**
     * Refuses a server that does not keep what it has acknowledged, and a role that row-level security does not bind; says
     * which deployment the database is.
     *
     * @throws StorageException where it is refused
     */
    static String examine(HikariDataSource pool) throws SQLException {
        try (Connection connection = pool.getConnection();
                Statement statement = connection.createStatement()) {
            requireSafeServer(statement);
            requireBoundRole(statement);
            return only(statement, "SELECT deployment_id FROM assize.deployment");
        }
    }

    /** Whether a whole transaction can be given a time there. */
    static boolean knowsTransactionTimeout(HikariDataSource pool) throws SQLException {
        try (Connection connection = pool.getConnection();
                Statement statement = connection.createStatement()) {
            return only(statement, "SELECT count(*) FROM pg_settings WHERE name = 'transaction_timeout'")
                    .equals("1");
        }
    }

    private static void requireSafeServer(Statement statement) throws SQLException {
        int version = Integer.parseInt(only(statement, "SHOW server_version_num"));
        if (version < OLDEST_SERVER_VERSION) {
            throw new StorageException(
                    "PostgreSQL " + only(statement, "SHOW server_version") + " is too old: expected 15 or newer");
        }
        for (String setting : new String[] {"fsync", "full_page_writes", "synchronous_commit"}) {
            if (only(statement, "SHOW " + setting).equals("off")) {
                throw new StorageException("PostgreSQL runs with " + setting
                        + " = off and would lose acknowledged entries in a crash: turn it on");
            }
        }
    }

    private static void requireBoundRole(Statement statement) throws SQLException {
        String role = only(statement, "SELECT current_user");
        if (!only(statement, "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
                .equals("f")) {
            throw new StorageException("the application's role `" + role
                    + "` bypasses row-level security: expected a role that is neither superuser nor BYPASSRLS");
        }
        String mayAlter =
                only(statement, "SELECT has_table_privilege('assize.ledger_entry', 'UPDATE, DELETE, TRUNCATE')");
        if (!mayAlter.equals("f")) {
            throw new StorageException("the application's role `" + role
                    + "` can alter ledger entries: expected another role than the owner, without those rights");
        }
    }

    private static String only(Statement statement, String query) throws SQLException {
        try (ResultSet row = statement.executeQuery(query)) {
            if (!row.next()) {
                throw new SQLException("no answer to " + query);
            }
            return row.getString(1);
        }
    }
}
