package dev.assize.server.storage;

import com.google.inject.Inject;
import dev.assize.server.audit.Outcome;
import dev.assize.server.decision.HistorySource;
import dev.assize.server.model.Action;
import dev.assize.server.model.Calendar;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import java.sql.Array;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Optional;
import java.util.Set;

/**
 * What the ledger's entries show to have been done, by their columns, as it is committed; in the middle of an append
 * also what that has written. Of entries that were pruned that much is kept.
 *
 * <p>For each action the first entry is the first that the index by resource, actor, action and falling `-seq` has; the
 * order is of `-seq` since that index alone has it. Told to stop at the first by `seq`, PostgreSQL would rather walk the
 * whole ledger by position.
 *
 * <p>Each month of the ledger up to the moment asked about is looked at: what was done counts however long ago it was, so
 * no month before may be left out. That is one descent of the index for each action and month that a ledger has.
 */
final class PostgresHistorySource implements HistorySource {

    /** Under its own name, and under its pseudonym. */
    private static final String NAMES = "(SELECT ?::text UNION ALL SELECT p.pseudonym FROM assize.ledger_pseudonym p"
            + " WHERE p.tenant_id = ? AND p.subject = ?)";

    static final String FIRST = "SELECT done.action, done.seq, done.recorded_at FROM unnest(?) AS named (action), "
            + NAMES + " AS who (actor),"
            + " LATERAL (SELECT action, seq, recorded_at FROM assize.ledger_entry WHERE tenant_id = ? AND resource = ?"
            + " AND actor = who.actor AND action = named.action"
            + " AND outcome IN (" + Outcome.SUCCESS.number() + ", " + Outcome.PARTIAL.number() + ")"
            + " AND recorded_at <= ? ORDER BY -seq DESC LIMIT 1) AS done ORDER BY done.seq LIMIT 1";

    /** What was kept of entries that were pruned stands before all that are left. */
    private static final String FIRST_OF_ALL = "(" + FIRST + ") UNION ALL (SELECT action, seq, recorded_at"
            + " FROM assize.ledger_past_action WHERE tenant_id = ? AND resource = ? AND actor IN " + NAMES
            + " AND action = ANY (?)"
            + " AND recorded_at <= ? ORDER BY seq LIMIT 1) ORDER BY seq LIMIT 1";

    private final Database database;

    @Inject
    PostgresHistorySource(Database database) {
        this.database = database;
    }

    @Override
    public Optional<Performed> firstPerformed(
            TenantId tenant, Subject actor, ResourcePath resource, Set<Action> actions, Instant until) {
        if (actions.isEmpty()) {
            return Optional.empty();
        }
        return database.inSnapshot(tenant.value(), transaction -> {
            try (PreparedStatement statement = transaction.connection().prepareStatement(FIRST_OF_ALL)) {
                Array named = transaction
                        .connection()
                        .createArrayOf(
                                "text", actions.stream().map(Action::value).toArray());
                Instant last = Calendar.atMostLast(until).truncatedTo(ChronoUnit.MICROS);
                statement.setArray(1, named);
                names(statement, 2, tenant, actor);
                statement.setString(5, tenant.value());
                statement.setString(6, resource.value());
                Times.write(statement, 7, last);
                statement.setString(8, tenant.value());
                statement.setString(9, resource.value());
                names(statement, 10, tenant, actor);
                statement.setArray(13, named);
                Times.write(statement, 14, last);
                return first(statement);
            }
        });
    }

    private static void names(PreparedStatement statement, int from, TenantId tenant, Subject actor)
            throws SQLException {
        statement.setString(from, actor.toString());
        statement.setString(from + 1, tenant.value());
        statement.setString(from + 2, actor.toString());
    }

    private static Optional<Performed> first(PreparedStatement statement) throws SQLException {
        try (ResultSet row = statement.executeQuery()) {
            return row.next()
                    ? Optional.of(new Performed(new Action(row.getString(1)), row.getLong(2), Times.read(row, 3)))
                    : Optional.empty();
        }
    }
}
