package dev.assize.server.storage;

import java.nio.file.Path;
import java.time.Duration;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Where data is kept, and how long anything there may take.
 *
 * @param ledgerName the first part of every ledger's origin; a name of the operator's, such as a host name
 * @param poolSize connections that serve
 * @param connectTimeout how long a request waits for one of them
 * @param statementTimeout after which the database gives a statement up
 * @param idleTimeout after which the database ends a transaction that does nothing: a node that was paused while it
 *     held a lock loses it
 */
public record StorageConfig(
        Location location,
        String ledgerName,
        int poolSize,
        Duration connectTimeout,
        Duration statementTimeout,
        Duration idleTimeout) {

    public static final String DEFAULT_LEDGER_NAME = "assize.local";

    /** Whoever exports waits for so long without a sign. */
    private static final Duration LONGEST_PATIENCE = Duration.ofMinutes(5);

    private static final Pattern LEDGER_NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9.-]{0,127}");

    public StorageConfig {
        if (!LEDGER_NAME.matcher(ledgerName).matches()) {
            throw new StorageException("ledger name `" + ledgerName + "`: expected " + LEDGER_NAME);
        }
        if (poolSize < 1) {
            throw new StorageException("pool size `" + poolSize + "`: expected 1 or more");
        }
    }

    /** An embedded server below the home directory. */
    public static StorageConfig defaults(Path home) {
        return of(new Location.Embedded(home));
    }

    /** The default bounds, wherever the data is. */
    public static StorageConfig of(Location location) {
        return new StorageConfig(
                location,
                DEFAULT_LEDGER_NAME,
                16,
                Duration.ofSeconds(5),
                Duration.ofSeconds(10),
                Duration.ofSeconds(5));
    }

    /** Where the data is. */
    public sealed interface Location {

        /** A PostgreSQL of Assize's own, with its data below `home/postgres`. */
        record Embedded(Path home) implements Location {}

        /**
         * A PostgreSQL of the operator's, 15 or newer.
         *
         * @param application serves; an ordinary role, neither superuser nor allowed to bypass row-level security
         * @param owner migrates; it needs CREATE on the database, or must own a schema `assize` in it. Null where
         *     migrations are run elsewhere: the schema must then be there already
         * @param maintenance makes the ledger's coming months, and may do nothing else; null where the owner does
         * @param replica from which exports are read; null where they are read from the database itself
         */
        record Outside(
                String url,
                Credentials application,
                @Nullable Credentials owner,
                @Nullable Credentials maintenance,
                @Nullable Replica replica)
                implements Location {

            public Outside(String url, Credentials application, @Nullable Credentials owner) {
                this(url, application, owner, null, null);
            }
        }
    }

    /**
     * A replica of the database.
     *
     * @param application its role there; it only reads
     * @param patience how long what is asked of it waits until it has what the database has
     */
    public record Replica(String url, Credentials application, Duration patience) {

        public Replica {
            if (patience.isNegative() || patience.compareTo(LONGEST_PATIENCE) > 0) {
                throw new StorageException("patience with the replica of " + patience.toMillis() + " ms: expected 0 to "
                        + LONGEST_PATIENCE.toMinutes() + " minutes");
            }
        }
    }

    /** A role's name and password. */
    public record Credentials(String user, String password) {

        /** Without the password. */
        @Override
        public String toString() {
            return user;
        }
    }
}
