package dev.assize.server.storage;

import com.google.inject.Inject;
import dev.assize.server.audit.Outcome;
import dev.assize.server.ledger.Receipt;
import dev.assize.server.ledger.StoredEntry;
import dev.assize.server.model.Calendar;
import dev.assize.server.model.Digest;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.retention.Pruning;
import dev.assize.server.retention.Pruning.Limit;
import dev.assize.server.retention.Pruning.Part;
import dev.assize.server.retention.Pruning.Plan;
import dev.assize.server.retention.Pruning.ProposalResult;
import dev.assize.server.retention.Pruning.Wish;
import dev.assize.server.retention.PruningEvents;
import dev.assize.server.retention.PruningRepository;
import dev.assize.server.storage.TenantTransaction.Mode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Pruning in PostgreSQL. What changes anything locks the ledger's head first, as appends, erasures and holds do: what was
 * asked of holds stays so until the transaction ends. The database asks once more in the function that removes.
 */
final class PostgresPruningRepository implements PruningRepository {

    /** How long the reader may take over the entries of one fetch. */
    private static final Duration READER_LIMIT = Duration.ofMinutes(2);

    private static final String STANDING = "SELECT coalesce((SELECT max(p.to_seq) FROM assize.ledger_pruned p"
            + " WHERE p.tenant_id = h.tenant_id), 0), h.size, coalesce((SELECT t.size FROM assize.ledger_tree t"
            + " WHERE t.tenant_id = h.tenant_id AND t.incarnation = h.incarnation), 0)"
            + " FROM assize.ledger_head h WHERE h.tenant_id = ?";

    private static final String FROM_TIME =
            "SELECT seq FROM assize.ledger_entry WHERE seq = (SELECT assize.ledger_seq_at(?, ?, false))"
                    + " AND tenant_id = ?";

    private static final String HELD = "SELECT h.hold_id, f.seq FROM assize.ledger_hold h CROSS JOIN LATERAL"
            + " (SELECT e.seq FROM assize.ledger_entry e WHERE e.tenant_id = h.tenant_id"
            + " AND (h.actor IS NULL OR h.actor = e.actor OR h.actor = (SELECT p.subject FROM assize.ledger_pseudonym p"
            + " WHERE p.tenant_id = e.tenant_id AND p.pseudonym = e.actor))"
            + " AND (h.resource IS NULL OR h.resource = e.resource OR starts_with(e.resource, h.resource || '/'))"
            + " AND (h.from_time IS NULL OR e.recorded_at >= h.from_time)"
            + " AND (h.to_time IS NULL OR e.recorded_at < h.to_time) ORDER BY e.seq LIMIT 1) f"
            // What says that a hold is in force stays as long as it is.
            + " WHERE h.tenant_id = ? AND h.released_at IS NULL UNION ALL SELECT h.hold_id, h.placed_seq"
            + " FROM assize.ledger_hold h WHERE h.tenant_id = ? AND h.released_at IS NULL"
            + " AND h.placed_seq >= ? ORDER BY seq, hold_id LIMIT 1";

    private static final String PROPOSE = "INSERT INTO assize.ledger_pruning (tenant_id, pruning_id, from_seq, to_seq,"
            + " reason, proposed_by, proposed_by_tenant, proposed_at, proposed_seq) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";

    private static final String FIND = "SELECT from_seq, to_seq, reason, proposed_by, proposed_by_tenant, proposed_at,"
            + " proposed_seq FROM assize.ledger_pruning WHERE tenant_id = ? AND pruning_id = ?";

    private static final String RECORDED_AT =
            "SELECT recorded_at FROM assize.ledger_entry WHERE tenant_id = ? AND seq = ?";

    private static final String COUNT_VALUES =
            "SELECT count(*) FROM assize.ledger_payload WHERE tenant_id = ? AND seq >= ? AND seq < ?";

    private static final String KEEP_ACTIONS =
            "INSERT INTO assize.ledger_past_action (tenant_id, to_seq, resource, actor,"
                    + " action, seq, recorded_at) SELECT DISTINCT ON (e.resource, e.actor, e.action) e.tenant_id, ?, e.resource,"
                    + " e.actor, e.action, e.seq, e.recorded_at FROM assize.ledger_entry e WHERE e.tenant_id = ? AND e.seq >= ?"
                    + " AND e.seq < ? AND e.outcome IN (" + Outcome.SUCCESS.number() + ", " + Outcome.PARTIAL.number()
                    + ")"
                    + " AND num_nulls(e.resource, e.actor, e.action) = 0 ORDER BY e.resource, e.actor, e.action, e.seq";

    private static final String KEEP =
            "INSERT INTO assize.ledger_pruned (tenant_id, to_seq, from_seq, pruning_id, note,"
                    + " object, pruned_by, pruned_by_tenant, pruned_at, pruned_seq) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

    private static final String PRUNE = "SELECT assize.prune_ledger_prefix(?, ?, ?)";

    private final Database database;
    private final OwnEntries entries;

    @Inject
    PostgresPruningRepository(Database database, OwnEntries entries) {
        this.database = database;
        this.entries = entries;
    }

    @Override
    public Plan plan(Wish wish, Instant now) {
        return database.inSnapshot(wish.tenant().value(), transaction -> plan(transaction, wish, now));
    }

    private Plan plan(TenantTransaction transaction, Wish wish, Instant now) throws SQLException {
        TenantId tenant = wish.tenant();
        Standing standing = standing(transaction, tenant);
        Duration retention = OwnDrafts.settings(transaction, tenant).retention();
        long end = standing.size;
        if (wish.toSeq() != null) {
            end = Math.min(end, wish.toSeq());
        }
        if (wish.before() != null) {
            end = Math.min(end, fromTime(transaction, tenant, wish.before()).orElse(end));
        }
        long wanted = wholeTiles(end);
        Optional<Limit> limit = limits(transaction, tenant, standing, retention, now).stream()
                .filter(it -> it.seq() < wanted)
                .min(Comparator.comparingLong(Limit::seq));
        long to = limit.map(it -> wholeTiles(it.seq())).orElse(wanted);
        return new Plan(standing.base, Math.max(standing.base, to), limit.orElse(null), retention);
    }

    private static long wholeTiles(long seq) {
        return seq - seq % Pruning.TILE;
    }

    private List<Limit> limits(
            TenantTransaction transaction,
            TenantId tenant,
            Standing standing,
            @Nullable Duration retention,
            Instant now)
            throws SQLException {
        List<Limit> limits = new ArrayList<>();
        if (retention == null) {
            limits.add(new Limit(
                    Limit.Kind.NO_RETENTION,
                    standing.base,
                    "entry " + standing.base + " stays: tenant `" + tenant
                            + "` declares no retention (spec.audit.retention of its Tenant), and keeps everything"));
        } else {
            Duration age = retention.compareTo(Pruning.YOUNGEST) < 0 ? Pruning.YOUNGEST : retention;
            fromTime(transaction, tenant, now.minus(age))
                    .ifPresent(seq -> limits.add(new Limit(
                            Limit.Kind.YOUNG,
                            seq,
                            "entry " + seq + " stays: it is not " + age.toDays() + " days old, "
                                    + (age.equals(retention)
                                            ? "the retention of tenant `" + tenant + "`"
                                            : "for which retries of an append are answered"))));
        }
        long signed = Math.max(standing.base, standing.signed - 1);
        limits.add(new Limit(
                Limit.Kind.UNSIGNED,
                signed,
                "entry " + signed + " stays: the ledger is signed up to " + standing.signed
                        + " entries, and the last of them is kept"));
        held(transaction, tenant, standing.base).ifPresent(limits::add);
        return limits;
    }

    private record Standing(long base, long size, long signed) {}

    private static Standing standing(TenantTransaction transaction, TenantId tenant) throws SQLException {
        try (PreparedStatement statement = transaction.connection().prepareStatement(STANDING)) {
            statement.setString(1, tenant.value());
            try (ResultSet row = statement.executeQuery()) {
                return row.next()
                        ? new Standing(row.getLong(1), row.getLong(2), row.getLong(3))
                        : new Standing(0, 0, 0);
            }
        }
    }

    private static Optional<Long> fromTime(TenantTransaction transaction, TenantId tenant, Instant time)
            throws SQLException {
        try (PreparedStatement statement = transaction.connection().prepareStatement(FROM_TIME)) {
            statement.setString(1, tenant.value());
            Instant held = time.isBefore(Calendar.FIRST) ? Calendar.FIRST : Calendar.atMostLast(time);
            Times.write(statement, 2, held.truncatedTo(ChronoUnit.MICROS));
            statement.setString(3, tenant.value());
            try (ResultSet row = statement.executeQuery()) {
                return row.next() ? Optional.of(row.getLong(1)) : Optional.empty();
            }
        }
    }

    private static Optional<Limit> held(TenantTransaction transaction, TenantId tenant, long base) throws SQLException {
        try (PreparedStatement statement = transaction.connection().prepareStatement(HELD)) {
            statement.setString(1, tenant.value());
            statement.setString(2, tenant.value());
            statement.setLong(3, base);
            try (ResultSet row = statement.executeQuery()) {
                return row.next()
                        ? Optional.of(new Limit(
                                Limit.Kind.HOLD,
                                row.getLong(2),
                                "entry " + row.getLong(2) + " stays: it is under legal hold " + row.getString(1)))
                        : Optional.empty();
            }
        }
    }

    @Override
    public ProposalResult propose(Wish wish, Recorder by, String reason, Instant now) {
        TenantId tenant = wish.tenant();
        return database.inTransaction(tenant.value(), transaction -> {
            String id = "p" + OwnEntries.lockHead(transaction, tenant);
            Plan plan = plan(transaction, wish, now);
            if (plan.isEmpty()) {
                transaction.abandon();
                return new ProposalResult.Nothing(plan);
            }
            Receipt entry = entries.append(
                            transaction,
                            tenant,
                            by,
                            List.of(PruningEvents.proposed(tenant, by, id, plan.fromSeq(), plan.toSeq(), reason)))
                    .getFirst();
            String masked = OwnDrafts.masking(transaction, tenant).masked(reason);
            Pruning pruning =
                    new Pruning(tenant, id, plan.fromSeq(), plan.toSeq(), masked, by, entry.recordedAt(), entry.seq());
            insert(transaction, pruning);
            return new ProposalResult.Proposed(pruning, plan.limit(), entry);
        });
    }

    private static void insert(TenantTransaction transaction, Pruning pruning) throws SQLException {
        try (PreparedStatement statement = transaction.connection().prepareStatement(PROPOSE)) {
            StatementArrays values = new StatementArrays(statement);
            values.text(pruning.tenant().value());
            values.text(pruning.id());
            values.longNumber(pruning.fromSeq());
            values.longNumber(pruning.toSeq());
            values.text(pruning.reason());
            values.text(pruning.by().caller().toString());
            values.text(pruning.by().home().value());
            values.time(pruning.at());
            values.longNumber(pruning.seq());
            statement.executeUpdate();
        }
    }

    @Override
    public Optional<Pruning> find(TenantId tenant, String id) {
        return database.inSnapshot(tenant.value(), transaction -> {
            try (PreparedStatement statement = transaction.connection().prepareStatement(FIND)) {
                statement.setString(1, tenant.value());
                statement.setString(2, id);
                try (ResultSet row = statement.executeQuery()) {
                    return row.next()
                            ? Optional.of(new Pruning(
                                    tenant,
                                    id,
                                    row.getLong(1),
                                    row.getLong(2),
                                    row.getString(3),
                                    new Recorder(Subject.parse(row.getString(4)), new TenantId(row.getString(5))),
                                    Times.read(row, 6),
                                    row.getLong(7)))
                            : Optional.empty();
                }
            }
        });
    }

    @Override
    public Instant recordedAt(TenantId tenant, long seq) {
        return database.inSnapshot(tenant.value(), transaction -> {
            try (PreparedStatement statement = transaction.connection().prepareStatement(RECORDED_AT)) {
                statement.setString(1, tenant.value());
                statement.setLong(2, seq);
                try (ResultSet row = statement.executeQuery()) {
                    if (!row.next()) {
                        throw new IllegalStateException("Entry " + seq + " was verified a moment ago and is gone");
                    }
                    return Times.read(row, 1);
                }
            }
        });
    }

    @Override
    public void read(TenantId tenant, long fromSeq, long toSeq, Reader reader) {
        boolean _ = database.inTransaction(Mode.SNAPSHOT, tenant.value(), READER_LIMIT, transaction -> {
            List<StoredEntry> slice = new ArrayList<>();
            for (long from = fromSeq; from < toSeq; from += Pruning.TILE) {
                slice.clear();
                new EntryCopy(transaction.connection(), tenant, slice::add, () -> true)
                        .read(from, Math.min(toSeq, from + Pruning.TILE) - 1);
                for (StoredEntry entry : slice) {
                    try {
                        reader.accept(
                                entry.seq(),
                                entry.frame(),
                                entry.beside(),
                                decisions(transaction, tenant, entry.seq()));
                    } catch (IOException e) {
                        throw new UncheckedIOException(e);
                    }
                }
            }
            return true;
        });
    }

    private static List<byte[]> decisions(TenantTransaction transaction, TenantId tenant, long seq)
            throws SQLException {
        return PostgresDecisionStore.pages(transaction, tenant, seq).stream()
                .flatMap(page -> page.records().stream())
                .toList();
    }

    @Override
    public PruningRepository.Ending prune(Removal removal, Function<Digest, Statement> statement, Instant now) {
        TenantId tenant = removal.pruning().tenant();
        return database.inTransaction(tenant.value(), transaction -> {
            long _ = OwnEntries.lockHead(transaction, tenant);
            Plan plan = plan(transaction, new Wish(tenant, removal.pruning().toSeq(), null), now);
            if (plan.fromSeq() != removal.fromSeq() || countValues(transaction, removal) != removal.values()) {
                transaction.abandon();
                return new PruningRepository.Ending.Moved(plan.fromSeq());
            }
            if (plan.limit() != null) {
                transaction.abandon();
                return new PruningRepository.Ending.Refused(plan.limit());
            }
            keepActions(transaction, removal);
            Statement said = statement.apply(PrunedRows.pastActions(transaction, tenant, removal.toSeq()));
            Receipt entry = entries.append(
                            transaction, tenant, removal.by(), List.of(PruningEvents.pruned(removal, said)))
                    .getFirst();
            keep(transaction, removal, said, entry);
            remove(transaction, removal);
            return new PruningRepository.Ending.Removed(
                    new Part(removal.fromSeq(), removal.toSeq(), said.root(), said.object(), said.digest(), entry));
        });
    }

    private static long countValues(TenantTransaction transaction, Removal removal) throws SQLException {
        try (PreparedStatement statement = transaction.connection().prepareStatement(COUNT_VALUES)) {
            statement.setString(1, removal.pruning().tenant().value());
            statement.setLong(2, removal.fromSeq());
            statement.setLong(3, removal.toSeq());
            try (ResultSet row = statement.executeQuery()) {
                return row.next() ? row.getLong(1) : 0;
            }
        }
    }

    private static void keepActions(TenantTransaction transaction, Removal removal) throws SQLException {
        try (PreparedStatement statement = transaction.connection().prepareStatement(KEEP_ACTIONS)) {
            statement.setLong(1, removal.toSeq());
            statement.setString(2, removal.pruning().tenant().value());
            statement.setLong(3, removal.fromSeq());
            statement.setLong(4, removal.toSeq());
            statement.executeUpdate();
        }
    }

    private static void keep(TenantTransaction transaction, Removal removal, Statement said, Receipt entry)
            throws SQLException {
        try (PreparedStatement statement = transaction.connection().prepareStatement(KEEP)) {
            StatementArrays values = new StatementArrays(statement);
            values.text(removal.pruning().tenant().value());
            values.longNumber(removal.toSeq());
            values.longNumber(removal.fromSeq());
            values.text(removal.pruning().id());
            values.text(said.note());
            values.text(said.object());
            values.text(removal.by().caller().toString());
            values.text(removal.by().home().value());
            values.time(entry.recordedAt());
            values.longNumber(entry.seq());
            statement.executeUpdate();
        }
    }

    private static void remove(TenantTransaction transaction, Removal removal) throws SQLException {
        try (PreparedStatement statement = transaction.connection().prepareStatement(PRUNE)) {
            statement.setString(1, removal.pruning().tenant().value());
            statement.setLong(2, removal.fromSeq());
            statement.setLong(3, removal.toSeq());
            try (ResultSet row = statement.executeQuery()) {
                if (!row.next() || row.getLong(1) != removal.toSeq() - removal.fromSeq()) {
                    throw new IllegalStateException("Other entries were removed than " + removal);
                }
            }
        }
    }
}
