package dev.assize.server.storage;

import static dev.assize.server.storage.KeptAnswers.insertAnswers;
import static java.nio.charset.StandardCharsets.UTF_8;

import dev.assize.server.anchor.AnchorRepository.LeftBeside;
import dev.assize.server.audit.AuditColumns;
import dev.assize.server.audit.RawColumns;
import dev.assize.server.ledger.AppendCommand;
import dev.assize.server.ledger.AppendResult;
import dev.assize.server.ledger.DraftRefusedException;
import dev.assize.server.ledger.EntryDraft;
import dev.assize.server.ledger.HeadGuard;
import dev.assize.server.ledger.LedgerHaltedException;
import dev.assize.server.ledger.LedgerHead;
import dev.assize.server.ledger.Projector;
import dev.assize.server.ledger.Receipt;
import dev.assize.server.ledger.Sequencer;
import dev.assize.server.ledger.Sequencer.Sequenced;
import dev.assize.server.ledger.Sequencer.SequencedEntry;
import dev.assize.server.model.Digest;
import dev.assize.server.model.TenantId;
import dev.assize.server.storage.KeptAnswers.Answer;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Appends to a tenant's ledger within a transaction that somebody else commits.
 *
 * <p>The head row is locked first and for the rest of the transaction, so positions are given without gap or fork, and
 * keys are looked up when no other append of the tenant can be half done. Reading committed data is enough: what the
 * lock guards is read after the lock is held.
 */
final class LedgerWriter {

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

    private static final String ENTRY_TYPE = "assize.ledger_entry_row";
    private static final int ENTRY_COLUMNS = 6 + TEXT_COLUMNS.size();

    private static final String INSERT_LINEAGE = "INSERT INTO assize.ledger_lineage (tenant_id, seq, kind, position,"
            + " uri, recorded_at, env, outcome, run_id) SELECT ?, l.* FROM unnest(?::bigint[], ?::smallint[],"
            + " ?::smallint[], ?::text[], ?::timestamptz[], ?::text[], ?::smallint[], ?::text[]) AS l";

    private static final String FORGET_LOST =
            "SELECT lineage, beside, decisions, keys FROM assize.forget_lost_entries(?)";

    private static final String MAKE_HEAD = "INSERT INTO assize.ledger_head"
            + " (tenant_id, origin, incarnation, size, last_hash) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING";

    private static final String BEGIN_INCARNATION =
            "UPDATE assize.ledger_head SET incarnation = ?, halted = NULL WHERE tenant_id = ?";

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
        Map<KeptAnswers.Key, Answer> known =
                KeptAnswers.borneOut(transaction, tenant, commands, opening.answers, writes);
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
            insertEntries(part, part, tenant, entries.subList(last, last + ENTRIES_PER_INSERT));
            part.run(transaction.connection());
        }
        insertEntries(writes, writes, tenant, entries.subList(last, entries.size()));
        insertAnswers(writes, tenant, batch);
        moveHead(writes, tenant, head, batch.head);
        List<AppendResult> results = new ArrayList<>(commands.size());
        for (PendingResult pending : batch.pending) {
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
        Trip seal = new Trip();
        moveHead(seal, tenant, believed, batch.head);
        // Behind the lock, so that nobody waits for a key or a row of somebody who waits for the head.
        insertEntries(entries, seal, tenant, batch.entries);
        insertAnswers(seal, tenant, batch);
        return new Ahead(
                entries,
                seal,
                batch.head,
                batch.pending.stream().map(PendingResult::ready).toList());
    }

    Instant now() {
        return clock.instant();
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
        insertEntries(writes, writes, tenant, sequenced.entries());
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

    /**
     * Inserts entries and what is kept beside them.
     *
     * @param behindLock takes what several appends add to, and may be inserted by who has the head locked only
     */
    private void insertEntries(Trip writes, Trip behindLock, TenantId tenant, List<SequencedEntry> entries) {
        if (entries.isEmpty()) {
            return;
        }
        List<SortedMap<String, String>> columns = entries.stream()
                .map(entry -> storable(projector.project(entry.frame())))
                .toList();
        List<Row> rows = new ArrayList<>(entries.size());
        EntryTerms terms = new EntryTerms();
        for (int i = 0; i < entries.size(); i++) {
            rows.add(new Row(entries.get(i), columns.get(i)));
            terms.add(entries.get(i).seq(), columns.get(i));
        }
        writes.then(INSERT_ENTRIES, parameters -> {
            parameters.text(tenant.value());
            parameters.rows(ENTRY_TYPE, ENTRY_COLUMNS, rows, Row::write);
        });
        insertLineage(writes, tenant, LineageRow.of(entries, columns));
        ErasableRows.insert(writes, tenant, entries);
        terms.insert(behindLock, tenant.value(), writes != behindLock);
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

    static void requireStorable(String name, String value) {
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
        private final Map<KeptAnswers.Key, Answer> answers = new HashMap<>();
        private @Nullable HeadRow head;

        private Opening(TenantId tenant, List<AppendCommand> commands) {
            List<KeptAnswers.Key> keys = commands.stream()
                    .flatMap(command -> KeptAnswers.Key.of(command).stream())
                    .distinct()
                    .toList();
            trip.query(LOCK_HEAD, parameters -> parameters.text(tenant.value()), this::readHead);
            if (!keys.isEmpty()) {
                KeptAnswers.find(trip, tenant, keys, answers);
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
