package dev.assize.server.storage;

import dev.assize.server.storage.Trip.Fill;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jooq.DSLContext;
import org.jooq.SQLDialect;
import org.jooq.impl.DSL;
import org.jspecify.annotations.Nullable;

/**
 * A database transaction that works for one tenant at a time: row-level security shows it that tenant's rows only. The
 * name ends with the transaction, so a pooled connection never carries one tenant's name into another's request, also
 * behind a pooler that changes connections between transactions.
 */
final class TenantTransaction implements AutoCloseable {

    private static final String NAME = "SELECT set_config('assize.tenant', ?, true)";
    private static final String BEGIN = NAME
            + ", set_config('statement_timeout', ?, true), set_config('idle_in_transaction_session_timeout', ?, true)";

    /**
     * A prepared statement may keep the plan it got when its tables were nearly empty, and then reading all of a table, or
     * all of a tenant, is the cheapest. Every append paid for that until the next ANALYZE, ten times what planning costs.
     */
    private static final String BEGIN_WRITING = BEGIN + ", set_config('plan_cache_mode', 'force_custom_plan', true)";

    /**
     * What is the same each time is planned once: by an index, also while the table is so small that it needs none. It waits
     * for nobody: who has inserted an entry behind a head that he does not hold, and waits for the head, may keep waiting
     * who holds it and inserts the same.
     */
    private static final String BEGIN_KNOWN = BEGIN
            + ", set_config('plan_cache_mode', 'force_generic_plan', true), set_config('enable_seqscan', 'off', true),"
            + " set_config('lock_timeout', '50', true)";

    /** What is read again and again keeps its plan, too: by an index, also where it was made while there was nothing to read. */
    private static final String BEGIN_READING = BEGIN + ", set_config('enable_seqscan', 'off', true)";

    private static final String IN_ORDER =
            "SELECT set_config('enable_bitmapscan', 'off', true), set_config('enable_sort', 'off', true)";

    /** Neither of the other two timeouts runs while the server waits for the rest of what a client is sending. */
    private static final String LIMIT = ", set_config('transaction_timeout', ?, true)";

    static final String COMMIT = "COMMIT";

    private final Connection connection;
    private String scopeKey;
    private boolean abandoned;
    private boolean committed;

    private TenantTransaction(Connection connection, String scopeKey) {
        this.connection = connection;
        this.scopeKey = scopeKey;
    }

    /** Begins on a connection that does not commit by itself, and takes care of it. */
    static TenantTransaction begin(
            Connection connection, Mode mode, String scopeKey, Duration statementTimeout, Duration idleTimeout)
            throws SQLException {
        return begin(connection, mode, scopeKey, statementTimeout, idleTimeout, null, new Trip());
    }

    /**
     * The same, with the transaction's first statements in the same round trip.
     *
     * @param limit of the whole transaction, for servers that know one; null for none
     */
    static TenantTransaction begin(
            Connection connection,
            Mode mode,
            String scopeKey,
            Duration statementTimeout,
            Duration idleTimeout,
            @Nullable Duration limit,
            Trip opening)
            throws SQLException {
        Trip isolation = new Trip();
        mode.isolation.ifPresent(sql -> isolation.then(sql, parameters -> {}));
        return begin(connection, mode, isolation, scopeKey, statementTimeout, idleTimeout, limit, opening);
    }

    /** Names the moment that this snapshot sees, for as long as it is open. */
    String moment() throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("SELECT pg_export_snapshot()")) {
            row.next();
            return row.getString(1);
        }
    }

    /** Begins a snapshot of a moment that another one has named. */
    static TenantTransaction beginAt(String moment, Connection connection, String scopeKey, Duration patience)
            throws SQLException {
        Trip isolation = new Trip()
                .then(Mode.SNAPSHOT.isolation.orElseThrow(), parameters -> {})
                .then("SET TRANSACTION SNAPSHOT '" + moment + "'", parameters -> {});
        return begin(connection, Mode.SNAPSHOT, isolation, scopeKey, patience, patience, null, new Trip());
    }

    private static TenantTransaction begin(
            Connection connection,
            Mode mode,
            Trip isolation,
            String scopeKey,
            Duration statementTimeout,
            Duration idleTimeout,
            @Nullable Duration limit,
            Trip opening)
            throws SQLException {
        TenantTransaction transaction = new TenantTransaction(connection, scopeKey);
        Trip trip = new Trip().then(isolation);
        trip.query(
                limit == null ? mode.begin : mode.begin + LIMIT,
                parameters -> {
                    parameters.text(scopeKey);
                    parameters.text(Long.toString(statementTimeout.toMillis()));
                    parameters.text(Long.toString(idleTimeout.toMillis()));
                    if (limit != null) {
                        parameters.text(Long.toString(limit.toMillis()));
                    }
                },
                answer -> requireOwn(answer, scopeKey));
        try {
            trip.then(opening).run(connection);
        } catch (SQLException | RuntimeException e) {
            transaction.closeAfter(e);
            throw e;
        }
        return transaction;
    }

    /**
     * Where an answer was left unread each statement would be told that of the one before it: that it is durable, too. The
     * first answer of a transaction says whether it is its own, and no trip is believed before.
     */
    private static void requireOwn(ResultSet answer, String scopeKey) throws SQLException {
        if (!answer.next() || !scopeKey.equals(answer.getString(1))) {
            throw Trip.anothersAnswer();
        }
    }

    /**
     * From here on rows that are asked for in the order of an index are read in that order. Where many tenants share a table, it
     * would seem cheaper to gather them in the order of pages and to sort them: what is known of an index says how tenants lie,
     * and not how the rows of one do.
     */
    static void keepIndexOrder(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(IN_ORDER);
        }
    }

    /** From here on the transaction works for another tenant, or for the platform. */
    void actFor(String other) throws SQLException {
        if (other.equals(scopeKey)) {
            return;
        }
        try (PreparedStatement statement = connection.prepareStatement(NAME)) {
            statement.setString(1, other);
            statement.execute();
        }
        scopeKey = other;
    }

    /** Whose rows it sees. */
    String scopeKey() {
        return scopeKey;
    }

    /**
     * Typed SQL within this transaction. Its library is a tenth of all classes that a server would have, so what every server
     * does from its start on is plain SQL, and only who asks for this loads it.
     */
    DSLContext sql() {
        return DSL.using(connection, SQLDialect.POSTGRES);
    }

    /** The rows that a plain query answers, in its order. */
    <R> List<R> read(String query, Fill fill, Row<R> row) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(query)) {
            fill.fill(new StatementArrays(statement));
            try (ResultSet rows = statement.executeQuery()) {
                List<R> read = new ArrayList<>();
                while (rows.next()) {
                    read.add(row.read(rows));
                }
                return read;
            }
        }
    }

    /** The one row that a plain query answers; empty where it answers none. */
    <R> Optional<R> find(String query, Fill fill, Row<R> row) throws SQLException {
        List<R> found = read(query, fill, row);
        if (found.size() > 1) {
            throw new IllegalStateException(found.size() + " rows where there is one at most: " + query);
        }
        return found.stream().findFirst();
    }

    /** Carries out a plain statement, and says how many rows it wrote. */
    int write(String statement, Fill fill) throws SQLException {
        try (PreparedStatement prepared = connection.prepareStatement(statement)) {
            fill.fill(new StatementArrays(prepared));
            return prepared.executeUpdate();
        }
    }

    /** Plain SQL within this transaction. */
    Connection connection() {
        return connection;
    }

    /** Nothing that was done is to be kept, though nothing failed. */
    void abandon() {
        abandoned = true;
    }

    /** Makes what was done durable, unless it was abandoned. */
    void commit() throws SQLException {
        if (!abandoned) {
            connection.commit();
            committed = true;
        }
    }

    /** Carries out the last statements, and commits in the same round trip; where one of them fails nothing is kept. */
    void commitBehind(Trip last) throws SQLException {
        try (Trip.Ready ending = readyToCommitBehind(last)) {
            ending.run();
        }
    }

    /** The same, but that it is not sent yet. */
    Trip.Ready readyToCommitBehind(Trip last) throws SQLException {
        return new Trip().then(last).then(COMMIT, parameters -> {}).ready(connection);
    }

    /** Undoes what was not committed, and gives the connection back. */
    @Override
    public void close() throws SQLException {
        try (connection) {
            if (!committed) {
                connection.rollback();
            }
        }
    }

    /** A broken connection cannot be rolled back either; what broke it is what matters. */
    private void closeAfter(Exception failure) {
        try {
            if (failure instanceof SQLException told && Trip.PROTOCOL_VIOLATION.equals(told.getSQLState())) {
                // The pool would hand it to the next.
                connection.abort(Runnable::run);
            }
            close();
        } catch (SQLException e) {
            failure.addSuppressed(e);
        }
    }

    /** What a transaction sees and may do. */
    enum Mode {
        /** Each statement sees what is committed by then; row locks do the rest. */
        WRITE(Optional.empty(), BEGIN_WRITING),
        /** The same for statements that are the same each time. */
        KNOWN(Optional.empty(), BEGIN_KNOWN),
        /** All statements see one moment. */
        SNAPSHOT(Optional.of("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"), BEGIN_READING);

        private final Optional<String> isolation;
        private final String begin;

        Mode(Optional<String> isolation, String begin) {
            this.isolation = isolation;
            this.begin = begin;
        }
    }

    /** What is made of the row at which an answer stands. */
    @FunctionalInterface
    interface Row<R> {
        R read(ResultSet row) throws SQLException;
    }

    /** What is done in a transaction. */
    @FunctionalInterface
    interface Work<T extends @Nullable Object> {
        T run(TenantTransaction transaction) throws SQLException;
    }
}
