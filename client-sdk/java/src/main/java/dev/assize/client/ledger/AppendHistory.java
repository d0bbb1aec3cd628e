package dev.assize.client.ledger;

import static dev.assize.client.ledger.NotProvenException.require;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What those who append were told, to be held against what the ledger has in the end.
 *
 * <p>A ledger keeps its word if all acknowledgements fit one order, that of its positions: each operation stands where
 * its acknowledgement says and nowhere else, and no entry stands before one whose acknowledgement was there when it was
 * sent. What was sent and never acknowledged may stand there once, or not at all. Since the order is given, checking it
 * is one pass with the latest sending so far, instead of the search that linearizability takes in general (Wing and
 * Gong 1993).
 *
 * <p>Acknowledgements lie in a file by their positions, so that a history may be longer than memory; what is kept in
 * memory is a bit an operation. Safe for many threads.
 */
public final class AppendHistory implements AutoCloseable {

    private static final int RECORD_BYTES = 64;

    private final FileChannel file;
    private final long originNanos = System.nanoTime();
    private long acknowledged;

    private AppendHistory(FileChannel file) {
        this.file = file;
    }

    /** Begins one, in a new file; whoever names the file also removes it. */
    public static AppendHistory in(Path file) throws IOException {
        return new AppendHistory(FileChannel.open(
                file, StandardOpenOption.CREATE_NEW, StandardOpenOption.READ, StandardOpenOption.WRITE));
    }

    /** What {@link #acknowledged} is told of when something was sent or came: this process's own clock. */
    public long nowNanos() {
        return System.nanoTime() - originNanos;
    }

    /**
     * Notes an acknowledgement; also those of retries, which must say the same.
     *
     * @param sentNanos when the operation was first sent, by {@link #nowNanos}
     * @param acknowledgedNanos when it was first acknowledged
     */
    public synchronized void acknowledged(
            Operation operation, long sentNanos, long acknowledgedNanos, long seq, byte[] entryHash)
            throws NotProvenException, IOException {
        require(
                seq >= 0 && entryHash.length == Sha256.BYTES,
                operation + " was acknowledged with no position or no hash");
        Acknowledgement earlier = read(seq).orElse(null);
        long sent = sentNanos;
        long came = acknowledgedNanos;
        if (earlier == null) {
            acknowledged++;
        } else {
            require(
                    seq,
                    earlier.operation.equals(operation),
                    "entry " + seq + " was acknowledged to " + earlier.operation + " and to " + operation);
            require(
                    seq,
                    earlier.isOf(entryHash),
                    "entry " + seq + " was acknowledged to " + operation + " with two hashes");
            sent = Math.min(sent, earlier.sentNanos);
            came = Math.min(came, earlier.acknowledgedNanos);
        }
        write(seq, new Acknowledgement(operation, sent, came, entryHash));
    }

    /** How many operations have been acknowledged. */
    public synchronized long size() {
        return acknowledged;
    }

    /** Begins to hold it against a ledger; nothing may be acknowledged meanwhile. */
    public Check check() {
        return new Check();
    }

    @Override
    public void close() throws IOException {
        file.close();
    }

    private Optional<Acknowledgement> read(long seq) throws IOException {
        ByteBuffer record = ByteBuffer.allocate(RECORD_BYTES);
        while (record.hasRemaining()) {
            if (file.read(record, seq * RECORD_BYTES + record.position()) < 0) {
                if (record.position() > 0) {
                    throw new EOFException("the history's file is torn at position " + seq);
                }
                return Optional.empty();
            }
        }
        record.flip();
        int client = record.getInt();
        int number = record.getInt();
        if (client == 0) {
            return Optional.empty();
        }
        long sent = record.getLong();
        long came = record.getLong();
        byte[] hash = new byte[Sha256.BYTES];
        record.get(hash);
        return Optional.of(new Acknowledgement(new Operation(client - 1, number), sent, came, hash));
    }

    private void write(long seq, Acknowledgement acknowledgement) throws IOException {
        ByteBuffer record = ByteBuffer.allocate(RECORD_BYTES)
                .putInt(acknowledgement.operation.client + 1)
                .putInt(acknowledgement.operation.number)
                .putLong(acknowledgement.sentNanos)
                .putLong(acknowledgement.acknowledgedNanos)
                .put(acknowledgement.entryHash)
                .rewind();
        while (record.hasRemaining()) {
            file.write(record, seq * RECORD_BYTES + record.position());
        }
    }

    /**
     * What one client did as its so-manieth, and made one entry; the entry must tell it. Numbers of a client may have
     * gaps, and need not rise in the ledger.
     */
    public record Operation(int client, int number) {

        public Operation {
            if (client < 0 || client == Integer.MAX_VALUE || number < 0) {
                throw new IllegalArgumentException("client " + client + ", number " + number + ": expected 0 or more");
            }
        }

        /** As {@link #parse} reads it. */
        @Override
        public String toString() {
            return client + "." + number;
        }

        /** The operation that a text names; empty where it names none. */
        public static Optional<Operation> parse(String text) {
            int dot = text.indexOf('.');
            try {
                return dot < 0
                        ? Optional.empty()
                        : Optional.of(new Operation(
                                Integer.parseInt(text, 0, dot, 10),
                                Integer.parseInt(text, dot + 1, text.length(), 10)));
            } catch (IllegalArgumentException e) {
                return Optional.empty();
            }
        }
    }

    /** One pass over a ledger's entries, from its first to its last. Not for two threads. */
    public final class Check {

        private final Map<Integer, BitSet> seen = new HashMap<>();
        private long next;
        private long operations;
        private long met;
        private long lastSentNanos = Long.MIN_VALUE;
        private long lastSentSeq;

        /**
         * The next entry.
         *
         * @param operation what made it; empty where it was none of the history's clients
         */
        public void entry(long seq, byte[] entryHash, Optional<Operation> operation)
                throws NotProvenException, IOException {
            require(next, seq == next, "entry " + next + " is missing: entry " + seq + " follows");
            next++;
            Acknowledgement told = read(seq).orElse(null);
            require(
                    seq,
                    told == null || operation.filter(told.operation::equals).isPresent(),
                    "entry " + seq + " was acknowledged to " + name(told) + " and is that of "
                            + operation.map(Operation::toString).orElse("somebody else"));
            if (operation.isPresent()) {
                operations++;
                require(seq, isNew(operation.get()), "entry " + seq + " repeats " + operation.get());
            }
            if (told != null) {
                met++;
                require(seq, told.isOf(entryHash), "entry " + seq + " has another hash than was acknowledged");
                requireInOrder(seq, told);
            }
        }

        /** Ends it behind the last entry: what was acknowledged beyond is lost. */
        public Summary conclude() throws NotProvenException, IOException {
            long beyond = firstBeyond();
            require(
                    Math.max(beyond, 0),
                    beyond < 0,
                    "entry " + beyond + " was acknowledged, and the ledger ends with " + next + " entries");
            return new Summary(next, operations, met);
        }

        private boolean isNew(Operation operation) {
            BitSet numbers = seen.computeIfAbsent(operation.client, client -> new BitSet());
            boolean fresh = !numbers.get(operation.number);
            numbers.set(operation.number);
            return fresh;
        }

        private void requireInOrder(long seq, Acknowledgement told) throws NotProvenException {
            require(
                    seq,
                    told.acknowledgedNanos >= lastSentNanos,
                    "entry " + seq + " was acknowledged before entry " + lastSentSeq + ", which stands before it, was"
                            + " sent");
            if (told.sentNanos > lastSentNanos) {
                lastSentNanos = told.sentNanos;
                lastSentSeq = seq;
            }
        }

        private long firstBeyond() throws IOException {
            for (long seq = next; seq < file.size() / RECORD_BYTES; seq++) {
                if (read(seq).isPresent()) {
                    return seq;
                }
            }
            return -1;
        }

        private static String name(@Nullable Acknowledgement told) {
            return told == null ? "nobody" : told.operation.toString();
        }
    }

    /**
     * A history that holds.
     *
     * @param entries in the ledger
     * @param operations of those, the clients'
     * @param acknowledged of those, the ones acknowledged
     */
    public record Summary(long entries, long operations, long acknowledged) {}

    private record Acknowledgement(Operation operation, long sentNanos, long acknowledgedNanos, byte[] entryHash) {

        boolean isOf(byte[] hash) {
            return Arrays.equals(entryHash, hash);
        }
    }
}
