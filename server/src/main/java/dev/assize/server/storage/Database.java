package dev.assize.server.storage;

import static dev.assize.server.storage.ServerExamination.examine;
import static dev.assize.server.storage.ServerExamination.knowsTransactionTimeout;

import com.google.inject.Inject;
import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import com.zaxxer.hikari.pool.HikariPool.PoolInitializationException;
import dev.assize.server.model.ReplicaUnavailableException;
import dev.assize.server.model.StoreUnavailableException;
import dev.assize.server.model.TenantId;
import dev.assize.server.prompt.Prompt;
import dev.assize.server.storage.StorageConfig.Credentials;
import dev.assize.server.storage.StorageConfig.Location;
import dev.assize.server.storage.StorageConfig.Replica;
import dev.assize.server.storage.TenantTransaction.Mode;
import dev.assize.server.storage.TenantTransaction.Work;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.SQLRecoverableException;
import java.sql.SQLTransientException;
import java.time.Duration;
import java.time.InstantSource;
import java.time.YearMonth;
import java.time.ZoneOffset;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.Semaphore;
import java.util.function.BooleanSupplier;
import org.jooq.exception.DataAccessException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The database: embedded or the operator's, migrated as its owner, served from as the application. Everything the
 * room does goes through {@link #inTransaction}.
 */
public final class Database implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(Database.class);

    private static final String NAME = "assize";
    private static final String OWNER_ROLE = "assize_owner";
    private static final String APPLICATION_ROLE = "assize_app";
    private static final Duration WATCH_INTERVAL = Duration.ofMillis(500);
    private static final Duration MAINTENANCE_INTERVAL = Duration.ofHours(1);

    /** How long whoever reads very much may work on it between two fetches: nothing is locked meanwhile. */
    private static final Duration READER_LIMIT = Duration.ofMinutes(2);

    /** Of the pool: one in so many may be somebody's second one. */
    private static final int CONNECTIONS_PER_SECOND_READER = 8;

    /** A connection whose server does not answer is given up this long after the server should have. */
    private static final Duration SOCKET_GRACE = Duration.ofSeconds(10);

    /** Division by zero, a unique key that is there, a lock that somebody has, and two who waited for each other. */
    private static final Set<String> DOES_NOT_FIT = Set.of("22012", "23505", "55P03", "40P01");

    private final StorageConfig config;
    private final InstantSource clock;

    /** The transaction that this thread is in the middle of, and that its reads are to see. */
    private final ScopedValue<TenantTransaction> current = ScopedValue.newInstance();

    private volatile @Nullable Running running;

    @Inject
    public Database(StorageConfig config, InstantSource clock) {
        this.config = config;
        this.clock = clock;
    }

    /**
     * Starts the embedded server where there is one, migrates, and opens the pool.
     *
     * @throws StorageException where it cannot; the message says why in one line
     */
    public synchronized void start() {
        if (running != null) {
            throw new IllegalStateException("started already");
        }
        running = switch (config.location()) {
            case Location.Embedded embedded -> startEmbedded(embedded);
            case Location.Outside outside -> startOutside(outside);
        };
    }

    /** Closes the pool and stops the embedded server. Does nothing where nothing runs. */
    @Override
    public synchronized void close() {
        Running present = running;
        running = null;
        if (present != null) {
            present.close();
        }
    }

    /** How to reach the database as its owner; empty where the operator kept that to himself. */
    public Optional<DatabaseAccess> owner() {
        return Optional.ofNullable(running().owner);
    }

    /** Makes the partitions of the coming months. Run at the start, and every hour; on any number of nodes. */
    public void maintain() {
        makePartitions(running().maintenance);
    }

    /** What names a tenant's ledger among all ledgers. */
    String origin(TenantId tenant) {
        return deployment() + "/" + tenant;
    }

    /** What the origin of every ledger here begins with: the operator's name, and this database's. */
    String deployment() {
        return config.ledgerName() + "/" + running().deploymentId;
    }

    /**
     * A connection of one's own, as the application, beside the pool.
     *
     * @param patience how long the server may take to let it in, and over each answer
     */
    Connection connectAlone(Duration patience) throws SQLException {
        DatabaseAccess application = running().application;
        Properties properties = new Properties();
        String seconds = Long.toString(Math.max(1, patience.toSeconds()));
        properties.setProperty("user", application.user());
        properties.setProperty("password", application.password());
        properties.setProperty("ApplicationName", "assize-signals");
        properties.setProperty("tcpKeepAlive", "true");
        properties.setProperty("connectTimeout", seconds);
        properties.setProperty("loginTimeout", seconds);
        properties.setProperty("socketTimeout", seconds);
        return DriverManager.getConnection(application.url(), properties);
    }

    /** Runs work that is to be committed, for a tenant or the platform. */
    <T extends @Nullable Object> T inTransaction(String scopeKey, Work<T> work) {
        return inTransaction(Mode.WRITE, scopeKey, config.idleTimeout(), work);
    }

    /** Runs work that reads one moment, for a tenant or the platform. */
    <T extends @Nullable Object> T inSnapshot(String scopeKey, Work<T> work) {
        return inTransaction(Mode.SNAPSHOT, scopeKey, config.idleTimeout(), work);
    }

    /** The same for work that makes something large of what it reads, and keeps the transaction waiting meanwhile. */
    <T extends @Nullable Object> T inLongSnapshot(String scopeKey, Work<T> work) {
        return inTransaction(Mode.SNAPSHOT, scopeKey, READER_LIMIT, work);
    }

    /**
     * Runs work that reads one moment of a tenant's ledger, from the replica where there is one: a moment in which the ledger
     * has at least what it has now.
     *
     * @param idleTimeout how long the work may do something else than talk to the database
     * @throws ReplicaUnavailableException where the replica does not have that in time, or fails
     */
    <T extends @Nullable Object> T inReplica(TenantId tenant, Duration idleTimeout, Work<T> work) {
        ReadReplica replica = running().replica;
        if (replica == null || current.isBound()) {
            return inTransaction(Mode.SNAPSHOT, tenant.value(), idleTimeout, work);
        }
        return replica.read(tenant, () -> head(tenant), idleTimeout, work);
    }

    private ReadReplica.@Nullable Place head(TenantId tenant) {
        return this.<ReadReplica.@Nullable Place>inSnapshot(
                tenant.value(),
                transaction -> ReadReplica.place(transaction, tenant).orElse(null));
    }

    /**
     * Runs work in a transaction, and commits it.
     *
     * @param idleTimeout how long the work may do something else than talk to the database
     * @throws StoreUnavailableException where the database fails for now; whether a write was committed is then unknown
     * @throws StorageException where it fails for another reason
     */
    <T extends @Nullable Object> T inTransaction(Mode mode, String scopeKey, Duration idleTimeout, Work<T> work) {
        Prompt.requireTime();
        return current.isBound()
                ? join(current.get(), mode, scopeKey, work)
                : inTransaction(mode, scopeKey, idleTimeout, null, new Trip(), work);
    }

    /** Runs work that is to be committed and begins with these statements; they cost no round trip of their own. */
    <T extends @Nullable Object> T inTransaction(String scopeKey, Trip opening, Work<T> work) {
        Prompt.requireTime();
        requireNoTransaction();
        return inTransaction(Mode.WRITE, scopeKey, config.idleTimeout(), limit(), opening, work);
    }

    /**
     * Carries out a transaction that is known before it begins, in one round trip: all of it, durably, or nothing.
     *
     * @param connected told when a connection is there
     * @return false where the database itself said that it does not fit what it holds: by a division by zero, a key
     *     that is there already, or a lock that somebody else has
     */
    boolean atOnce(String scopeKey, Trip all, Runnable connected) {
        Trip trip = new Trip().then(all).then(TenantTransaction.COMMIT, parameters -> {});
        return fits(scopeKey, trip, connected, transaction -> {});
    }

    /**
     * The same in two round trips, with something to wait for between them; the second is written down before the wait, which
     * others may have to wait behind.
     */
    boolean inTwo(String scopeKey, Trip first, Runnable connected, Runnable between, Trip last) {
        return fits(scopeKey, first, connected, transaction -> {
            try (Trip.Ready ending = transaction.readyToCommitBehind(last)) {
                between.run();
                ending.run();
            }
        });
    }

    private boolean fits(String scopeKey, Trip opening, Runnable connected, Step step) {
        Prompt.requireTime();
        try (Connection connection = running().pool.getConnection();
                TenantTransaction transaction = known(connection, scopeKey, connected, opening)) {
            step.run(transaction);
            return true;
        } catch (SQLException e) {
            if (DOES_NOT_FIT.contains(String.valueOf(e.getSQLState()))) {
                return false;
            }
            throw failure(e);
        }
    }

    private TenantTransaction known(Connection connection, String scopeKey, Runnable connected, Trip opening)
            throws SQLException {
        connected.run();
        return TenantTransaction.begin(
                connection, Mode.KNOWN, scopeKey, config.statementTimeout(), config.idleTimeout(), limit(), opening);
    }

    /** Of a whole append: who stalls in the middle of it, also of a message, keeps the head from others for so long. */
    private @Nullable Duration limit() {
        return running().knowsTransactionTimeout ? config.statementTimeout().plus(config.idleTimeout()) : null;
    }

    /** What is asked in the middle of a transaction only reads. */
    void requireNoTransaction() {
        if (current.isBound()) {
            throw new IllegalStateException("What is asked in the middle of a transaction only reads");
        }
    }

    private <T extends @Nullable Object> T inTransaction(
            Mode mode, String scopeKey, Duration idleTimeout, @Nullable Duration limit, Trip opening, Work<T> work) {
        try (TenantTransaction transaction = TenantTransaction.begin(
                running().pool.getConnection(),
                mode,
                scopeKey,
                config.statementTimeout(),
                idleTimeout,
                limit,
                opening)) {
            T result = work.run(transaction);
            transaction.commit();
            return result;
        } catch (SQLException | DataAccessException e) {
            throw failure(e);
        }
    }

    /** Does something beside everything else, soon; it is not tried again where it fails. */
    void soon(Runnable chore) {
        running().chores.soon(chore);
    }

    /**
     * Runs what asks others while the transaction is open: what they read through this database on this thread, they
     * read within it. A second connection would not see what is not committed yet, and a pool whose every connection
     * waited for a second one would stand still.
     */
    void within(TenantTransaction transaction, Runnable asking) {
        ScopedValue.where(current, transaction).run(asking);
    }

    /**
     * A second connection's view of what a snapshot sees, for who has more to read than one connection brings at a time. Empty
     * where there is none to spare: whoever has one connection already must not wait for others who do the same.
     *
     * @param patience how long the reader may take over a statement's rows, and between two statements
     */
    Optional<SecondReader> besides(TenantTransaction snapshot, Duration patience) throws SQLException {
        Running present = running();
        if (current.isBound() || !present.secondReaders.tryAcquire()) {
            return Optional.empty();
        }
        SecondReader reader = null;
        try {
            String moment = snapshot.moment();
            reader = second(moment, snapshot.scopeKey(), patience, present);
            return Optional.ofNullable(reader);
        } finally {
            if (reader == null) {
                present.secondReaders.release();
            }
        }
    }

    private static @Nullable SecondReader second(String moment, String scopeKey, Duration patience, Running present) {
        try {
            return new SecondReader(
                    TenantTransaction.beginAt(moment, present.pool.getConnection(), scopeKey, patience),
                    present.secondReaders);
        } catch (SQLException e) {
            LOG.debug("one connection reads alone: {}", Reasons.of(e));
            return null;
        }
    }

    /** The same with an answer. */
    boolean asked(TenantTransaction transaction, BooleanSupplier asking) {
        return ScopedValue.where(current, transaction).call(asking::getAsBoolean);
    }

    /** Each statement sees what is committed by then, and what the transaction itself wrote. */
    private static <T extends @Nullable Object> T join(
            TenantTransaction transaction, Mode mode, String scopeKey, Work<T> work) {
        if (mode != Mode.SNAPSHOT) {
            throw new IllegalStateException("What is asked in the middle of a transaction only reads");
        }
        String own = transaction.scopeKey();
        try {
            if (own.equals(scopeKey)) {
                return work.run(transaction);
            }
            transaction.actFor(scopeKey);
            try {
                return work.run(transaction);
            } finally {
                transaction.actFor(own);
            }
        } catch (SQLException | DataAccessException e) {
            throw failure(e);
        }
    }

    /** What a room above is told. */
    static RuntimeException failure(Exception e) {
        Throwable root = rootOf(e);
        String message = "the database fails: " + Reasons.of(root);
        return isForNow(root) ? new StoreUnavailableException(message, e) : new StorageException(message, e);
    }

    /** Whether trying again later may do: no connection, no resources, stopping, timed out, a conflict. */
    private static boolean isForNow(Throwable root) {
        if (root instanceof SQLTransientException || root instanceof SQLRecoverableException) {
            return true;
        }
        if (!(root instanceof SQLException sql)) {
            return false;
        }
        // Without a state it comes from the pool, of a connection it has closed.
        String state = sql.getSQLState();
        return state == null || state.matches("(08|40|53|57|55P|25P).*");
    }

    private Running running() {
        Running present = running;
        if (present == null) {
            throw new StorageException("the database is not started, or stopped already");
        }
        return present;
    }

    private Running startEmbedded(Location.Embedded location) {
        EmbeddedPostgres server = EmbeddedPostgres.start(location.home());
        try {
            Provisioning provisioning = Provisioning.ensure(
                    server.superuser("postgres"), server.url(NAME), NAME, OWNER_ROLE, APPLICATION_ROLE);
            Running started =
                    open(server, provisioning.application(), provisioning.owner(), provisioning.owner(), null);
            started.chores.every(WATCH_INTERVAL, server::restartIfDown);
            return started;
        } catch (RuntimeException e) {
            server.close();
            throw e;
        }
    }

    private Running startOutside(Location.Outside location) {
        DatabaseAccess owner = access(location, location.owner());
        DatabaseAccess maintenance = access(location, location.maintenance());
        return open(
                null,
                new DatabaseAccess(
                        location.url(),
                        location.application().user(),
                        location.application().password()),
                owner,
                maintenance == null ? owner : maintenance,
                location.replica());
    }

    private static @Nullable DatabaseAccess access(Location.Outside location, @Nullable Credentials role) {
        return role == null ? null : new DatabaseAccess(location.url(), role.user(), role.password());
    }

    private Running open(
            @Nullable EmbeddedPostgres server,
            DatabaseAccess application,
            @Nullable DatabaseAccess owner,
            @Nullable DatabaseAccess maintenance,
            @Nullable Replica replica) {
        boolean ownerMaintains = owner != null && owner.equals(maintenance);
        if (owner != null) {
            Migrations.migrate(owner, application.user(), connection -> {
                if (ownerMaintains) {
                    Chores.attempt(() -> Migrations.makePartitions(connection, present()));
                } else if (maintenance != null) {
                    Migrations.allowMaintenance(connection, maintenance.user());
                }
            });
        }
        HikariDataSource pool = openPool(application);
        try {
            String deploymentId = examine(pool);
            Running started = new Running(
                    server,
                    pool,
                    replica == null ? null : open(replica, deploymentId),
                    application,
                    owner,
                    maintenance,
                    deploymentId,
                    knowsTransactionTimeout(pool));
            if (ownerMaintains) {
                started.chores.every(MAINTENANCE_INTERVAL, () -> makePartitions(maintenance));
            } else {
                started.chores.atOnceAndEvery(MAINTENANCE_INTERVAL, () -> makePartitions(maintenance));
            }
            return started;
        } catch (SQLException e) {
            pool.close();
            throw new StorageException("cannot use " + application + ": " + Reasons.of(e), e);
        } catch (RuntimeException e) {
            pool.close();
            throw e;
        }
    }

    private void makePartitions(@Nullable DatabaseAccess maintenance) {
        if (maintenance != null) {
            Migrations.makePartitions(maintenance, present());
        }
    }

    private YearMonth present() {
        return YearMonth.from(clock.instant().atOffset(ZoneOffset.UTC));
    }

    /** It need not be there yet: without it nothing but exports is refused. */
    private ReadReplica open(Replica replica, String deploymentId) {
        HikariConfig pool = poolOf(new DatabaseAccess(
                replica.url(),
                replica.application().user(),
                replica.application().password()));
        pool.setPoolName("assize-replica");
        pool.setMinimumIdle(0);
        pool.setInitializationFailTimeout(-1);
        return new ReadReplica(new HikariDataSource(pool), replica.patience(), config.statementTimeout(), deploymentId);
    }

    private HikariDataSource openPool(DatabaseAccess application) {
        HikariConfig pool = poolOf(application);
        try {
            return new HikariDataSource(pool);
        } catch (PoolInitializationException e) {
            throw new StorageException("cannot reach " + application + ": " + Reasons.of(rootOf(e)), e);
        }
    }

    private HikariConfig poolOf(DatabaseAccess application) {
        HikariConfig pool = new HikariConfig();
        pool.setPoolName("assize");
        pool.setJdbcUrl(application.url());
        pool.setUsername(application.user());
        pool.setPassword(application.password());
        pool.setAutoCommit(false);
        pool.setMaximumPoolSize(config.poolSize());
        pool.setMinimumIdle(Math.min(2, config.poolSize()));
        pool.setConnectionTimeout(config.connectTimeout().toMillis());
        pool.setInitializationFailTimeout(config.connectTimeout().toMillis());
        pool.addDataSourceProperty("ApplicationName", "assize");
        pool.addDataSourceProperty("tcpKeepAlive", "true");
        pool.addDataSourceProperty(
                "socketTimeout",
                Long.toString(config.statementTimeout().plus(SOCKET_GRACE).toSeconds()));
        return pool;
    }

    private static Throwable rootOf(Throwable failure) {
        Throwable root = failure;
        while (root.getCause() instanceof SQLException cause) {
            root = cause;
        }
        return root;
    }

    /** A part of a transaction. */
    @FunctionalInterface
    private interface Step {
        void run(TenantTransaction transaction) throws SQLException;
    }

    /** What {@link #start} made. */
    private static final class Running {

        private final @Nullable EmbeddedPostgres server;
        private final HikariDataSource pool;
        private final @Nullable ReadReplica replica;
        private final DatabaseAccess application;
        private final @Nullable DatabaseAccess owner;
        private final @Nullable DatabaseAccess maintenance;
        private final String deploymentId;
        private final boolean knowsTransactionTimeout;
        private final Semaphore secondReaders;
        private final Chores chores = new Chores();

        Running(
                @Nullable EmbeddedPostgres server,
                HikariDataSource pool,
                @Nullable ReadReplica replica,
                DatabaseAccess application,
                @Nullable DatabaseAccess owner,
                @Nullable DatabaseAccess maintenance,
                String deploymentId,
                boolean knowsTransactionTimeout) {
            this.server = server;
            this.pool = pool;
            this.replica = replica;
            this.application = application;
            this.owner = owner;
            this.maintenance = maintenance;
            this.deploymentId = deploymentId;
            this.knowsTransactionTimeout = knowsTransactionTimeout;
            this.secondReaders = new Semaphore(pool.getMaximumPoolSize() / CONNECTIONS_PER_SECOND_READER);
        }

        void close() {
            chores.close();
            if (replica != null) {
                replica.close();
            }
            pool.close();
            if (server != null) {
                server.close();
            }
        }
    }
}
