package dev.assize.server.storage;

import com.google.inject.Inject;
import dev.assize.server.audit.AuditCodec;
import dev.assize.server.audit.SpoolLossEvent;
import dev.assize.server.audit.SpoolRepository;
import dev.assize.server.audit.SpooledBatch;
import dev.assize.server.ledger.AppendCommand;
import dev.assize.server.ledger.AppendResult;
import dev.assize.server.ledger.EntryDraft;
import dev.assize.server.ledger.Receipt;
import dev.assize.server.model.Digest;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.StoreUnavailableException;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Spools in PostgreSQL. The head of the ledger is locked first, so that a spool's row is moved by one batch at a time. Every
 * append to the ledger waits for that lock, so nothing is counted under it: how many spools a key has begun its newest row
 * says, and what a new spool leaves behind is looked for when it is committed.
 */
final class PostgresSpoolRepository implements SpoolRepository {

    private static final Logger LOG = LoggerFactory.getLogger(PostgresSpoolRepository.class);

    private static final String COLUMNS = "recorded_by, recorded_by_tenant, spool_id, next_number, highest_number,"
            + " heard_at, last_hash, last_seq, last_entry_hash, last_recorded_at";

    private static final String OF_SPOOL =
            " WHERE tenant_id = ? AND recorded_by_tenant = ? AND recorded_by = ? AND spool_id = ?";

    private static final String FIND = "SELECT " + COLUMNS + " FROM assize.ledger_spool" + OF_SPOOL + " FOR UPDATE";

    private static final String HAS_ENTRIES = "SELECT EXISTS (SELECT FROM assize.ledger_spool WHERE tenant_id = ?"
            + " AND spool_id = ? AND last_seq IS NOT NULL)";

    /** There are no more rows with `only_heard_of` than may be, and a few whose spool was told of again. */
    private static final String BEGUN = "SELECT coalesce((SELECT begun_as FROM assize.ledger_spool WHERE tenant_id = ?"
            + " AND begun_by_key = ? ORDER BY begun_as DESC LIMIT 1), 0), (SELECT count(*) FROM assize.ledger_spool"
            + " WHERE tenant_id = ? AND begun_by_key = ? AND only_heard_of)";

    private static final String LEFT = "SELECT " + COLUMNS + " FROM assize.ledger_spool WHERE tenant_id = ?"
            + " AND recorded_by_tenant = ? AND recorded_by = ? AND spool_id <> ? AND highest_number >= next_number"
            + " ORDER BY spool_id LIMIT 10";

    private static final String LIST = "SELECT " + COLUMNS + " FROM assize.ledger_spool WHERE tenant_id = ?"
            + " ORDER BY recorded_by_tenant, recorded_by, spool_id";

    private static final String INSERT = "INSERT INTO assize.ledger_spool (next_number, last_hash, highest_number,"
            + " heard_at, last_seq, last_entry_hash, last_recorded_at, tenant_id, recorded_by_tenant, recorded_by,"
            + " spool_id, begun_by_key, begun_as) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING";

    private static final String HEARD_OF = "INSERT INTO assize.ledger_spool (next_number, only_heard_of, last_hash,"
            + " highest_number, heard_at, tenant_id, recorded_by_tenant, recorded_by, spool_id, begun_by_key, begun_as)"
            + " VALUES (1, true, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING";

    private static final String APPENDED = "UPDATE assize.ledger_spool SET only_heard_of = false, next_number = ?,"
            + " last_hash = ?, highest_number = ?, heard_at = ?, last_seq = ?, last_entry_hash = ?, last_recorded_at = ?"
            + OF_SPOOL;

    private static final String TOLD = "UPDATE assize.ledger_spool SET only_heard_of = last_seq IS NULL,"
            + " highest_number = ?, heard_at = ?" + OF_SPOOL;

    private static final String LOST = "UPDATE assize.ledger_spool SET only_heard_of = last_seq IS NULL"
            + " AND highest_number >= ?, next_number = ?, last_hash = NULL, heard_at = ?" + OF_SPOOL;

    /** What was pruned had been there. */
    private static final String IS_THERE = "SELECT EXISTS (SELECT FROM assize.ledger_entry WHERE tenant_id = ?"
            + " AND seq = ? AND recorded_at = ? AND entry_hash = ?)"
            + " OR EXISTS (SELECT FROM assize.ledger_pruned WHERE tenant_id = ? AND to_seq > ?)";

    private static final String FRAMES = "SELECT frame FROM assize.ledger_entry WHERE tenant_id = ?"
            + " AND recorded_by_tenant = ? AND recorded_by = ? AND seq <= ? ORDER BY seq DESC";

    private static final int FRAMES_AT_ONCE = 1_000;

    private final Database database;
    private final LedgerWriter ledger;
    private final OwnEntries entries;
    private final AuditCodec codec;
    private final InstantSource clock;

    @Inject
    PostgresSpoolRepository(
            Database database, LedgerWriter ledger, OwnEntries entries, AuditCodec codec, InstantSource clock) {
        this.database = database;
        this.ledger = ledger;
        this.entries = entries;
        this.codec = codec;
        this.clock = clock;
    }

    /** A spool's row; without a last entry where nothing was appended of it yet. */
    private record Row(
            Standing standing,
            @Nullable Digest lastHash,
            @Nullable Receipt lastEntry) {}

    /** How many spools of a ledger a key has begun, and of how many of these it has only heard. */
    private record Begun(long spools, long heardOf) {}

    /**
     * What became of a batch.
     *
     * @param first whether it was the first of its spool that was taken
     */
    private record Outcome(Reception reception, boolean first) {

        /** One of which nothing was taken, or not the first. */
        Outcome(Reception reception) {
            this(reception, false);
        }
    }

    @Override
    public Reception append(
            TenantId tenant, Sender sender, SpooledBatch batch, Digest begins, List<EntryDraft> drafts) {
        while (true) {
            Outcome outcome = database.inTransaction(tenant.value(), transaction -> {
                OwnEntries.lockHead(transaction, tenant);
                Row row = find(transaction, tenant, sender.recorder(), batch.spoolId());
                if ((row == null || row.lastEntry == null) && hasEntries(transaction, tenant, batch.spoolId())) {
                    return new Outcome(new Reception(Verdict.OF_ANOTHER_RECORDER, 1, begins));
                }
                return row == null
                        ? begin(transaction, tenant, sender, batch, begins, drafts)
                        : continued(transaction, tenant, batch, row, drafts);
            });
            if (outcome != null) {
                return outcome.first
                        ? outcome.reception.leaving(leftIfKnown(tenant, sender.recorder(), batch))
                        : outcome.reception;
            }
        }
    }

    /** The first of a spool; null where another call was faster. */
    private @Nullable Outcome begin(
            TenantTransaction transaction,
            TenantId tenant,
            Sender sender,
            SpooledBatch batch,
            Digest begins,
            List<EntryDraft> drafts)
            throws SQLException {
        Verdict verdict = verdict(batch, 1, begins);
        if (verdict != Verdict.APPENDED && batch.highestNumber() < 1) {
            return new Outcome(new Reception(verdict, 1, begins));
        }
        Begun before = begun(transaction, tenant, sender);
        if (before.spools >= MOST_OF_KEY) {
            return new Outcome(new Reception(Verdict.FULL, 1, begins));
        }
        long begun = before.spools + 1;
        if (verdict != Verdict.APPENDED) {
            if (before.heardOf < MOST_HEARD_OF) {
                hearOf(transaction, tenant, sender, batch, begins, begun);
                return new Outcome(new Reception(verdict, 1, begins, List.of(), begun));
            }
            // That records are missing is said in any case.
            return new Outcome(new Reception(verdict == Verdict.ASKED ? Verdict.UNNOTED : verdict, 1, begins));
        }
        Receipt entry = append(transaction, tenant, sender.recorder(), drafts);
        if (insert(transaction, tenant, sender, batch, entry, begun) == 0) {
            transaction.abandon();
            return null;
        }
        return new Outcome(new Reception(verdict, batch.lastNumber() + 1, batch.after(), List.of(), begun), true);
    }

    private Outcome continued(
            TenantTransaction transaction, TenantId tenant, SpooledBatch batch, Row row, List<EntryDraft> drafts)
            throws SQLException {
        Recorder recorder = row.standing.recorder();
        Receipt last = row.lastEntry;
        long next = row.standing.nextNumber();
        Digest lastHash = row.lastHash;
        if (last != null && !isThere(transaction, tenant, last)) {
            next = nextOfWhatIsLeft(transaction, tenant, row, last);
            lastHash = null;
        }
        Verdict verdict = verdict(batch, next, lastHash);
        if (verdict == Verdict.APPENDED) {
            Receipt entry = append(transaction, tenant, recorder, drafts);
            try (PreparedStatement statement = transaction.connection().prepareStatement(APPENDED)) {
                moved(statement, tenant, recorder, batch, entry);
                statement.executeUpdate();
            }
            return new Outcome(new Reception(verdict, batch.lastNumber() + 1, batch.after()), last == null);
        }
        if (batch.highestNumber() > row.standing.highestNumber()) {
            try (PreparedStatement statement = transaction.connection().prepareStatement(TOLD)) {
                statement.setLong(1, batch.highestNumber());
                Times.write(statement, 2, clock.instant());
                name(statement, 3, tenant, recorder, batch.spoolId());
                statement.executeUpdate();
            }
        }
        return new Outcome(new Reception(verdict, next, lastHash));
    }

    /** From here on the ledger expects what the spool has told of, also where it never takes the first of it. */
    private void hearOf(
            TenantTransaction transaction,
            TenantId tenant,
            Sender sender,
            SpooledBatch batch,
            Digest begins,
            long begun)
            throws SQLException {
        try (PreparedStatement statement = transaction.connection().prepareStatement(HEARD_OF)) {
            statement.setBytes(1, begins.bytes());
            statement.setLong(2, batch.highestNumber());
            Times.write(statement, 3, clock.instant());
            name(statement, 4, tenant, sender.recorder(), batch.spoolId());
            statement.setString(8, sender.keyId());
            statement.setLong(9, begun);
            statement.executeUpdate();
        }
    }

    private static boolean isThere(TenantTransaction transaction, TenantId tenant, Receipt entry) throws SQLException {
        try (PreparedStatement statement = transaction.connection().prepareStatement(IS_THERE)) {
            statement.setString(1, tenant.value());
            statement.setLong(2, entry.seq());
            Times.write(statement, 3, entry.recordedAt());
            statement.setBytes(4, entry.entryHash().bytes());
            statement.setString(5, tenant.value());
            statement.setLong(6, entry.seq());
            try (ResultSet row = statement.executeQuery()) {
                return row.next() && row.getBoolean(1);
            }
        }
    }

    /** A ledger that has lost entries has the last record of the spool that its frames tell of. */
    private long nextOfWhatIsLeft(TenantTransaction transaction, TenantId tenant, Row row, Receipt last)
            throws SQLException {
        Recorder recorder = row.standing.recorder();
        try (PreparedStatement statement = transaction.connection().prepareStatement(FRAMES)) {
            statement.setFetchSize(FRAMES_AT_ONCE);
            statement.setString(1, tenant.value());
            statement.setString(2, recorder.home().value());
            statement.setString(3, recorder.caller().toString());
            statement.setLong(4, last.seq());
            try (ResultSet frames = statement.executeQuery()) {
                while (frames.next()) {
                    OptionalLong number = codec.spoolNumber(frames.getBytes(1), row.standing.spoolId());
                    if (number.isPresent()) {
                        return number.getAsLong() + 1;
                    }
                }
                return 1;
            }
        }
    }

    private static Verdict verdict(SpooledBatch batch, long next, @Nullable Digest lastHash) {
        if (batch.records().isEmpty()) {
            return Verdict.ASKED;
        }
        long first = batch.records().getFirst().number();
        if (first != next) {
            return first < next ? Verdict.KNOWN : Verdict.MISSING;
        }
        return lastHash == null || lastHash.equals(batch.before()) ? Verdict.APPENDED : Verdict.FORKED;
    }

    /** Appends, and returns the last entry. */
    private Receipt append(TenantTransaction transaction, TenantId tenant, Recorder recorder, List<EntryDraft> drafts)
            throws SQLException {
        AppendCommand command = new AppendCommand(recorder, drafts, null);
        return switch (ledger.append(transaction, tenant, List.of(command)).getFirst()) {
            case AppendResult.Appended(List<Receipt> receipts) -> receipts.getLast();
            case AppendResult.Replayed _, AppendResult.KeyReused _, AppendResult.Refused _ ->
                throw new IllegalStateException("Without a key, and without a condition");
        };
    }

    /** How many rows that makes: none where another call was faster. */
    private int insert(
            TenantTransaction transaction,
            TenantId tenant,
            Sender sender,
            SpooledBatch batch,
            Receipt entry,
            long begun)
            throws SQLException {
        try (PreparedStatement statement = transaction.connection().prepareStatement(INSERT)) {
            moved(statement, tenant, sender.recorder(), batch, entry);
            statement.setString(12, sender.keyId());
            statement.setLong(13, begun);
            return statement.executeUpdate();
        }
    }

    /** The first eleven values of whatever says that a batch was appended. */
    private void moved(
            PreparedStatement statement, TenantId tenant, Recorder recorder, SpooledBatch batch, Receipt entry)
            throws SQLException {
        statement.setLong(1, batch.lastNumber() + 1);
        statement.setBytes(2, batch.after().bytes());
        statement.setLong(3, Math.max(batch.highestNumber(), batch.lastNumber()));
        Times.write(statement, 4, clock.instant());
        statement.setLong(5, entry.seq());
        statement.setBytes(6, entry.entryHash().bytes());
        Times.write(statement, 7, entry.recordedAt());
        name(statement, 8, tenant, recorder, batch.spoolId());
    }

    private static void name(PreparedStatement statement, int from, TenantId tenant, Recorder recorder, String spoolId)
            throws SQLException {
        statement.setString(from, tenant.value());
        statement.setString(from + 1, recorder.home().value());
        statement.setString(from + 2, recorder.caller().toString());
        statement.setString(from + 3, spoolId);
    }

    private static @Nullable Row find(TenantTransaction transaction, TenantId tenant, Recorder recorder, String spoolId)
            throws SQLException {
        try (PreparedStatement statement = transaction.connection().prepareStatement(FIND)) {
            name(statement, 1, tenant, recorder, spoolId);
            try (ResultSet row = statement.executeQuery()) {
                return row.next() ? read(row) : null;
            }
        }
    }

    private static boolean hasEntries(TenantTransaction transaction, TenantId tenant, String spoolId)
            throws SQLException {
        try (PreparedStatement statement = transaction.connection().prepareStatement(HAS_ENTRIES)) {
            statement.setString(1, tenant.value());
            statement.setString(2, spoolId);
            try (ResultSet row = statement.executeQuery()) {
                return row.next() && row.getBoolean(1);
            }
        }
    }

    private static Begun begun(TenantTransaction transaction, TenantId tenant, Sender sender) throws SQLException {
        try (PreparedStatement statement = transaction.connection().prepareStatement(BEGUN)) {
            statement.setString(1, tenant.value());
            statement.setString(2, sender.keyId());
            statement.setString(3, tenant.value());
            statement.setString(4, sender.keyId());
            try (ResultSet row = statement.executeQuery()) {
                return row.next() ? new Begun(row.getLong(1), row.getLong(2)) : new Begun(0, 0);
            }
        }
    }

    /** What was appended is, also where this cannot be told. */
    private List<Standing> leftIfKnown(TenantId tenant, Recorder recorder, SpooledBatch batch) {
        try {
            return left(tenant, recorder, batch);
        } catch (StorageException | StoreUnavailableException e) {
            LOG.warn("What the spool before {} of tenant {} left behind cannot be told", batch.spoolId(), tenant, e);
            return List.of();
        }
    }

    private List<Standing> left(TenantId tenant, Recorder recorder, SpooledBatch batch) {
        return database.inSnapshot(tenant.value(), transaction -> {
            try (PreparedStatement statement = transaction.connection().prepareStatement(LEFT)) {
                name(statement, 1, tenant, recorder, batch.spoolId());
                return standings(statement);
            }
        });
    }

    @Override
    public List<Standing> list(TenantId tenant) {
        return database.inSnapshot(tenant.value(), transaction -> {
            try (PreparedStatement statement = transaction.connection().prepareStatement(LIST)) {
                statement.setString(1, tenant.value());
                return standings(statement);
            }
        });
    }

    @Override
    public LossResult declareLost(Loss loss) {
        TenantId tenant = loss.tenant();
        return database.inTransaction(tenant.value(), transaction -> {
            OwnEntries.lockHead(transaction, tenant);
            Row row = find(transaction, tenant, loss.recorder(), loss.spoolId());
            if (row == null) {
                return new LossResult.NoSuchSpool();
            }
            Standing standing = row.standing;
            long from = standing.nextNumber();
            if (loss.throughNumber() < from || loss.throughNumber() > standing.highestNumber()) {
                return new LossResult.NotMissing(standing);
            }
            Receipt entry = entries.append(transaction, tenant, loss.by(), List.of(SpoolLossEvent.of(loss, from)))
                    .getFirst();
            try (PreparedStatement statement = transaction.connection().prepareStatement(LOST)) {
                statement.setLong(1, loss.throughNumber() + 1);
                statement.setLong(2, loss.throughNumber() + 1);
                Times.write(statement, 3, clock.instant());
                name(statement, 4, tenant, loss.recorder(), loss.spoolId());
                statement.executeUpdate();
            }
            return new LossResult.Declared(entry, from, loss.throughNumber());
        });
    }

    private static List<Standing> standings(PreparedStatement statement) throws SQLException {
        List<Standing> standings = new ArrayList<>();
        try (ResultSet row = statement.executeQuery()) {
            while (row.next()) {
                standings.add(read(row).standing);
            }
        }
        return standings;
    }

    private static Row read(ResultSet row) throws SQLException {
        Recorder recorder = new Recorder(Subject.parse(row.getString(1)), new TenantId(row.getString(2)));
        Instant heardAt = Times.read(row, 6);
        byte[] hash = row.getBytes(7);
        byte[] entryHash = row.getBytes(9);
        return new Row(
                new Standing(recorder, row.getString(3), row.getLong(4), row.getLong(5), heardAt),
                hash == null ? null : Digest.of(hash),
                entryHash == null ? null : new Receipt(row.getLong(8), Digest.of(entryHash), Times.read(row, 10)));
    }
}
