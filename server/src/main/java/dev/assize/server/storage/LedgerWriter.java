package dev.assize.server.storage;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.assize.server.anchor.AnchorRepository.LeftBeside;
import dev.assize.server.audit.AuditColumns;
import dev.assize.server.audit.RawColumns;
import dev.assize.server.ledger.AppendCommand;
import dev.assize.server.ledger.AppendCommand.Idempotency;
import dev.assize.server.ledger.AppendResult;
import dev.assize.server.ledger.DraftRefusedException;
import dev.assize.server.ledger.EntryDraft;
import dev.assize.server.ledger.ErasableValue;
import dev.assize.server.ledger.FrameFields;
import dev.assize.server.ledger.HeadGuard;
import dev.assize.server.ledger.LedgerHaltedException;
import dev.assize.server.ledger.LedgerHead;
import dev.assize.server.ledger.MalformedFrameException;
import dev.assize.server.ledger.Projector;
import dev.assize.server.ledger.Receipt;
import dev.assize.server.ledger.Sequencer;
import dev.assize.server.ledger.Sequencer.Sequenced;
import dev.assize.server.ledger.Sequencer.SequencedEntry;
import dev.assize.server.model.Digest;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.TenantId;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Appends to a tenant's ledger within a transaction that somebody else commits.
 *
 * <p>The head row is locked first and for the rest of the transaction, so positions are given without gap or fork, and
 * keys are looked up when no other append of the tenant can be half done. Reading committed data is enough: what the
 * lock guards is read after the lock is held.
 */
final class LedgerWriter {

    /** How long an answer is kept for a retry; the contract says 30 days at least. */
    static final Duration ANSWERS_KEPT = Duration.ofDays(31);

    /** Old answers that one transaction removes. */
    private static final int ANSWERS_REMOVED_AT_ONCE = 2_000;

    /** So that no statement takes long; a change of policy may have hundreds of thousands. */
    private static final int ENTRIES_PER_INSERT = 5_000;

    /** Of one round trip whose statements do not take long either. */
    private static final int MOST_AHEAD = 2_000;

    /** Well below what an index of PostgreSQL takes beside a tenant's name. */
    static final int MAX_TEXT_BYTES = 2_000;

    /** All texts but the lineage, which has a table of its own. */
    private static final List<String> TEXT_COLUMNS = RawColumns.TEXTS.subList(0, RawColumns.TEXTS.size() - 1);

    private static final String INSERT_ENTRIES = "INSERT INTO assize.ledger_entry"
            + " (tenant_id, seq, recorded_at, frame, entry_hash, outcome, occurred_at, "
            + String.join(", ", TEXT_COLUMNS) + ") SELECT ?, e.* FROM unnest(?) AS e";

    private static final String ENTRY_TYPE = "assize.ledger_row";
    private static final int ENTRY_COLUMNS = 6 + TEXT_COLUMNS.size();

    private static final String INSERT_LINEAGE = "INSERT INTO assize.ledger_lineage (tenant_id, seq, kind, position,"
            + " uri, recorded_at, env, outcome, run_id) SELECT ?, l.* FROM unnest(?::bigint[], ?::smallint[],"
            + " ?::smallint[], ?::text[], ?::timestamptz[], ?::text[], ?::smallint[], ?::text[]) AS l";

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

    private static final String FORGET_LOST =
            "SELECT lineage, beside, decisions, keys FROM assize.forget_lost_entries(?)";

    private static final String MAKE_HEAD = "INSERT INTO assize.ledger_head"
            + " (tenant_id, origin, incarnation, size, last_hash) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING";

    private static final String BEGIN_INCARNATION =
            "UPDATE assize.ledger_head SET incarnation = ?, halted = NULL WHERE tenant_id = ?";

    /** Of an answer. Times within it rise by a microsecond each, which names the months to look in. */
    private static final String ANSWERED = " FROM assize.ledger_entry WHERE tenant_id = ? AND seq >= ? AND seq < ?"
            + " AND recorded_at >= ? AND recorded_at <= ? ORDER BY seq";

    private static final String ANSWERED_FRAMES = "SELECT frame" + ANSWERED;
    private static final String RECEIPTS = "SELECT seq, entry_hash, recorded_at" + ANSWERED;

    private static final String HEAD = "SELECT origin, incarnation, size, last_hash, last_recorded_at, halted"
            + " FROM assize.ledger_head WHERE tenant_id = ?";

    private static final String LOCK_HEAD = HEAD + " FOR UPDATE";

    /** Fails where the head is not what it was taken for, also where nobody waits for how many rows were updated. */
    private static final String MOVE_HEAD = "WITH moved AS (UPDATE assize.ledger_head SET size = ?, last_hash = ?,"
            + " last_recorded_at = ? WHERE tenant_id = ? AND size = ? AND last_hash = ? AND incarnation = ?"
            + " AND halted IS NULL RETURNING 1) SELECT 1 / count(*) FROM moved";

    private final Database database;
    private final Projector projector;
    private final HeadGuard guard;
    private final InstantSource clock;

    LedgerWriter(Database database, Projector projector, HeadGuard guard, InstantSource clock) {
        this.database = database;
        this.projector = projector;
        this.guard = guard;
        this.clock = clock;
    }

    /** Appends the commands; the transaction must act for the tenant. One result for each, in their order. */
    List<AppendResult> append(TenantTransaction transaction, TenantId tenant, List<AppendCommand> commands)
            throws SQLException {
        List<AppendResult> results = new ArrayList<>(commands.size());
        int start = 0;
        for (int i = 0; i < commands.size(); i++) {
            if (commands.get(i).precondition() != null) {
                // What it asks must find the commands before it written.
                results.addAll(appendTogether(transaction, tenant, commands.subList(start, i)));
                results.addAll(appendTogether(transaction, tenant, commands.subList(i, i + 1)));
                start = i + 1;
            }
        }
        results.addAll(appendTogether(transaction, tenant, commands.subList(start, commands.size())));
        return results;
    }

    /** What an append begins with: to be carried out when the transaction begins. */
    Opening open(TenantId tenant, List<AppendCommand> commands) {
        return new Opening(tenant, commands);
    }

    /**
     * The same in a transaction that began with an opening for the commands; ends it in the round trip of its writes.
     *
     * @param reached is told the head behind the commands before they are durable, where it is known
     */
    List<AppendResult> appendAndCommit(
            TenantTransaction transaction,
            TenantId tenant,
            List<AppendCommand> commands,
            Opening opening,
            Consumer<LedgerHead> reached)
            throws SQLException {
        if (commands.size() > 1 && commands.stream().anyMatch(command -> command.precondition() != null)) {
            return append(transaction, tenant, commands);
        }
        Trip writes = new Trip();
        List<AppendResult> results = prepare(transaction, tenant, commands, opening, writes, reached);
        transaction.commitBehind(writes);
        return results;
    }

    private List<AppendResult> appendTogether(
            TenantTransaction transaction, TenantId tenant, List<AppendCommand> commands) throws SQLException {
        if (commands.isEmpty()) {
            return List.of();
        }
        Opening opening = open(tenant, commands);
        opening.trip().run(transaction.connection());
        Trip writes = new Trip();
        List<AppendResult> results = prepare(transaction, tenant, commands, opening, writes, _ -> {});
        writes.run(transaction.connection());
        return results;
    }

    /** The results of commands behind a head that is locked, once the writes are carried out. */
    private List<AppendResult> prepare(
            TenantTransaction transaction,
            TenantId tenant,
            List<AppendCommand> commands,
            Opening opening,
            Trip writes,
            Consumer<LedgerHead> reached)
            throws SQLException {
        LedgerHead head = admitted(transaction, tenant, opening);
        Map<Key, Answer> known = borneOut(transaction, tenant, commands, opening.answers, writes);
        Batch batch = new Batch(head, clock.instant());
        database.within(transaction, () -> {
            for (AppendCommand command : commands) {
                batch.add(command, known);
            }
        });
        List<SequencedEntry> entries = batch.entries;
        int last = 0;
        for (; entries.size() - last > ENTRIES_PER_INSERT; last += ENTRIES_PER_INSERT) {
            Trip part = new Trip();
            insertEntries(part, tenant, entries.subList(last, last + ENTRIES_PER_INSERT));
            part.run(transaction.connection());
        }
        insertEntries(writes, tenant, entries.subList(last, entries.size()));
        insertAnswers(writes, tenant, batch);
        moveHead(writes, tenant, head, batch.head);
        List<AppendResult> results = new ArrayList<>(commands.size());
        for (Pending pending : batch.pending) {
            results.add(pending.result(transaction, tenant));
        }
        reached.accept(batch.head);
        return results;
    }

    /**
     * The commands behind a head that is believed to be the ledger's, to be carried out as a whole or not at all: not
     * where the head is another, or a key was answered before. Whoever finds that the belief was wrong appends with the
     * head locked.
     *
     * @param commands those that {@link #mayGoAhead}
     */
    Ahead ahead(TenantId tenant, List<AppendCommand> commands, LedgerHead believed) {
        guard.admit(tenant, believed);
        Batch batch = new Batch(believed, clock.instant());
        commands.forEach(command -> batch.add(command, Map.of()));
        Trip entries = new Trip();
        insertEntries(entries, tenant, batch.entries);
        Trip seal = new Trip();
        moveHead(seal, tenant, believed, batch.head);
        // Behind the lock, so that nobody waits for a key of somebody who waits for the head.
        insertAnswers(seal, tenant, batch);
        return new Ahead(
                entries,
                seal,
                batch.head,
                batch.pending.stream().map(Pending::ready).toList());
    }

    Instant now() {
        return clock.instant();
    }

    /** Removes some of the answers that need not be kept any more; whether there may be more of them. */
    boolean removeOldAnswers(TenantTransaction transaction, TenantId tenant) throws SQLException {
        try (PreparedStatement statement = transaction.connection().prepareStatement(REMOVE_ANSWERS)) {
            StatementArrays parameters = new StatementArrays(statement);
            parameters.text(tenant.value());
            parameters.time(now().minus(ANSWERS_KEPT));
            parameters.number(ANSWERS_REMOVED_AT_ONCE);
            return statement.executeUpdate() == ANSWERS_REMOVED_AT_ONCE;
        }
    }

    /** Whether these commands can be appended behind a head that is only believed. */
    static boolean mayGoAhead(List<AppendCommand> commands) {
        return commands.stream().allMatch(command -> command.precondition() == null)
                && commands.stream()
                                .mapToInt(command -> command.drafts().size())
                                .sum()
                        <= MOST_AHEAD;
    }

    /**
     * An append behind a head that is believed to be known.
     *
     * @param entries can be carried out while somebody else has the head locked
     * @param seal locks the head, and fails where it is another
     * @param head where it leads to
     * @param results what is answered when both are durable
     */
    record Ahead(Trip entries, Trip seal, LedgerHead head, List<AppendResult> results) {}

    /**
     * Continues a ledger in a new incarnation, whatever stood against it; the transaction must act for the tenant. What
     * is left beside entries that are lost goes, so that their positions and keys can be used again.
     *
     * @param first what records it, given what went
     */
    Receipt begin(
            TenantTransaction transaction, TenantId tenant, int incarnation, Function<LeftBeside, EntryDraft> first)
            throws SQLException {
        Opening opening = open(tenant, List.of());
        opening.trip().run(transaction.connection());
        LedgerHead ended = lockedHead(transaction, tenant, opening).head();
        if (incarnation <= ended.incarnation()) {
            throw new IllegalStateException("Incarnation " + ended.incarnation() + " of " + tenant + " has begun");
        }
        LedgerHead begun =
                new LedgerHead(ended.origin(), incarnation, ended.size(), ended.lastHash(), ended.lastRecordedAt());
        LeftBeside left = forgetLost(transaction, tenant);
        Sequenced sequenced = Sequencer.sequence(begun, List.of(first.apply(left)), clock.instant());
        Trip writes = new Trip();
        insertEntries(writes, tenant, sequenced.entries());
        int _ = transaction.write(BEGIN_INCARNATION, parameters -> {
            parameters.number(incarnation);
            parameters.text(tenant.value());
        });
        moveHead(writes, tenant, begun, sequenced.head());
        writes.run(transaction.connection());
        return sequenced.receipts().getFirst();
    }

    private static LeftBeside forgetLost(TenantTransaction transaction, TenantId tenant) throws SQLException {
        try (PreparedStatement statement = transaction.connection().prepareStatement(FORGET_LOST)) {
            statement.setString(1, tenant.value());
            try (ResultSet row = statement.executeQuery()) {
                if (!row.next()) {
                    throw new IllegalStateException("Nothing was said of what was left beside lost entries");
                }
                return new LeftBeside(row.getLong(1), row.getLong(2), row.getLong(3), row.getLong(4));
            }
        }
    }

    /**
     * The answers whose entries are there, and say what is sent again. Any other is void, whatever became of its entries
     * and whoever wrote it there: it acknowledges nothing, and what it was given for is appended anew.
     */
    private static Map<Key, Answer> borneOut(
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

    private static List<byte[]> frames(TenantTransaction transaction, TenantId tenant, Answer answer)
            throws SQLException {
        return transaction.read(ANSWERED_FRAMES, parameters -> answer.of(tenant, parameters), row -> row.getBytes(1));
    }

    private static boolean isOf(byte[] frame, EntryDraft draft) {
        try {
            return FrameFields.read(frame).isOf(draft);
        } catch (MalformedFrameException e) {
            return false;
        }
    }

    /** The head, locked, where something may be appended behind it. */
    private LedgerHead admitted(TenantTransaction transaction, TenantId tenant, Opening opening) throws SQLException {
        HeadRow locked = lockedHead(transaction, tenant, opening);
        if (locked.halted() != null) {
            throw new LedgerHaltedException("the ledger of tenant `" + tenant + "` is halted: " + locked.halted());
        }
        guard.admit(tenant, locked.head());
        return locked.head();
    }

    /** The first append of a tenant makes its head, and opens anew behind it. */
    private HeadRow lockedHead(TenantTransaction transaction, TenantId tenant, Opening opening) throws SQLException {
        if (opening.head == null) {
            LedgerHead genesis = Sequencer.genesis(database.origin(tenant));
            int _ = transaction.write(MAKE_HEAD, parameters -> {
                parameters.text(tenant.value());
                parameters.text(genesis.origin());
                parameters.number(genesis.incarnation());
                parameters.longNumber(genesis.size());
                parameters.bytes(genesis.lastHash().bytes());
            });
            opening.trip().run(transaction.connection());
        }
        if (opening.head == null) {
            throw new IllegalStateException("The head of " + tenant + " is not visible");
        }
        return opening.head;
    }

    /** The tenant's head as it is, which others may be moving; empty where nothing was ever appended. */
    static Optional<HeadRow> head(TenantTransaction transaction, TenantId tenant) throws SQLException {
        return transaction.find(HEAD, parameters -> parameters.text(tenant.value()), HeadRow::read);
    }

    private void insertEntries(Trip writes, TenantId tenant, List<SequencedEntry> entries) {
        if (entries.isEmpty()) {
            return;
        }
        List<SortedMap<String, String>> columns = entries.stream()
                .map(entry -> storable(projector.project(entry.frame())))
                .toList();
        List<Row> rows = new ArrayList<>(entries.size());
        for (int i = 0; i < entries.size(); i++) {
            rows.add(new Row(entries.get(i), columns.get(i)));
        }
        writes.then(INSERT_ENTRIES, parameters -> {
            parameters.text(tenant.value());
            parameters.rows(ENTRY_TYPE, ENTRY_COLUMNS, rows, Row::write);
        });
        insertLineage(writes, tenant, LineageRow.of(entries, columns));
        ErasableRows.insert(writes, tenant, entries);
    }

    private static void insertLineage(Trip writes, TenantId tenant, List<LineageRow> rows) {
        if (rows.isEmpty()) {
            return;
        }
        writes.then(INSERT_LINEAGE, arrays -> {
            arrays.text(tenant.value());
            arrays.longs(rows, LineageRow::seq);
            arrays.numbers("int2", rows, row -> Integer.toString(row.kind()));
            arrays.numbers("int2", rows, row -> Integer.toString(row.position()));
            arrays.texts(rows, LineageRow::uri);
            arrays.times(rows, LineageRow::recordedAt);
            arrays.texts(rows, row -> row.columns().get(AuditColumns.ENV));
            arrays.numbers("int2", rows, row -> row.columns().get(AuditColumns.OUTCOME));
            arrays.texts(rows, row -> row.columns().get(AuditColumns.RUN_ID));
        });
    }

    /** What PostgreSQL cannot keep or index is refused, so that it does not take the rest of its batch down. */
    private static SortedMap<String, String> storable(SortedMap<String, String> columns) {
        if (!(columns instanceof RawColumns raw) || !raw.areTextsWithin(MAX_TEXT_BYTES)) {
            columns.forEach(LedgerWriter::requireStorable);
        }
        return columns;
    }

    private static void requireStorable(String name, String value) {
        if (name.equals(AuditColumns.LINEAGE) && value.indexOf('\n') >= 0) {
            value.lines().forEach(line -> requireStorable(name, line));
            return;
        }
        int bytes = value.getBytes(UTF_8).length;
        if (bytes > MAX_TEXT_BYTES) {
            throw new DraftRefusedException(name + " has " + bytes + " bytes: expected at most " + MAX_TEXT_BYTES);
        }
        if (value.indexOf('\0') >= 0) {
            throw new DraftRefusedException(name + " contains U+0000: expected a text without it");
        }
    }

    private static void insertAnswers(Trip writes, TenantId tenant, Batch batch) {
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

    private static void moveHead(Trip writes, TenantId tenant, LedgerHead from, LedgerHead to) {
        Instant recordedAt = to.lastRecordedAt();
        if (from.size() == to.size() || recordedAt == null) {
            return;
        }
        writes.then(MOVE_HEAD, parameters -> {
            parameters.longNumber(to.size());
            parameters.bytes(to.lastHash().bytes());
            parameters.time(recordedAt);
            parameters.text(tenant.value());
            parameters.longNumber(from.size());
            parameters.bytes(from.lastHash().bytes());
            parameters.number(from.incarnation());
        });
    }

    /** Locks the head, and then looks for the answers that were given before: what the lock guards is read behind it. */
    static final class Opening {

        private final Trip trip = new Trip();
        private final Map<Key, Answer> answers = new HashMap<>();
        private @Nullable HeadRow head;

        private Opening(TenantId tenant, List<AppendCommand> commands) {
            List<Key> keys = commands.stream()
                    .flatMap(command -> Key.of(command).stream())
                    .distinct()
                    .toList();
            trip.query(LOCK_HEAD, parameters -> parameters.text(tenant.value()), this::readHead);
            if (!keys.isEmpty()) {
                trip.query(
                        FIND_ANSWERS,
                        arrays -> {
                            arrays.texts(keys, Key::home);
                            arrays.texts(keys, Key::caller);
                            arrays.texts(keys, Key::key);
                            arrays.text(tenant.value());
                        },
                        this::readAnswers);
            }
        }

        /** Must be carried out before anything else; may be again. */
        Trip trip() {
            return trip;
        }

        private void readHead(ResultSet row) throws SQLException {
            if (row.next()) {
                head = HeadRow.read(row);
            }
        }

        private void readAnswers(ResultSet row) throws SQLException {
            while (row.next()) {
                answers.put(
                        new Key(row.getString(1), row.getString(2), row.getString(3)),
                        new Answer(Digest.of(row.getBytes(4)), row.getLong(5), row.getInt(6), Times.read(row, 7)));
            }
        }
    }

    /** A head, and why nothing may be appended to it, null where nothing stands against it. */
    record HeadRow(LedgerHead head, @Nullable String halted) {

        private static HeadRow read(ResultSet row) throws SQLException {
            return new HeadRow(
                    new LedgerHead(
                            row.getString(1),
                            row.getInt(2),
                            row.getLong(3),
                            Digest.of(row.getBytes(4)),
                            Times.readIfThere(row, 5)),
                    row.getString(6));
        }
    }

    /** What one call adds, put together in memory while the head is locked. */
    private static final class Batch {

        private final Instant now;
        private final List<SequencedEntry> entries = new ArrayList<>();
        private final List<Pending> pending = new ArrayList<>();
        private final Map<Key, Answer> answers = new HashMap<>();
        private final Map<Key, List<Receipt>> receipts = new HashMap<>();
        private final Map<Key, List<EntryDraft>> written = new HashMap<>();
        private LedgerHead head;

        Batch(LedgerHead head, Instant now) {
            this.head = head;
            this.now = now;
        }

        void add(AppendCommand command, Map<Key, Answer> known) {
            Key key = Key.of(command).orElse(null);
            Idempotency idempotency = command.idempotency();
            if (key == null || idempotency == null) {
                pending.add(new Pending.Ready(
                        command.mayAppend() ? new AppendResult.Appended(write(command)) : new AppendResult.Refused()));
                return;
            }
            Answer first = known.containsKey(key) ? known.get(key) : answers.get(key);
            if (first == null && !command.mayAppend()) {
                pending.add(new Pending.Ready(new AppendResult.Refused()));
            } else if (first == null) {
                pending.add(new Pending.Ready(new AppendResult.Appended(write(command, key, idempotency))));
            } else if (!first.contentHash().equals(idempotency.contentHash())) {
                pending.add(
                        known.containsKey(key)
                                ? new Pending.Other(new Pending.Stored(first, command, idempotency.key()))
                                : new Pending.Ready(new AppendResult.KeyReused(idempotency.key())));
            } else {
                List<Receipt> ours = receipts.get(key);
                pending.add(
                        ours == null
                                ? new Pending.Stored(first, command, idempotency.key())
                                : new Pending.Ready(
                                        isSame(command.drafts(), written.getOrDefault(key, List.of()))
                                                ? new AppendResult.Replayed(ours)
                                                : new AppendResult.KeyReused(idempotency.key())));
            }
        }

        /** Whether what stands beside the frames is the same; that is in no digest, for it could be guessed from one. */
        private static boolean isSame(List<EntryDraft> drafts, List<EntryDraft> first) {
            for (int i = 0; i < drafts.size(); i++) {
                if (!areSame(drafts.get(i).beside(), first.get(i).beside())) {
                    return false;
                }
            }
            return true;
        }

        private List<Receipt> write(AppendCommand command, Key key, Idempotency idempotency) {
            long firstSeq = head.size();
            List<Receipt> receipt = write(command);
            Instant recordedAt = receipt.isEmpty()
                    ? now.truncatedTo(ChronoUnit.MICROS)
                    : receipt.getFirst().recordedAt();
            answers.put(key, new Answer(idempotency.contentHash(), firstSeq, receipt.size(), recordedAt));
            receipts.put(key, receipt);
            written.put(key, command.drafts());
            return receipt;
        }

        private List<Receipt> write(AppendCommand command) {
            Sequenced sequenced = Sequencer.sequence(head, command.drafts(), now);
            entries.addAll(sequenced.entries());
            head = sequenced.head();
            return sequenced.receipts();
        }
    }

    /** Whether values that are sent are those that are kept; what is no longer kept is no other. */
    private static boolean areSame(List<ErasableValue> sent, List<ErasableValue> kept) {
        return sent.stream()
                .noneMatch(value -> kept.stream()
                        .anyMatch(it -> it.field() == value.field() && !Arrays.equals(it.value(), value.value())));
    }

    /** A result, or where to read it. */
    private sealed interface Pending {

        AppendResult result(TenantTransaction transaction, TenantId tenant) throws SQLException;

        /** The result of a command that was held against no answer given before. */
        default AppendResult ready() {
            throw new IllegalStateException("It is to be read: " + this);
        }

        record Ready(AppendResult value) implements Pending {
            @Override
            public AppendResult result(TenantTransaction transaction, TenantId tenant) {
                return value;
            }

            @Override
            public AppendResult ready() {
                return value;
            }
        }

        /** An answer given before to what has another digest: by then a name in it may have been erased. */
        record Other(Stored stored) implements Pending {
            @Override
            public AppendResult result(TenantTransaction transaction, TenantId tenant) throws SQLException {
                return EstrangedRetry.isOf(
                                transaction,
                                tenant,
                                frames(transaction, tenant, stored.answer),
                                stored.command.drafts())
                        ? stored.result(transaction, tenant)
                        : new AppendResult.KeyReused(stored.key);
            }
        }

        /** An answer given before, whose entries are there. */
        record Stored(Answer answer, AppendCommand command, String key) implements Pending {
            @Override
            public AppendResult result(TenantTransaction transaction, TenantId tenant) throws SQLException {
                return isSame(transaction, tenant)
                        ? new AppendResult.Replayed(receipts(transaction, tenant))
                        : new AppendResult.KeyReused(key);
            }

            private boolean isSame(TenantTransaction transaction, TenantId tenant) throws SQLException {
                Map<Long, List<ErasableValue>> sent = new HashMap<>();
                for (int i = 0; i < command.drafts().size(); i++) {
                    List<ErasableValue> beside = command.drafts().get(i).beside();
                    if (!beside.isEmpty()) {
                        sent.put(answer.firstSeq() + i, beside);
                    }
                }
                Map<Long, List<ErasableValue>> kept = ErasableRows.find(transaction, tenant, sent.keySet());
                return sent.entrySet().stream()
                        .allMatch(it -> areSame(it.getValue(), kept.getOrDefault(it.getKey(), List.of())));
            }

            private List<Receipt> receipts(TenantTransaction transaction, TenantId tenant) throws SQLException {
                return transaction.read(
                        RECEIPTS,
                        parameters -> answer.of(tenant, parameters),
                        row -> new Receipt(row.getLong(1), Digest.of(row.getBytes(2)), Times.read(row, 3)));
            }
        }
    }

    /** An idempotency key: a caller's, so two callers may choose the same text. */
    private record Key(String home, String caller, String key) {

        Key {
            requireStorable("idempotency key", key);
        }

        static Optional<Key> of(AppendCommand command) {
            Recorder recorder = command.recorder();
            return Optional.ofNullable(command.idempotency())
                    .map(it ->
                            new Key(recorder.home().value(), recorder.caller().toString(), it.key()));
        }
    }

    private record Answer(Digest contentHash, long firstSeq, int count, Instant recordedAt) {

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

    /** An entry and its query columns. */
    private record Row(SequencedEntry entry, SortedMap<String, String> columns) {

        void write(RowArray out) {
            if (columns instanceof RawColumns raw) {
                write(raw, out);
                return;
            }
            String outcome = columns.get(AuditColumns.OUTCOME);
            String occurredAt = columns.get(AuditColumns.OCCURRED_AT);
            out.int8(entry.seq())
                    .time(entry.recordedAt())
                    .bytea(entry.frame())
                    .bytea(entry.entryHash().bytes())
                    .int2(outcome == null ? null : Short.valueOf(outcome))
                    .int8(occurredAt == null ? null : Long.valueOf(occurredAt));
            for (String column : TEXT_COLUMNS) {
                out.text(columns.get(column));
            }
        }

        private void write(RawColumns raw, RowArray out) {
            Long outcome = raw.outcome();
            out.int8(entry.seq())
                    .time(entry.recordedAt())
                    .bytea(entry.frame())
                    .bytea(entry.entryHash().bytes())
                    .int2(outcome == null ? null : Short.valueOf(outcome.shortValue()))
                    .int8(raw.occurredAt());
            for (int place = 0; place < TEXT_COLUMNS.size(); place++) {
                out.text(raw.bytes(place));
            }
        }
    }
}
