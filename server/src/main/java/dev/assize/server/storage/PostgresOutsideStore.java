package dev.assize.server.storage;

import dev.assize.server.anchor.OutsideStore;
import dev.assize.server.anchor.OutsideUnavailableException;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Optional;
import java.util.Properties;
import org.jspecify.annotations.Nullable;

/**
 * A table in another PostgreSQL, which somebody else administers. Each call is one statement on a connection that is kept
 * while it works; after a failure the next call makes a new one.
 */
public final class PostgresOutsideStore implements OutsideStore, AutoCloseable {

    private static final String EXISTS = "SELECT to_regclass('assize_outside') IS NOT NULL";

    private static final String TABLE =
            "CREATE TABLE IF NOT EXISTS assize_outside (name text COLLATE \"C\" PRIMARY KEY,"
                    + " version bigint NOT NULL, content bytea NOT NULL)";

    private static final String READ = "SELECT version, content FROM assize_outside WHERE name = ?";

    private static final String PUT =
            "INSERT INTO assize_outside (name, version, content) VALUES (?, 1, ?) ON CONFLICT (name) DO NOTHING";

    private static final String REPLACE =
            "UPDATE assize_outside SET version = version + 1, content = ? WHERE name = ? AND version = ?";

    private static final String REMOVE = "DELETE FROM assize_outside WHERE name = ?";

    private final DatabaseAccess access;
    private final Duration timeout;

    /** Guarded by this, as every call is. */
    private @Nullable Connection connection;

    /**
     * A store in that database, whose role may make the table, or read and write it.
     *
     * @param timeout after which a call is given up
     */
    public PostgresOutsideStore(DatabaseAccess access, Duration timeout) {
        this.access = access;
        this.timeout = timeout;
    }

    @Override
    public synchronized Optional<Versioned> read(String name) {
        return call("read", name, open -> {
            try (PreparedStatement statement = open.prepareStatement(READ)) {
                statement.setString(1, name);
                try (ResultSet row = statement.executeQuery()) {
                    return row.next()
                            ? Optional.of(new Versioned(Long.toString(row.getLong(1)), row.getBytes(2)))
                            : Optional.<Versioned>empty();
                }
            }
        });
    }

    @Override
    public synchronized void put(String name, byte[] content) {
        int _ = call("write", name, open -> insert(open, name, content));
    }

    @Override
    public synchronized Optional<String> replace(String name, @Nullable String version, byte[] content) {
        return call("write", name, open -> {
            if (version == null) {
                return insert(open, name, content) == 1 ? Optional.of("1") : Optional.<String>empty();
            }
            long before = Long.parseLong(version);
            try (PreparedStatement statement = open.prepareStatement(REPLACE)) {
                statement.setBytes(1, content);
                statement.setString(2, name);
                statement.setLong(3, before);
                return statement.executeUpdate() == 1
                        ? Optional.of(Long.toString(before + 1))
                        : Optional.<String>empty();
            }
        });
    }

    @Override
    public synchronized void remove(String name) {
        int _ = call("remove", name, open -> {
            try (PreparedStatement statement = open.prepareStatement(REMOVE)) {
                statement.setString(1, name);
                return statement.executeUpdate();
            }
        });
    }

    @Override
    public String describe() {
        return access.toString();
    }

    @Override
    public synchronized void close() {
        drop();
    }

    private static int insert(Connection open, String name, byte[] content) throws SQLException {
        try (PreparedStatement statement = open.prepareStatement(PUT)) {
            statement.setString(1, name);
            statement.setBytes(2, content);
            return statement.executeUpdate();
        }
    }

    private <T> T call(String verb, String name, Call<T> call) {
        try {
            return call.on(open());
        } catch (SQLException e) {
            drop();
            throw new OutsideUnavailableException(
                    "cannot " + verb + " " + name + " in " + access + ": " + Reasons.of(e), e);
        }
    }

    private Connection open() throws SQLException {
        Connection present = connection;
        if (present != null) {
            return present;
        }
        Properties properties = new Properties();
        properties.setProperty("user", access.user());
        properties.setProperty("password", access.password());
        properties.setProperty("connectTimeout", Long.toString(Math.max(1, timeout.toSeconds())));
        properties.setProperty("socketTimeout", Long.toString(Math.max(1, timeout.toSeconds())));
        properties.setProperty("ApplicationName", "assize-anchor");
        Connection fresh = DriverManager.getConnection(access.url(), properties);
        try (Statement statement = fresh.createStatement()) {
            makeTable(statement);
        } catch (SQLException e) {
            fresh.close();
            throw e;
        }
        connection = fresh;
        return fresh;
    }

    /** A role that may only use the table may not even try to make it. */
    private static void makeTable(Statement statement) throws SQLException {
        try (ResultSet row = statement.executeQuery(EXISTS)) {
            if (row.next() && row.getBoolean(1)) {
                return;
            }
        }
        statement.execute(TABLE);
    }

    private void drop() {
        Connection present = connection;
        connection = null;
        if (present != null) {
            try {
                present.close();
            } catch (SQLException alreadyBroken) {
                // It was given up because it failed.
            }
        }
    }

    @FunctionalInterface
    private interface Call<T> {
        T on(Connection open) throws SQLException;
    }
}
