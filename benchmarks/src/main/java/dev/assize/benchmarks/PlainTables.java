package dev.assize.benchmarks;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Arrays;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.LongStream;

/** What a ledger is compared with: writes to plain tables of the same server, and a plain cursor over the ledger's rows. */
final class PlainTables {

    /** Rows of one statement. */
    static final int BATCH = 400;

    private PlainTables() {}

    /** An insert and a commit. */
    static Operation insert(AppendRig rig) throws SQLException {
        Connection connection = connect(rig);
        PreparedStatement insert = connection.prepareStatement("INSERT INTO assize.plain (frame, hash) VALUES (?, ?)");
        insert.setBytes(1, rig.frame());
        insert.setBytes(2, new byte[32]);
        return new Operation(
                () -> {
                    insert.executeUpdate();
                    connection.commit();
                    return 1;
                },
                connection);
    }

    /** Appends one by one, as one writes it first: lock the head, insert behind it, move it, commit. */
    static Operation chained(AppendRig rig) throws SQLException, NoSuchAlgorithmException {
        Connection connection = connect(rig);
        PreparedStatement lock = connection.prepareStatement(
                "SELECT size, hash FROM assize.plain_head WHERE tenant = 'bench' FOR UPDATE");
        PreparedStatement insert =
                connection.prepareStatement("INSERT INTO assize.plain_chain (seq, frame, hash) VALUES (?, ?, ?)");
        PreparedStatement move =
                connection.prepareStatement("UPDATE assize.plain_head SET size = ?, hash = ? WHERE tenant = 'bench'");
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        byte[] frame = rig.frame();
        return new Operation(
                () -> {
                    long size;
                    try (ResultSet head = lock.executeQuery()) {
                        head.next();
                        size = head.getLong(1);
                        digest.update(head.getBytes(2));
                    }
                    byte[] hash = digest.digest(frame);
                    insert.setLong(1, size);
                    insert.setBytes(2, frame);
                    insert.setBytes(3, hash);
                    insert.executeUpdate();
                    move.setLong(1, size + 1);
                    move.setBytes(2, hash);
                    move.executeUpdate();
                    connection.commit();
                    return 1;
                },
                connection);
    }

    static Operation batches(AppendRig rig) throws SQLException {
        Connection connection = connect(rig);
        PreparedStatement insert = connection.prepareStatement(
                "INSERT INTO assize.plain (frame, hash) SELECT * FROM unnest(?::bytea[], ?::bytea[])");
        byte[][] frames = timesBatch(rig.frame());
        byte[][] hashes = timesBatch(new byte[32]);
        return new Operation(
                () -> {
                    Array frameArray = connection.createArrayOf("bytea", frames);
                    Array hashArray = connection.createArrayOf("bytea", hashes);
                    insert.setArray(1, frameArray);
                    insert.setArray(2, hashArray);
                    insert.executeUpdate();
                    connection.commit();
                    return 1;
                },
                connection);
    }

    /** All that the ledger keeps of an entry and its key: what is the same in each row is in the statement. */
    static Operation wideBatches(AppendRig rig) throws SQLException {
        Connection connection = connect(rig);
        long first;
        try (Statement statement = connection.createStatement();
                ResultSet next = statement.executeQuery("SELECT coalesce(max(seq) + 1, 0) FROM assize.plain_entry")) {
            next.next();
            first = next.getLong(1);
        }
        PreparedStatement entries = connection.prepareStatement("INSERT INTO assize.plain_entry SELECT 'bench', r.seq,"
                + " now(), r.frame, r.hash, 1, 'service:bench', 'bench', 'replay.executed', 'replay',"
                + " 'service:replay', 'operator', 'execute', 'replay:922', 'staging', 'run-4711'"
                + " FROM unnest(?::bigint[], ?::bytea[], ?::bytea[]) AS r (seq, frame, hash)");
        PreparedStatement answers = connection.prepareStatement("INSERT INTO assize.plain_answer SELECT 'bench',"
                + " 'bench', 'service:bench', r.key, r.hash, r.seq, 1, now()"
                + " FROM unnest(?::text[], ?::bytea[], ?::bigint[]) AS r (key, hash, seq)");
        byte[][] frames = timesBatch(rig.frame());
        byte[][] hashes = timesBatch(new byte[32]);
        AtomicLong next = new AtomicLong(first);
        return new Operation(
                () -> {
                    long from = next.getAndAdd(BATCH);
                    Array seqs = connection.createArrayOf(
                            "int8", LongStream.range(from, from + BATCH).boxed().toArray());
                    Array keys = connection.createArrayOf(
                            "text",
                            LongStream.range(from, from + BATCH)
                                    .mapToObj(Long::toString)
                                    .toArray());
                    Array hashArray = connection.createArrayOf("bytea", hashes);
                    entries.setArray(1, seqs);
                    entries.setArray(2, connection.createArrayOf("bytea", frames));
                    entries.setArray(3, hashArray);
                    entries.executeUpdate();
                    answers.setArray(1, keys);
                    answers.setArray(2, hashArray);
                    answers.setArray(3, seqs);
                    answers.executeUpdate();
                    connection.commit();
                    return 1;
                },
                connection);
    }

    /** Reads all columns of so many rows as one writes it: a cursor, row by row. */
    static long cursor(AppendRig rig, long most) throws SQLException {
        try (Connection connection = rig.connect()) {
            connection.setAutoCommit(false);
            long rows = 0;
            long values = 0;
            try (Statement statement = connection.createStatement()) {
                statement.execute("SELECT set_config('assize.tenant', '" + AppendRig.TENANT + "', true)");
                statement.setFetchSize(500);
                try (ResultSet row = statement.executeQuery("SELECT * FROM assize.ledger_entry WHERE tenant_id = '"
                        + AppendRig.TENANT + "' AND seq < " + most + " ORDER BY seq")) {
                    int columns = row.getMetaData().getColumnCount();
                    while (row.next()) {
                        for (int column = 1; column <= columns; column++) {
                            values += row.getObject(column) == null ? 0 : 1;
                        }
                        rows++;
                    }
                }
            }
            if (values < rows) {
                throw new IllegalStateException("Nothing was read");
            }
            return rows;
        }
    }

    /** One caller's way to do it once. */
    record Operation(Callable<?> once, AutoCloseable end) {

        static Operation of(Callable<?> once) {
            return new Operation(once, () -> {});
        }
    }

    /** Commits when it is told to. */
    private static Connection connect(AppendRig rig) throws SQLException {
        Connection connection = rig.connect();
        connection.setAutoCommit(false);
        return connection;
    }

    private static byte[][] timesBatch(byte[] value) {
        byte[][] values = new byte[BATCH][];
        Arrays.fill(values, value);
        return values;
    }
}
