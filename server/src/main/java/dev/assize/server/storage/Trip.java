package dev.assize.server.storage;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;

/**
 * Statements that are sent together and carried out one after the other: one round trip for all of them. Each sees what
 * is committed when it is its turn, as it would by itself; behind one that fails none is carried out.
 */
final class Trip {

    static final String PROTOCOL_VIOLATION = "08P01";

    private final List<String> statements = new ArrayList<>();
    private final List<Fill> fills = new ArrayList<>();
    private final List<Read> reads = new ArrayList<>();

    /** Adds a statement whose answer nobody needs. */
    Trip then(String sql, Fill fill) {
        return add(sql, fill, result -> {});
    }

    /** Adds a statement that answers rows. */
    Trip query(String sql, Fill fill, Rows rows) {
        return add(sql, fill, result -> {
            try (ResultSet answer = result.getResultSet()) {
                if (answer == null) {
                    throw anothersAnswer();
                }
                rows.read(answer);
            }
        });
    }

    /** Adds what another trip has. */
    Trip then(Trip other) {
        statements.addAll(other.statements);
        fills.addAll(other.fills);
        reads.addAll(other.reads);
        return this;
    }

    void run(Connection connection) throws SQLException {
        if (statements.isEmpty()) {
            return;
        }
        try (Ready ready = ready(connection)) {
            ready.run();
        }
    }

    /** All but the sending, for who has something to wait for before that; there must be a statement. */
    Ready ready(Connection connection) throws SQLException {
        Ready ready = new Ready(connection.prepareStatement(String.join("; ", statements)), List.copyOf(reads));
        boolean filled = false;
        try {
            StatementArrays parameters = new StatementArrays(ready.statement);
            for (Fill fill : fills) {
                fill.fill(parameters);
            }
            filled = true;
            return ready;
        } finally {
            if (!filled) {
                ready.close();
            }
        }
    }

    /** What a connection is to be given up for. */
    static SQLException anothersAnswer() {
        return new SQLException("a statement was told the answer of another one", PROTOCOL_VIOLATION);
    }

    private Trip add(String sql, Fill fill, Read read) {
        statements.add(sql);
        fills.add(fill);
        reads.add(read);
        return this;
    }

    /** A trip that is written down and not sent. */
    static final class Ready implements AutoCloseable {

        private final PreparedStatement statement;
        private final List<Read> reads;

        private Ready(PreparedStatement statement, List<Read> reads) {
            this.statement = statement;
            this.reads = reads;
        }

        void run() throws SQLException {
            statement.execute();
            for (Read read : reads) {
                read.read(statement);
                statement.getMoreResults();
            }
        }

        @Override
        public void close() throws SQLException {
            statement.close();
        }
    }

    /** Fills in a statement's parameters. */
    @FunctionalInterface
    interface Fill {
        void fill(StatementArrays parameters) throws SQLException;
    }

    /** Reads the rows of an answer. */
    @FunctionalInterface
    interface Rows {
        void read(ResultSet rows) throws SQLException;
    }

    @FunctionalInterface
    private interface Read {
        void read(PreparedStatement result) throws SQLException;
    }
}
