package dev.assize.server.storage;

import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;

/**
 * Alters a stored entry behind Assize's back, as somebody could who owns the database: only to show that verification
 * notices. It has a connection of its own; the role that serves may not do this, nothing that serves reaches this
 * class, and the tour is all that uses it.
 */
public final class TamperingDemonstration {

    private final DatabaseAccess owner;
    private final String tenant;
    private final long seq;

    public TamperingDemonstration(DatabaseAccess owner, String tenant, long seq) {
        this.owner = owner;
        this.tenant = tenant;
        this.seq = seq;
    }

    /** The entry's frame as it is stored. */
    public byte[] frame() {
        return inTenant(connection -> {
            try (PreparedStatement query = connection.prepareStatement(
                    "SELECT frame FROM assize.ledger_entry WHERE tenant_id = ? AND seq = ?")) {
                query.setString(1, tenant);
                query.setLong(2, seq);
                try (ResultSet row = query.executeQuery()) {
                    if (!row.next()) {
                        throw new StorageException("there is no entry " + seq + " in the ledger of " + tenant);
                    }
                    return row.getBytes(1);
                }
            }
        });
    }

    /** Puts another actor, of equally many bytes, into a frame. */
    public static byte[] withActor(byte[] frame, String actor, String other) {
        String bytes = new String(frame, StandardCharsets.ISO_8859_1);
        if (actor.length() != other.length() || !bytes.contains(actor)) {
            throw new IllegalArgumentException(actor + " cannot become " + other);
        }
        return bytes.replace(actor, other).getBytes(StandardCharsets.ISO_8859_1);
    }

    /** Overwrites the frame, and the column by which it is found. */
    public void overwrite(byte[] frame, String actor) {
        int rows = inTenant(connection -> {
            try (PreparedStatement update = connection.prepareStatement(
                    "UPDATE assize.ledger_entry SET frame = ?, actor = ? WHERE tenant_id = ? AND seq = ?")) {
                update.setBytes(1, frame);
                update.setString(2, actor);
                update.setString(3, tenant);
                update.setLong(4, seq);
                return update.executeUpdate();
            }
        });
        if (rows != 1) {
            throw new StorageException("there is no entry " + seq + " in the ledger of " + tenant);
        }
    }

    private <T> T inTenant(Statements<T> statements) {
        try (Connection connection = DriverManager.getConnection(owner.url(), owner.user(), owner.password())) {
            connection.setAutoCommit(false);
            try (PreparedStatement tenantOnly =
                    connection.prepareStatement("SELECT set_config('assize.tenant', ?, true)")) {
                tenantOnly.setString(1, tenant);
                tenantOnly.execute();
            }
            T result = statements.run(connection);
            connection.commit();
            return result;
        } catch (SQLException failure) {
            throw new StorageException("the tampering itself fails: " + Reasons.of(failure), failure);
        }
    }

    private interface Statements<T> {
        T run(Connection connection) throws SQLException;
    }
}
