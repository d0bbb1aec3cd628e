package dev.assize.server.storage;

import com.google.inject.Inject;
import dev.assize.server.model.TenantId;
import dev.assize.server.verification.PatrolRepository;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** How far ledgers are verified in the background. Time is the database's, the same for every node. */
final class PostgresPatrolRepository implements PatrolRepository {

    private static final String SIGNER = "~anchor";

    /** A lease that ends later than any lease does was not given by a node. */
    private static final String LEASE = "INSERT INTO assize.ledger_patrol AS p (tenant_id, note, leased_until)"
            + " VALUES (?, '', now() + ? * interval '1 millisecond') ON CONFLICT (tenant_id) DO UPDATE"
            + " SET leased_until = excluded.leased_until WHERE p.leased_until <= now()"
            + " OR p.leased_until > now() + interval '1 hour' RETURNING note";

    private static final String KEEP = "UPDATE assize.ledger_patrol SET note = ?,"
            + " leased_until = now() + ? * interval '1 millisecond' WHERE tenant_id = ?";

    private final Database database;

    @Inject
    PostgresPatrolRepository(Database database) {
        this.database = database;
    }

    @Override
    public Set<TenantId> ledgers() {
        return database.inSnapshot(SIGNER, transaction -> {
            Set<TenantId> ledgers = new HashSet<>();
            try (PreparedStatement statement =
                            transaction.connection().prepareStatement("SELECT tenant_id FROM assize.ledger_head");
                    ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    ledgers.add(new TenantId(row.getString(1)));
                }
            }
            return ledgers;
        });
    }

    @Override
    public Map<TenantId, String> kept() {
        return database.inSnapshot(SIGNER, transaction -> {
            Map<TenantId, String> notes = new HashMap<>();
            try (PreparedStatement statement = transaction
                            .connection()
                            .prepareStatement("SELECT tenant_id, note FROM assize.ledger_patrol");
                    ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    notes.put(new TenantId(row.getString(1)), row.getString(2));
                }
            }
            return notes;
        });
    }

    @Override
    public Optional<String> lease(TenantId ledger, Duration length) {
        return database.inTransaction(SIGNER, transaction -> {
            try (PreparedStatement statement = transaction.connection().prepareStatement(LEASE)) {
                statement.setString(1, ledger.value());
                statement.setLong(2, length.toMillis());
                try (ResultSet row = statement.executeQuery()) {
                    return row.next() ? Optional.of(row.getString(1)) : Optional.<String>empty();
                }
            }
        });
    }

    @Override
    public void keep(TenantId ledger, String note, Duration length) {
        int _ = database.inTransaction(SIGNER, transaction -> {
            try (PreparedStatement statement = transaction.connection().prepareStatement(KEEP)) {
                return write(statement, ledger, note, length);
            }
        });
    }

    private static int write(PreparedStatement statement, TenantId ledger, String note, Duration length)
            throws SQLException {
        statement.setString(1, note);
        statement.setLong(2, length.toMillis());
        statement.setString(3, ledger.value());
        return statement.executeUpdate();
    }
}
