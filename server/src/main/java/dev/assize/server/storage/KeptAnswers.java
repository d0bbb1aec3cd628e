package dev.assize.server.storage;

import dev.assize.server.ledger.AppendCommand;
import dev.assize.server.ledger.AppendCommand.Idempotency;
import dev.assize.server.ledger.EntryDraft;
import dev.assize.server.ledger.FrameFields;
import dev.assize.server.ledger.MalformedFrameException;
import dev.assize.server.ledger.Receipt;
import dev.assize.server.model.Digest;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.TenantId;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * What was answered under idempotency keys. It is looked for behind the head's lock, counts only where its entries are there and
 * say what is sent again, and is kept beside the entries it acknowledges for as long as somebody may try again.
 */
final class KeptAnswers {

    /** How long an answer is kept for a retry; the contract says 30 days at least. */
    static final Duration ANSWERS_KEPT = Duration.ofDays(31);

    /** Old answers that one transaction removes. */
    private static final int ANSWERS_REMOVED_AT_ONCE = 2_000;

    /** The limit keeps the planner at a look-up for each key, whatever it believes of a table that just began to grow. */
    private static final String FIND_ANSWERS = "SELECT i.* FROM unnest(?::text[], ?::text[], ?::text[])"
            + " AS asked (recorded_by_tenant, recorded_by, key) CROSS JOIN LATERAL (SELECT i.recorded_by_tenant,"
            + " i.recorded_by, i.key, i.content_hash, i.first_seq, i.entry_count, i.recorded_at"
            + " FROM assize.ledger_idempotency i WHERE i.tenant_id = ?"
            + " AND i.recorded_by_tenant = asked.recorded_by_tenant AND i.recorded_by = asked.recorded_by"
            + " AND i.key = asked.key LIMIT 1) AS i";

    private static final String INSERT_ANSWERS = "INSERT INTO assize.ledger_idempotency (tenant_id,"
            + " recorded_by_tenant, recorded_by, key, content_hash, first_seq, entry_count, recorded_at)"
            + " SELECT ?, a.* FROM unnest(?) AS a";

    private static final String ANSWER_TYPE = "assize.ledger_answer";
    private static final int ANSWER_COLUMNS = 7;

    /** By their place in the table: a join of the table with itself may be planned as one that reads all of it. */
    private static final String REMOVE_ANSWERS = "DELETE FROM assize.ledger_idempotency WHERE ctid = ANY (ARRAY("
            + "SELECT o.ctid FROM assize.ledger_idempotency o WHERE o.tenant_id = ? AND o.recorded_at < ? LIMIT ?))";

    private static final String FORGET_ANSWERS = "DELETE FROM assize.ledger_idempotency WHERE tenant_id = ?"
            + " AND (recorded_by_tenant, recorded_by, key) IN (SELECT * FROM unnest(?::text[], ?::text[], ?::text[]))";

    /** Of an answer. Times within it rise by a microsecond each, which names the months to look in. */
    private static final String ANSWERED = " FROM assize.ledger_entry WHERE tenant_id = ? AND seq >= ? AND seq < ?"
            + " AND recorded_at >= ? AND recorded_at <= ? ORDER BY seq";

    private static final String ANSWERED_FRAMES = "SELECT frame" + ANSWERED;
    private static final String RECEIPTS = "SELECT seq, entry_hash, recorded_at" + ANSWERED;

    private KeptAnswers() {}

    /** Looks for what was answered under keys, behind everything that the trip does before. */
    static void find(Trip trip, TenantId tenant, List<Key> keys, Map<Key, Answer> found) {
        trip.query(
                FIND_ANSWERS,
                arrays -> {
                    arrays.texts(keys, Key::home);
                    arrays.texts(keys, Key::caller);
                    arrays.texts(keys, Key::key);
                    arrays.text(tenant.value());
                },
                row -> read(row, found));
    }

    private static void read(ResultSet row, Map<Key, Answer> answers) throws SQLException {
        while (row.next()) {
            answers.put(
                    new Key(row.getString(1), row.getString(2), row.getString(3)),
                    new Answer(Digest.of(row.getBytes(4)), row.getLong(5), row.getInt(6), Times.read(row, 7)));
        }
    }

    /**
     * The answers whose entries are there, and say what is sent again. Any other is void, whatever became of its entries
     * and whoever wrote it there: it acknowledges nothing, and what it was given for is appended anew.
     */
    static Map<Key, Answer> borneOut(
            TenantTransaction transaction,
            TenantId tenant,
            List<AppendCommand> commands,
            Map<Key, Answer> answers,
            Trip writes)
            throws SQLException {
        if (answers.isEmpty()) {
            return answers;
        }
        Set<Key> without = new LinkedHashSet<>();
        for (AppendCommand command : commands) {
            Optional<Key> key = Key.of(command);
            if (key.isPresent() && isVoid(transaction, tenant, command, answers.get(key.get()))) {
                without.add(key.get());
            }
        }
        if (without.isEmpty()) {
            return answers;
        }
        writes.then(FORGET_ANSWERS, arrays -> {
            List<Key> keys = List.copyOf(without);
            arrays.text(tenant.value());
            arrays.texts(keys, Key::home);
            arrays.texts(keys, Key::caller);
            arrays.texts(keys, Key::key);
        });
        Map<Key, Answer> borneOut = new HashMap<>(answers);
        borneOut.keySet().removeAll(without);
        return borneOut;
    }

    private static boolean isVoid(
            TenantTransaction transaction, TenantId tenant, AppendCommand command, @Nullable Answer answer)
            throws SQLException {
        Idempotency idempotency = command.idempotency();
        if (answer == null || idempotency == null || !answer.contentHash().equals(idempotency.contentHash())) {
            // Not asked for, or refused.
            return false;
        }
        List<EntryDraft> drafts = command.drafts();
        List<byte[]> frames = frames(transaction, tenant, answer);
        return frames.size() != drafts.size()
                || answer.count() != drafts.size()
                || !IntStream.range(0, drafts.size()).allMatch(i -> isOf(frames.get(i), drafts.get(i)));
    }

    /** The frames of the entries that an answer is of, as far as they are there. */
    static List<byte[]> frames(TenantTransaction transaction, TenantId tenant, Answer answer) throws SQLException {
        return transaction.read(ANSWERED_FRAMES, parameters -> answer.of(tenant, parameters), row -> row.getBytes(1));
    }

    /** What is answered again. */
    static List<Receipt> receipts(TenantTransaction transaction, TenantId tenant, Answer answer) throws SQLException {
        return transaction.read(
                RECEIPTS,
                parameters -> answer.of(tenant, parameters),
                row -> new Receipt(row.getLong(1), Digest.of(row.getBytes(2)), Times.read(row, 3)));
    }

    private static boolean isOf(byte[] frame, EntryDraft draft) {
        try {
            return FrameFields.read(frame).isOf(draft);
        } catch (MalformedFrameException e) {
            return false;
        }
    }

    /** Keeps what a batch answers, with its writes. */
    static void insertAnswers(Trip writes, TenantId tenant, Batch batch) {
        if (batch.answers.isEmpty()) {
            return;
        }
        List<Map.Entry<Key, Answer>> rows = List.copyOf(batch.answers.entrySet());
        writes.then(INSERT_ANSWERS, parameters -> {
            parameters.text(tenant.value());
            parameters.rows(
                    ANSWER_TYPE,
                    ANSWER_COLUMNS,
                    rows,
                    (row, out) -> row.getValue().write(row.getKey(), out));
        });
    }

    /** Removes some of those that need not be kept any more; whether there may be more of them. */
    static boolean removeOld(TenantTransaction transaction, TenantId tenant, Instant now) throws SQLException {
        try (PreparedStatement statement = transaction.connection().prepareStatement(REMOVE_ANSWERS)) {
            StatementArrays parameters = new StatementArrays(statement);
            parameters.text(tenant.value());
            parameters.time(now.minus(ANSWERS_KEPT));
            parameters.number(ANSWERS_REMOVED_AT_ONCE);
            return statement.executeUpdate() == ANSWERS_REMOVED_AT_ONCE;
        }
    }

    /** An idempotency key: a caller's, so two callers may choose the same text. */
    record Key(String home, String caller, String key) {

        Key {
            LedgerWriter.requireStorable("idempotency key", key);
        }

        static Optional<Key> of(AppendCommand command) {
            Recorder recorder = command.recorder();
            return Optional.ofNullable(command.idempotency())
                    .map(it ->
                            new Key(recorder.home().value(), recorder.caller().toString(), it.key()));
        }
    }

    /** What was answered: how many entries from a position on, and when the first was recorded. */
    record Answer(Digest contentHash, long firstSeq, int count, Instant recordedAt) {

        void write(Key key, RowArray out) {
            out.text(key.home())
                    .text(key.caller())
                    .text(key.key())
                    .bytea(contentHash.bytes())
                    .int8(firstSeq)
                    .int4(count)
                    .time(recordedAt);
        }

        /** Its entries, for {@link #ANSWERED}. */
        void of(TenantId tenant, StatementArrays parameters) throws SQLException {
            parameters.text(tenant.value());
            parameters.longNumber(firstSeq);
            parameters.longNumber(firstSeq + count);
            parameters.time(recordedAt);
            parameters.time(recordedAt.plus(count, ChronoUnit.MICROS));
        }
    }
}
