package dev.assize.server.storage;

import com.google.inject.Inject;
import dev.assize.server.audit.AuditCodec;
import dev.assize.server.audit.AuditEvent;
import dev.assize.server.audit.Erasable;
import dev.assize.server.audit.ErasureEvents;
import dev.assize.server.ledger.ErasableValue;
import dev.assize.server.ledger.Receipt;
import dev.assize.server.model.Digest;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.retention.Erasure;
import dev.assize.server.retention.Erasure.Erased;
import dev.assize.server.retention.Erasure.Result;
import dev.assize.server.retention.Hold;
import dev.assize.server.retention.Hold.Act;
import dev.assize.server.retention.Hold.Page;
import dev.assize.server.retention.Hold.Placing;
import dev.assize.server.retention.Hold.Release;
import dev.assize.server.retention.Hold.ReleaseResult;
import dev.assize.server.retention.HoldEvents;
import dev.assize.server.retention.HoldScope;
import dev.assize.server.retention.RetentionRepository;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Erasure and holds in PostgreSQL. The head of the ledger is locked first, by all of them: what is read of holds and of
 * values stays as it is until the transaction ends. The database checks holds once more in the function that erases.
 */
final class PostgresRetentionRepository implements RetentionRepository {

    private static final String ENTRIES = "SELECT e.seq, e.frame, e.env, ARRAY(SELECT h.hold_id FROM"
            + " assize.ledger_holds_on(e.tenant_id, e.recorded_at, e.actor, e.resource) AS h (hold_id))"
            + " FROM assize.ledger_entry e WHERE e.tenant_id = ? AND e.seq = ANY (?)";

    private static final String ERASE = "SELECT assize.erase_ledger_values(?, ?, ?)";

    /** Columns of a hold, as {@link #read} reads them. */
    private static final String HOLDS = "SELECT hold_id, actor, resource, from_time, to_time, reason, placed_by,"
            + " placed_by_tenant, placed_at, placed_seq, released_by, released_by_tenant, released_at, released_seq"
            + " FROM assize.ledger_hold WHERE tenant_id = ?";

    private static final String EVERY_HOLD = HOLDS + " ORDER BY placed_seq";

    private static final String LOCK_HOLD = HOLDS + " AND hold_id = ? FOR UPDATE";

    private static final String SOME_HOLDS =
            HOLDS + " AND (? OR released_at IS NULL) AND placed_seq > ?" + " ORDER BY placed_seq LIMIT ?";

    private static final String INSERT_HOLD = "INSERT INTO assize.ledger_hold (tenant_id, hold_id, actor, resource,"
            + " from_time, to_time, reason, placed_by, placed_by_tenant, placed_at, placed_seq)"
            + " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

    private static final String RELEASE_HOLD = "UPDATE assize.ledger_hold SET released_by = ?, released_by_tenant = ?,"
            + " released_at = ?, released_seq = ? WHERE tenant_id = ? AND hold_id = ?";

    private static final String LAST_ERASURE = "SELECT seq, entry_hash, recorded_at FROM assize.ledger_entry"
            + " WHERE tenant_id = ? AND resource = ? AND type = ? ORDER BY seq DESC LIMIT 1";

    private final Database database;
    private final OwnEntries entries;
    private final AuditCodec codec;

    @Inject
    PostgresRetentionRepository(Database database, OwnEntries entries, AuditCodec codec) {
        this.database = database;
        this.entries = entries;
        this.codec = codec;
    }

    @Override
    public Result erase(Erasure erasure) {
        TenantId tenant = erasure.tenant();
        return database.inTransaction(tenant.value(), transaction -> {
            OwnEntries.lockHead(transaction, tenant);
            Plan plan = plan(transaction, erasure);
            if (plan.refusal != null) {
                transaction.abandon();
                return plan.refusal;
            }
            Map<Long, Receipt> recorded = record(transaction, erasure, plan.parts);
            List<Erased> erased = new ArrayList<>();
            for (long seq : erasure.seqs()) {
                Set<Erasable> parts = plan.parts.getOrDefault(seq, Set.of());
                if (!parts.isEmpty()) {
                    remove(transaction, tenant, seq, parts);
                }
                Receipt receipt = recorded.get(seq);
                Optional<Receipt> entry =
                        receipt == null ? lastErasure(transaction, tenant, seq) : Optional.of(receipt);
                if (entry.isEmpty()) {
                    transaction.abandon();
                    return new Result.Lost(seq);
                }
                erased.add(new Erased(seq, parts, entry.get()));
            }
            return new Result.Done(List.copyOf(erased));
        });
    }

    /** What is to be erased of each entry, or why nothing is. */
    private record Plan(
            Map<Long, Set<Erasable>> parts, @Nullable Result refusal) {

        static Plan refused(Result refusal) {
            return new Plan(Map.of(), refusal);
        }
    }

    private Plan plan(TenantTransaction transaction, Erasure erasure) throws SQLException {
        Map<Long, Found> found = find(transaction, erasure);
        Map<Long, List<ErasableValue>> values = ErasableRows.find(transaction, erasure.tenant(), erasure.seqs());
        Map<Long, Set<Erasable>> parts = new HashMap<>();
        for (long seq : erasure.seqs()) {
            Found entry = found.get(seq);
            if (entry == null) {
                return Plan.refused(new Result.NoSuchEntry(seq));
            }
            if (entry.erasable.isEmpty() || !entry.erasable.containsAll(erasure.parts())) {
                return Plan.refused(new Result.NotErasable(seq, entry.erasable));
            }
            if (!entry.holds.isEmpty()) {
                return Plan.refused(new Result.Held(seq, entry.holds));
            }
            Set<Erasable> wanted = EnumSet.copyOf(erasure.parts().isEmpty() ? entry.erasable : erasure.parts());
            wanted.removeIf(part ->
                    values.getOrDefault(seq, List.of()).stream().noneMatch(value -> value.field() == part.field()));
            parts.put(seq, wanted);
        }
        return new Plan(parts, null);
    }

    /** An entry as far as erasing concerns it. */
    private record Found(Set<Erasable> erasable, List<String> holds) {}

    private Map<Long, Found> find(TenantTransaction transaction, Erasure erasure) throws SQLException {
        Map<Long, Found> found = new HashMap<>();
        try (PreparedStatement statement = transaction.connection().prepareStatement(ENTRIES)) {
            StatementArrays arrays = new StatementArrays(statement);
            arrays.text(erasure.tenant().value());
            arrays.longs(erasure.seqs(), seq -> seq);
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    String env = row.getString(3);
                    if (erasure.envs().isEmpty()
                            || erasure.envs().stream().anyMatch(it -> it.value().equals(env))) {
                        Set<Integer> committed =
                                codec.commitments(row.getBytes(2)).keySet();
                        Set<Erasable> erasable = EnumSet.allOf(Erasable.class);
                        erasable.removeIf(part -> !committed.contains(part.field()));
                        found.put(row.getLong(1), new Found(erasable, List.of((String[])
                                row.getArray(4).getArray())));
                    }
                }
            }
        }
        return found;
    }

    private Map<Long, Receipt> record(TenantTransaction transaction, Erasure erasure, Map<Long, Set<Erasable>> parts)
            throws SQLException {
        List<Long> seqs = erasure.seqs().stream()
                .filter(seq -> !parts.getOrDefault(seq, Set.of()).isEmpty())
                .toList();
        List<AuditEvent> events = seqs.stream()
                .map(seq -> ErasureEvents.erased(
                        erasure.tenant(), erasure.by(), seq, parts.getOrDefault(seq, Set.of()), erasure.basis()))
                .toList();
        Map<Long, Receipt> recorded = new HashMap<>();
        if (!events.isEmpty()) {
            List<Receipt> receipts = entries.append(transaction, erasure.tenant(), erasure.by(), events);
            for (int i = 0; i < seqs.size(); i++) {
                recorded.put(seqs.get(i), receipts.get(i));
            }
        }
        return recorded;
    }

    private static void remove(TenantTransaction transaction, TenantId tenant, long seq, Set<Erasable> parts)
            throws SQLException {
        try (PreparedStatement statement = transaction.connection().prepareStatement(ERASE)) {
            statement.setString(1, tenant.value());
            statement.setLong(2, seq);
            Object[] fields = parts.stream().map(part -> (short) part.field()).toArray();
            statement.setArray(3, transaction.connection().createArrayOf("int2", fields));
            try (ResultSet row = statement.executeQuery()) {
                if (!row.next() || row.getInt(1) != parts.size()) {
                    throw new IllegalStateException("Values of entry " + seq + " changed under the head's lock");
                }
            }
        }
    }

    private static Optional<Receipt> lastErasure(TenantTransaction transaction, TenantId tenant, long seq)
            throws SQLException {
        return transaction.find(
                LAST_ERASURE,
                parameters -> {
                    parameters.text(tenant.value());
                    parameters.text(ErasureEvents.resource(tenant, seq).value());
                    parameters.text(ErasureEvents.TYPE);
                },
                row -> new Receipt(row.getLong(1), Digest.of(row.getBytes(2)), Times.read(row, 3)));
    }

    @Override
    public Hold place(Placing placing) {
        TenantId tenant = placing.tenant();
        return database.inTransaction(tenant.value(), transaction -> {
            String id = "h" + OwnEntries.lockHead(transaction, tenant);
            Receipt entry = entries.append(transaction, tenant, placing.by(), List.of(HoldEvents.placed(placing, id)))
                    .getFirst();
            Hold hold = new Hold(
                    id,
                    placing.scope(),
                    OwnDrafts.masking(transaction, tenant).masked(placing.reason()),
                    new Act(placing.by(), entry.recordedAt(), entry.seq()),
                    null);
            int _ = transaction.write(INSERT_HOLD, parameters -> write(parameters, tenant, hold));
            return hold;
        });
    }

    @Override
    public ReleaseResult release(Release release) {
        TenantId tenant = release.tenant();
        return database.inTransaction(tenant.value(), transaction -> {
            OwnEntries.lockHead(transaction, tenant);
            Hold hold = transaction
                    .find(
                            LOCK_HOLD,
                            parameters -> {
                                parameters.text(tenant.value());
                                parameters.text(release.id());
                            },
                            PostgresRetentionRepository::read)
                    .orElse(null);
            if (hold == null) {
                transaction.abandon();
                return new ReleaseResult.NoSuchHold();
            }
            if (hold.released() != null) {
                transaction.abandon();
                return new ReleaseResult.Released(hold);
            }
            if (hold.placed().by().equals(release.by())) {
                transaction.abandon();
                return new ReleaseResult.Own(hold);
            }
            Receipt entry = entries.append(
                            transaction, tenant, release.by(), List.of(HoldEvents.released(release, hold)))
                    .getFirst();
            int _ = transaction.write(RELEASE_HOLD, parameters -> {
                parameters.text(release.by().caller().toString());
                parameters.text(release.by().home().value());
                parameters.time(entry.recordedAt());
                parameters.longNumber(entry.seq());
                parameters.text(tenant.value());
                parameters.text(release.id());
            });
            return new ReleaseResult.Released(new Hold(
                    hold.id(),
                    hold.scope(),
                    hold.reason(),
                    hold.placed(),
                    new Act(release.by(), entry.recordedAt(), entry.seq())));
        });
    }

    @Override
    public List<Hold> list(TenantId tenant, Page page) {
        return database.inSnapshot(
                tenant.value(),
                transaction -> transaction.read(
                        SOME_HOLDS,
                        parameters -> {
                            parameters.text(tenant.value());
                            parameters.truth(page.includeReleased());
                            parameters.longNumber(page.behindSeq().orElse(-1L));
                            parameters.number(page.limit());
                        },
                        PostgresRetentionRepository::read));
    }

    /** All of a tenant, in the order in which they were placed. */
    static List<Hold> holds(TenantTransaction transaction, TenantId tenant) throws SQLException {
        return transaction.read(
                EVERY_HOLD, parameters -> parameters.text(tenant.value()), PostgresRetentionRepository::read);
    }

    private static void write(StatementArrays parameters, TenantId tenant, Hold hold) throws SQLException {
        parameters.text(tenant.value());
        parameters.text(hold.id());
        parameters.textOrNull(text(hold.scope().actor()));
        parameters.textOrNull(text(hold.scope().resource()));
        parameters.timeOrNull(hold.scope().from());
        parameters.timeOrNull(hold.scope().to());
        parameters.text(hold.reason());
        parameters.text(hold.placed().by().caller().toString());
        parameters.text(hold.placed().by().home().value());
        parameters.time(hold.placed().at());
        parameters.longNumber(hold.placed().seq());
    }

    private static Hold read(ResultSet row) throws SQLException {
        String actor = row.getString(2);
        String resource = row.getString(3);
        return new Hold(
                row.getString(1),
                new HoldScope(
                        actor == null ? null : Subject.parse(actor),
                        resource == null ? null : ResourcePath.parse(resource),
                        Times.readIfThere(row, 4),
                        Times.readIfThere(row, 5)),
                row.getString(6),
                act(row, 7),
                row.getString(11) == null ? null : act(row, 11));
    }

    /** Its four columns from one on. */
    private static Act act(ResultSet row, int first) throws SQLException {
        return new Act(
                new Recorder(Subject.parse(row.getString(first)), new TenantId(row.getString(first + 1))),
                Times.read(row, first + 2),
                row.getLong(first + 3));
    }

    private static @Nullable String text(@Nullable Object value) {
        return value == null ? null : value.toString();
    }
}
