package dev.assize.server.testing;

import dev.assize.server.storage.Database;
import dev.assize.server.storage.DatabaseAccess;
import dev.assize.server.storage.EmbeddedPostgres;
import dev.assize.server.storage.Provisioning;
import dev.assize.server.storage.StorageConfig;
import dev.assize.server.storage.StorageConfig.Credentials;
import dev.assize.server.storage.StorageConfig.Location;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.Stream;

/**
 * A database for one test class, empty and with roles of its own; dropped on close. It stands on an embedded server that
 * all test classes of a JVM share, or on the one that `-Dassize.test.database.url`, `.user` and `.password` name, whose
 * user must be a superuser.
 */
public final class TestDatabase implements AutoCloseable {

    /** Less than what tests wait for at most. */
    private static final Duration PATIENCE = Duration.ofSeconds(50);

    private final DatabaseAccess superuser;
    private final String name;
    private final Provisioning provisioning;

    private TestDatabase(DatabaseAccess superuser, String name, Provisioning provisioning) {
        this.superuser = superuser;
        this.name = name;
        this.provisioning = provisioning;
    }

    /** A new database that nothing has migrated yet. */
    public static TestDatabase fresh() {
        DatabaseAccess superuser = server();
        String name = "assize_test_"
                + HexFormat.of().toHexDigits(ThreadLocalRandom.current().nextLong());
        String url = superuser.url().replaceFirst("/[^/?]*(\\?|$)", "/" + name + "$1");
        return new TestDatabase(
                superuser, name, Provisioning.ensure(superuser, url, name, name + "_owner", name + "_app"));
    }

    /**
     * A new database as a node leaves it at its first start: migrated, empty and a deployment of its own. It is a copy of one
     * that is made once, which is less work than to migrate again, and has the roles of all such copies.
     */
    public static TestDatabase migrated() {
        TestDatabase copy = Migrated.TEMPLATE.copy();
        DatabaseAccess superuser = copy.superuser();
        try (Connection connection =
                        DriverManager.getConnection(superuser.url(), superuser.user(), superuser.password());
                Statement statement = connection.createStatement()) {
            statement.execute("UPDATE assize.deployment SET deployment_id = replace(gen_random_uuid()::text, '-', '')");
        } catch (SQLException e) {
            throw new IllegalStateException("Cannot name the deployment of " + copy.name, e);
        }
        return copy;
    }

    /** Another database that is what this one is now, of the same roles; close it first. Nobody may be connected meanwhile. */
    public TestDatabase copy() {
        String copied = "assize_test_"
                + HexFormat.of().toHexDigits(ThreadLocalRandom.current().nextLong());
        try (Connection connection =
                        DriverManager.getConnection(superuser.url(), superuser.user(), superuser.password());
                Statement statement = connection.createStatement()) {
            statement.execute("CREATE DATABASE " + copied + " OWNER " + owner().user() + " TEMPLATE " + name);
        } catch (SQLException e) {
            throw new IllegalStateException("Cannot copy " + name, e);
        }
        return new TestDatabase(superuser, copied, new Provisioning(at(copied, owner()), at(copied, application())));
    }

    private DatabaseAccess at(String database, DatabaseAccess access) {
        return new DatabaseAccess(access.url().replace("/" + name, "/" + database), access.user(), access.password());
    }

    /** A started node on this database; close it before the database. */
    public Database open(InstantSource clock) {
        Database database = new Database(config(), clock);
        database.start();
        return database;
    }

    /** How a node reaches this database. */
    public StorageConfig config() {
        return StorageConfig.of(
                new Location.Outside(application().url(), credentials(application()), credentials(owner())));
    }

    /** The same for a node that is to answer on a machine with very much else to do, too: it waits for the database. */
    public StorageConfig patientConfig() {
        StorageConfig usual = config();
        return new StorageConfig(usual.location(), usual.ledgerName(), usual.poolSize(), PATIENCE, PATIENCE, PATIENCE);
    }

    /** The same of a whole server, by its environment. */
    public Map<String, String> patientEnvironment() {
        Map<String, String> environment = new HashMap<>(environment());
        String patience = PATIENCE.toSeconds() + "s";
        environment.put("ASSIZE_DATABASE_CONNECT_TIMEOUT", patience);
        environment.put("ASSIZE_DATABASE_STATEMENT_TIMEOUT", patience);
        environment.put("ASSIZE_DATABASE_IDLE_TIMEOUT", patience);
        environment.put("ASSIZE_DECISION_LOAD_TIMEOUT", patience);
        return environment;
    }

    /** How a server is told by its environment to reach it. */
    public Map<String, String> environment() {
        return Map.of(
                "ASSIZE_DATABASE_URL",
                application().url(),
                "ASSIZE_DATABASE_USER",
                application().user(),
                "ASSIZE_DATABASE_PASSWORD",
                application().password(),
                "ASSIZE_DATABASE_OWNER_USER",
                owner().user(),
                "ASSIZE_DATABASE_OWNER_PASSWORD",
                owner().password());
    }

    /** The database as the role that migrates. */
    public DatabaseAccess owner() {
        return provisioning.owner();
    }

    /** The database as the role that serves. */
    public DatabaseAccess application() {
        return provisioning.application();
    }

    /** The database as the role that may do everything. */
    public DatabaseAccess superuser() {
        return new DatabaseAccess(owner().url(), superuser.user(), superuser.password());
    }

    @Override
    public void close() {
        try (Connection connection =
                        DriverManager.getConnection(superuser.url(), superuser.user(), superuser.password());
                Statement statement = connection.createStatement()) {
            statement.execute("DROP DATABASE IF EXISTS " + name + " WITH (FORCE)");
            statement.execute("DROP ROLE IF EXISTS " + name + "_owner, " + name + "_app");
        } catch (SQLException e) {
            throw new IllegalStateException("Cannot drop " + name, e);
        }
    }

    private static Credentials credentials(DatabaseAccess access) {
        return new Credentials(access.user(), access.password());
    }

    private static DatabaseAccess server() {
        String url = System.getProperty("assize.test.database.url", "");
        return url.isBlank()
                ? Shared.SERVER.superuser("postgres")
                : new DatabaseAccess(
                        url,
                        System.getProperty("assize.test.database.user", "postgres"),
                        System.getProperty("assize.test.database.password", ""));
    }

    /** Made by the first test class that needs it. */
    private static final class Migrated {

        static final TestDatabase TEMPLATE = make();

        private static TestDatabase make() {
            TestDatabase template = fresh();
            template.open(InstantSource.system()).close();
            return template;
        }
    }

    /** Started by the first test class that needs it, stopped with the JVM. */
    private static final class Shared {

        static final EmbeddedPostgres SERVER = start();

        private static EmbeddedPostgres start() {
            try {
                Path home = InMemory.make();
                EmbeddedPostgres server = EmbeddedPostgres.start(home);
                hashPasswordsOnce(server.superuser("postgres"));
                Runtime.getRuntime().addShutdownHook(new Thread(() -> {
                    server.close();
                    delete(home);
                }));
                return server;
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        /** Guessing them is nobody's aim here, and thousands of connections need not pay for making it slow. */
        private static void hashPasswordsOnce(DatabaseAccess superuser) {
            for (String statement : List.of(
                    "ALTER SYSTEM SET scram_iterations = 1",
                    "SELECT pg_reload_conf()",
                    "SET scram_iterations = 1; ALTER ROLE " + superuser.user() + " PASSWORD '" + superuser.password()
                            + "'")) {
                try (Connection connection =
                                DriverManager.getConnection(superuser.url(), superuser.user(), superuser.password());
                        Statement running = connection.createStatement()) {
                    running.execute(statement);
                } catch (SQLException e) {
                    throw new IllegalStateException("Cannot have passwords hashed once", e);
                }
            }
        }

        private static void delete(Path directory) {
            try (Stream<Path> paths = Files.walk(directory)) {
                for (Path path : paths.sorted(Comparator.reverseOrder()).toList()) {
                    Files.delete(path);
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
