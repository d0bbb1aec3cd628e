package dev.assize.server.storage;

import com.google.inject.Inject;
import dev.assize.server.administration.ExpiredWaits;
import dev.assize.server.model.PolicyScope;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Timestamp;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/** Looks through the indexes of what has not ended. It works for `~expiry`, which sees that of every tenant. */
final class PostgresExpiredWaits implements ExpiredWaits {

    private static final String EXPIRY = "~expiry";

    private static final String ALL =
            "(SELECT 'APPROVAL', tenant_id, approval_id, open_until FROM assize.approval_request"
                    + " WHERE ended IS NULL AND open_until <= ?) UNION ALL (SELECT 'PROPOSAL', scope_key, proposal_id, expires_at"
                    + " FROM assize.policy_proposal WHERE ended IS NULL AND expires_at <= ?)";

    /** One of each tenant before the second of any: where one's cannot be recorded, the others' are. */
    private static final String FIND = "SELECT kind, scope, id FROM (SELECT *, row_number() OVER"
            + " (PARTITION BY scope ORDER BY until, id) AS place FROM (" + ALL
            + ") AS waits (kind, scope, id, until)) AS placed ORDER BY place, until, scope, id LIMIT ?";

    private final Database database;

    @Inject
    PostgresExpiredWaits(Database database) {
        this.database = database;
    }

    @Override
    public List<Wait> find(Instant by, int limit) {
        return database.inSnapshot(EXPIRY, transaction -> {
            try (PreparedStatement statement = transaction.connection().prepareStatement(FIND)) {
                statement.setTimestamp(1, Timestamp.from(by));
                statement.setTimestamp(2, Timestamp.from(by));
                statement.setInt(3, limit);
                return read(statement);
            }
        });
    }

    private static List<Wait> read(PreparedStatement statement) throws SQLException {
        List<Wait> found = new ArrayList<>();
        try (ResultSet row = statement.executeQuery()) {
            while (row.next()) {
                found.add(new Wait(
                        Type.valueOf(row.getString(1)), PolicyScope.ofKey(row.getString(2)), row.getString(3)));
            }
        }
        return found;
    }
}
