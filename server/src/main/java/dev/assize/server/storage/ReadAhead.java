package dev.assize.server.storage;

import dev.assize.server.model.StoreUnavailableException;
import dev.assize.server.model.TenantId;
import java.nio.ByteBuffer;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadFactory;

/**
 * Rows that a thread of its own reads by a connection of its own, while whoever wants them is still busy with those
 * before: the database, the reading and the checking each go on for themselves. What is read and not taken has a bound.
 */
final class ReadAhead implements AutoCloseable {

    /** Positions of a statement: what it costs to plan one is shared by as many. */
    private static final int SLICE = 5_000;

    /** Rows that change threads together: to hand over costs more than to read a row. */
    private static final int PART_BYTES = 64 << 10;

    private static final int AHEAD_BYTES = 4 << 20;

    private final SecondReader connection;
    private final EntrySlices slices;
    private final BlockingQueue<Part> parts = new LinkedBlockingQueue<>();
    private final Semaphore room = new Semaphore(AHEAD_BYTES);
    private final Thread thread;
    private volatile boolean stopped;

    private ReadAhead(SecondReader connection, TenantId tenant, long fromSeq, long toSeq, ThreadFactory threads) {
        this.connection = connection;
        this.slices = new EntrySlices(connection.transaction().connection(), tenant, SLICE);
        this.thread = threads.newThread(() -> read(fromSeq, toSeq));
    }

    /** Begins to read; takes care of the connection. */
    static ReadAhead start(SecondReader connection, TenantId tenant, long fromSeq, long toSeq) throws SQLException {
        return start(
                connection,
                tenant,
                fromSeq,
                toSeq,
                Thread.ofPlatform().daemon().name("ledger-read-ahead").factory());
    }

    /** The same by a thread of somebody's; where it cannot be started, nobody else would give the connection back. */
    static ReadAhead start(SecondReader connection, TenantId tenant, long fromSeq, long toSeq, ThreadFactory threads)
            throws SQLException {
        boolean started = false;
        try {
            ReadAhead ahead = new ReadAhead(connection, tenant, fromSeq, toSeq, threads);
            ahead.thread.start();
            started = true;
            return ahead;
        } finally {
            if (!started) {
                connection.close();
            }
        }
    }

    /** Hands out everything, on this thread, until the sink wants no more. */
    void drainTo(EntrySlices.Sink sink) throws SQLException {
        boolean wanted = true;
        while (wanted) {
            switch (next()) {
                case Part.Rows(List<ByteBuffer> rows, int bytes) -> {
                    for (int i = 0; i < rows.size() && wanted; i++) {
                        wanted = sink.row(rows.get(i));
                    }
                    room.release(bytes);
                }
                case Part.End(long from, long to) -> wanted = sink.end(from, to);
                case Part.Failed(SQLException failure) -> throw failure;
                case Part.Died(Throwable cause) -> throw new IllegalStateException("Reading ahead died", cause);
                case Part.Done() -> wanted = false;
            }
        }
    }

    /** Ends the reading, and waits for that: the statement that is being carried out is read to its end. */
    @Override
    public void close() {
        stopped = true;
        room.release(AHEAD_BYTES);
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private Part next() {
        try {
            return parts.take();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new StoreUnavailableException("interrupted while reading", e);
        }
    }

    private void read(long fromSeq, long toSeq) {
        Part end;
        try (connection) {
            slices.read(fromSeq, toSeq, new Handing());
            end = new Part.Done();
        } catch (SQLException e) {
            end = new Part.Failed(e);
        } catch (Throwable e) {
            // Also errors: whoever waits for rows would wait for ever.
            end = new Part.Died(e);
        }
        parts.add(end);
    }

    /** Gathers rows into parts. Of the reading thread. */
    private final class Handing implements EntrySlices.Sink {

        private List<ByteBuffer> rows = new ArrayList<>();
        private int bytes;

        @Override
        public boolean row(ByteBuffer row) {
            rows.add(row);
            bytes += row.capacity();
            if (bytes >= PART_BYTES) {
                hand();
            }
            return !stopped;
        }

        @Override
        public boolean end(long from, long to) {
            hand();
            parts.add(new Part.End(from, to));
            return !stopped;
        }

        private void hand() {
            if (!rows.isEmpty()) {
                int taken = Math.min(bytes, AHEAD_BYTES);
                room.acquireUninterruptibly(taken);
                parts.add(new Part.Rows(rows, taken));
                rows = new ArrayList<>(rows.size());
                bytes = 0;
            }
        }
    }

    /** What one thread hands to the other. */
    private sealed interface Part {

        record Rows(List<ByteBuffer> rows, int bytes) implements Part {}

        record End(long from, long to) implements Part {}

        record Failed(SQLException failure) implements Part {}

        record Died(Throwable cause) implements Part {}

        record Done() implements Part {}
    }
}
