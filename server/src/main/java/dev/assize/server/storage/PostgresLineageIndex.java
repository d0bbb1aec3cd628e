package dev.assize.server.storage;

import com.google.inject.Inject;
import dev.assize.server.audit.Outcome;
import dev.assize.server.lineage.LineageIndex;
import dev.assize.server.model.Environment;
import dev.assize.server.model.TenantId;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** Finds lineage by the table beside the entries: each question descends an index once for each record or span. */
final class PostgresLineageIndex implements LineageIndex {

    private static final String LAST_BY =
            "SELECT seq FROM assize.ledger_entry WHERE tenant_id = ? AND seq < (SELECT assize.ledger_seq_at(?, ?, true))"
                    + " ORDER BY seq DESC LIMIT 1";

    /** What counts as done: whole, or in part. */
    private static final String DONE = " AND l.outcome IN (1, 4)";

    private static final String SCOPE = " l.tenant_id = ? AND l.seq <= ? AND (?::text[] IS NULL OR l.env = ANY (?))";

    private static final String ACCESSES = "SELECT e.seq, e.recorded_at, x.read, x.written, e.type, e.actor, e.action,"
            + " e.resource, e.env, e.outcome, e.run_id FROM (SELECT seq, recorded_at, bool_or(kind = 1) AS read,"
            + " bool_or(kind = 2) AS written FROM ("
            + one(LineageRow.READ) + " UNION ALL " + one(LineageRow.WRITTEN)
            + ") AS k GROUP BY seq, recorded_at ORDER BY seq DESC LIMIT ?) AS x,"
            // One by one: each is in the month of its time, and a join of all would read all of every month.
            + " LATERAL (SELECT * FROM assize.ledger_entry i WHERE i.tenant_id = ? AND i.seq = x.seq"
            + " AND i.recorded_at = x.recorded_at LIMIT 1) AS e ORDER BY e.seq DESC";

    private static final String TOUCHES = "SELECT u.uri, t.seq, t.run_id FROM unnest(?::text[]) AS u (uri), LATERAL ("
            + "SELECT DISTINCT ON (l.seq) l.seq, l.run_id FROM assize.ledger_lineage l WHERE" + SCOPE + DONE
            + " AND l.kind = ? AND l.uri = u.uri ORDER BY l.seq DESC LIMIT ?) AS t";

    private static final String WITHIN_RUNS = "SELECT s.at, t.uri, t.seq FROM unnest(?::int[], ?::text[], ?::bigint[],"
            + " ?::bigint[]) AS s (at, run_id, from_seq, to_seq), LATERAL (SELECT l.uri, l.seq FROM assize.ledger_lineage"
            + " l WHERE" + SCOPE + DONE
            + " AND l.kind = ? AND l.run_id = s.run_id AND l.seq BETWEEN s.from_seq AND s.to_seq"
            + " ORDER BY l.seq DESC LIMIT ?) AS t";

    private static final String WITHIN_ENTRIES = "SELECT s.at, l.uri, l.seq"
            + " FROM unnest(?::int[], ?::text[], ?::bigint[], ?::bigint[]) AS s (at, run_id, from_seq, to_seq)"
            + " JOIN assize.ledger_lineage l ON l.seq = s.from_seq AND" + SCOPE + DONE + " AND l.kind = ?";

    private final Database database;

    @Inject
    PostgresLineageIndex(Database database) {
        this.database = database;
    }

    /** The newest entries that list a record in one way. */
    private static String one(int kind) {
        return "(SELECT DISTINCT ON (l.seq) l.seq, l.recorded_at, l.kind FROM assize.ledger_lineage l WHERE" + SCOPE
                + " AND l.kind = " + kind + " AND l.uri = ? ORDER BY l.seq DESC LIMIT ?)";
    }

    @Override
    public Optional<Long> lastSeq(TenantId tenant, @Nullable Instant asOf) {
        return database.inSnapshot(tenant.value(), transaction -> {
            if (asOf == null) {
                return LedgerWriter.head(transaction, tenant)
                        .map(row -> row.head().size() - 1);
            }
            try (PreparedStatement statement = transaction.connection().prepareStatement(LAST_BY)) {
                statement.setString(1, tenant.value());
                statement.setString(2, tenant.value());
                Times.write(statement, 3, asOf);
                try (ResultSet row = statement.executeQuery()) {
                    return row.next() ? Optional.of(row.getLong(1)) : Optional.<Long>empty();
                }
            }
        });
    }

    @Override
    public List<Access> accesses(Scope scope, String uri, int limit) {
        return find(
                scope,
                ACCESSES,
                arrays -> {
                    for (int kind = 0; kind < 2; kind++) {
                        set(arrays, scope);
                        arrays.text(uri);
                        arrays.number(limit);
                    }
                    arrays.number(limit);
                    arrays.text(scope.tenant().value());
                },
                row -> new Access(
                        row.getLong(1),
                        Times.read(row, 2),
                        row.getBoolean(3),
                        row.getBoolean(4),
                        text(row, 5),
                        text(row, 6),
                        text(row, 7),
                        text(row, 8),
                        text(row, 9),
                        Outcome.ofNumber(row.getInt(10)),
                        row.getString(11)));
    }

    @Override
    public List<Touch> touches(Scope scope, Kind kind, List<String> uris, int limitEach) {
        return find(
                scope,
                TOUCHES,
                arrays -> {
                    arrays.texts(uris, uri -> uri);
                    set(arrays, scope);
                    arrays.number(number(kind));
                    arrays.number(limitEach);
                },
                row -> new Touch(row.getString(1), row.getLong(2), row.getString(3)));
    }

    @Override
    public List<Found> within(Scope scope, Kind kind, List<Span> spans, int limitEach) {
        List<Found> found = new ArrayList<>(find(
                scope,
                WITHIN_RUNS,
                arrays -> {
                    set(arrays, spans, true);
                    set(arrays, scope);
                    arrays.number(number(kind));
                    arrays.number(limitEach);
                },
                PostgresLineageIndex::found));
        found.addAll(find(
                scope,
                WITHIN_ENTRIES,
                arrays -> {
                    set(arrays, spans, false);
                    set(arrays, scope);
                    arrays.number(number(kind));
                },
                PostgresLineageIndex::found));
        return found;
    }

    private static Found found(ResultSet row) throws SQLException {
        return new Found(row.getInt(1), row.getString(2), row.getLong(3));
    }

    private static void set(StatementArrays arrays, Scope scope) throws SQLException {
        List<String> envs = scope.envs().stream().map(Environment::value).toList();
        arrays.text(scope.tenant().value());
        arrays.longNumber(scope.toSeq());
        arrays.textsOrNull(envs);
        arrays.textsOrNull(envs);
    }

    /** Those of runs, or the others. */
    private static void set(StatementArrays arrays, List<Span> spans, boolean ofRuns) throws SQLException {
        List<Integer> wanted = IntStream.range(0, spans.size())
                .filter(i -> (spans.get(i).runId() != null) == ofRuns)
                .boxed()
                .toList();
        arrays.numbers("int4", wanted, i -> Integer.toString(i));
        arrays.texts(wanted, i -> spans.get(i).runId());
        arrays.longs(wanted, i -> spans.get(i).fromSeq());
        arrays.longs(wanted, i -> spans.get(i).toSeq());
    }

    private static int number(Kind kind) {
        return switch (kind) {
            case READ -> LineageRow.READ;
            case WRITTEN -> LineageRow.WRITTEN;
        };
    }

    private static String text(ResultSet row, int column) throws SQLException {
        String text = row.getString(column);
        return text == null ? "" : text;
    }

    private <T> List<T> find(Scope scope, String query, Parameters parameters, Row<T> reader) {
        return database.inSnapshot(scope.tenant().value(), transaction -> {
            List<T> found = new ArrayList<>();
            try (PreparedStatement statement = transaction.connection().prepareStatement(query)) {
                parameters.set(new StatementArrays(statement));
                try (ResultSet row = statement.executeQuery()) {
                    while (row.next()) {
                        found.add(reader.read(row));
                    }
                }
            }
            return found;
        });
    }

    private interface Parameters {
        void set(StatementArrays arrays) throws SQLException;
    }

    private interface Row<T> {
        T read(ResultSet row) throws SQLException;
    }
}
