package dev.assize.server.storage;

import com.zaxxer.hikari.HikariDataSource;
import dev.assize.server.model.Digest;
import dev.assize.server.model.ReplicaUnavailableException;
import dev.assize.server.model.StoreUnavailableException;
import dev.assize.server.model.TenantId;
import dev.assize.server.storage.TenantTransaction.Mode;
import dev.assize.server.storage.TenantTransaction.Work;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.jooq.exception.DataAccessException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A replica of the database, from which exports are read.
 *
 * <p>A replica lags. So nothing is read from it before its own snapshot shows the ledger to have all that the database had
 * when the reading was asked for: a head as large, and at the last of those positions the same entry, whose hash is that of
 * all before it. What was erased until then is thereby gone from the snapshot, too, since an erasure is an entry. It is
 * waited for, and then refused: never is less read than there was, and never is another database taken for a replica.
 */
final class ReadReplica implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(ReadReplica.class);

    private static final String HEAD = "SELECT size, last_hash FROM assize.ledger_head WHERE tenant_id = ?";
    private static final String HASH = "SELECT entry_hash FROM assize.ledger_entry WHERE tenant_id = ? AND seq = ?";

    private static final String UNBOUND =
            "SELECT true FROM pg_roles WHERE rolname = current_user AND (rolsuper OR rolbypassrls)";

    /** How often it is looked whether the replica has caught up. */
    private static final long PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(50);

    private final HikariDataSource pool;
    private final Duration patience;
    private final Duration statementTimeout;
    private final String deploymentId;

    /**
     * A replica that need not be there yet.
     *
     * @param patience how long it is waited for
     * @param deploymentId of the database that it replicates
     */
    ReadReplica(HikariDataSource pool, Duration patience, Duration statementTimeout, String deploymentId) {
        this.pool = pool;
        this.patience = patience;
        this.statementTimeout = statementTimeout;
        this.deploymentId = deploymentId;
    }

    /**
     * Reads one moment, in which the ledger has at least what it had at the wanted head.
     *
     * @param head says where the ledger ends in the database; null for one that has not begun
     * @throws ReplicaUnavailableException where the replica does not have that in time, or fails
     */
    <T extends @Nullable Object> T read(
            TenantId tenant, Supplier<@Nullable Place> head, Duration idleTimeout, Work<T> work) {
        Place wanted = head.get();
        long deadline = System.nanoTime() + patience.toNanos();
        while (true) {
            String lacks;
            try (TenantTransaction transaction = TenantTransaction.begin(
                    pool.getConnection(), Mode.SNAPSHOT, tenant.value(), statementTimeout, idleTimeout)) {
                lacks = lack(transaction, tenant, wanted);
                if (lacks == null) {
                    T result = work.run(transaction);
                    transaction.commit();
                    return result;
                }
            } catch (SQLException | DataAccessException | StoreUnavailableException e) {
                // The last of them from what is read within this transaction by others.
                LOG.warn("the replica fails: {}", Reasons.of(e));
                throw new ReplicaUnavailableException(
                        "the replica that exports are read from cannot be reached from this node, or ended what was"
                                + " read",
                        e);
            }
            if (wanted == null || wanted.size() == 0) {
                // The ledger may have begun since.
                wanted = head.get();
                if (wanted != null && wanted.size() > 0) {
                    continue;
                }
            }
            if (System.nanoTime() - deadline >= 0) {
                throw new ReplicaUnavailableException(
                        "the replica that exports are read from " + lacks + ", and did not catch up within "
                                + patience.toMillis() + " ms",
                        null);
            }
            LockSupport.parkNanos(PAUSE_NANOS);
        }
    }

    /** Each tenant's rows are kept from others there as they are in the database. */
    private static void requireBoundRole(TenantTransaction transaction) throws SQLException {
        boolean bound = transaction
                .find(UNBOUND, parameters -> {}, row -> row.getBoolean(1))
                .isEmpty();
        if (!bound) {
            throw new ReplicaUnavailableException(
                    "the role that exports are read from the replica with bypasses row-level security: expected one that"
                            + " is neither superuser nor BYPASSRLS",
                    null);
        }
    }

    /** What it has not, as the middle of a sentence; null where it has all. */
    private @Nullable String lack(TenantTransaction transaction, TenantId tenant, @Nullable Place wanted)
            throws SQLException {
        requireBoundRole(transaction);
        if (!deploymentId.equals(deployment(transaction))) {
            return "is not one of this database";
        }
        long size = place(transaction, tenant).map(Place::size).orElse(0L);
        if (wanted == null || wanted.size() == 0) {
            return size == 0 ? null : "has " + size + " entries of a ledger that has none";
        }
        if (size < wanted.size()) {
            return "has " + size + " of the " + wanted.size() + " entries of the ledger";
        }
        return isHash(transaction, tenant, wanted)
                ? null
                : "has another entry " + (wanted.size() - 1) + " of the ledger";
    }

    private static boolean isHash(TenantTransaction transaction, TenantId tenant, Place wanted) throws SQLException {
        try (PreparedStatement statement = transaction.connection().prepareStatement(HASH)) {
            statement.setString(1, tenant.value());
            statement.setLong(2, wanted.size() - 1);
            try (ResultSet row = statement.executeQuery()) {
                return row.next() && Digest.of(row.getBytes(1)).equals(wanted.lastHash());
            }
        }
    }

    /** Where a tenant's ledger ends; empty where it has not begun. */
    static Optional<Place> place(TenantTransaction transaction, TenantId tenant) throws SQLException {
        try (PreparedStatement statement = transaction.connection().prepareStatement(HEAD)) {
            statement.setString(1, tenant.value());
            try (ResultSet row = statement.executeQuery()) {
                return row.next()
                        ? Optional.of(new Place(row.getLong(1), Digest.of(row.getBytes(2))))
                        : Optional.empty();
            }
        }
    }

    private static String deployment(TenantTransaction transaction) throws SQLException {
        try (Statement statement = transaction.connection().createStatement();
                ResultSet row = statement.executeQuery("SELECT deployment_id FROM assize.deployment")) {
            return row.next() ? row.getString(1) : "";
        }
    }

    @Override
    public void close() {
        pool.close();
    }

    /** Where a ledger ends: how many entries it has, and the hash of the last, which is over all of them. */
    record Place(long size, Digest lastHash) {}
}
