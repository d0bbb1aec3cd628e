package dev.assize.server.storage;

import com.google.inject.Inject;
import dev.assize.server.anchor.AnchorRepository;
import dev.assize.server.anchor.Published;
import dev.assize.server.ledger.AppendCommand;
import dev.assize.server.ledger.AppendResult;
import dev.assize.server.ledger.EntryDraft;
import dev.assize.server.ledger.Receipt;
import dev.assize.server.ledger.Sequencer;
import dev.assize.server.model.Digest;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.TenantId;
import dev.assize.server.storage.TenantTransaction.Mode;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Function;

/** What signing keeps in PostgreSQL. A transaction that signs works for `~anchor`, which sees every tenant's ledger. */
final class PostgresAnchorRepository implements AnchorRepository {

    /** Whom a transaction that signs works for. */
    private static final String SIGNER = "~anchor";

    static final String META = "~meta";

    /** How long a round may wait for the place outside while its transaction is open. */
    private static final Duration ROUND_LIMIT = Duration.ofSeconds(60);

    private static final String TAKE_TURNS = "SELECT pg_try_advisory_xact_lock(hashtextextended('assize.anchor', 0))";

    private static final String BOUND_TO = "SELECT anchor_id FROM assize.anchor";

    private static final String BIND =
            "INSERT INTO assize.anchor (anchor_id, bound_at) VALUES (?, ?) ON CONFLICT DO NOTHING";

    private static final String REBIND = "UPDATE assize.anchor SET anchor_id = ?, bound_at = ? WHERE anchor_id = ?";

    private static final String HALT =
            "UPDATE assize.ledger_head SET halted = ? WHERE tenant_id = ? AND halted IS NULL";

    /** Without a `coalesce`: see {@link #WAITING}. */
    private static final String BEHIND_HEAD = "SELECT seq FROM assize.ledger_entry WHERE tenant_id = ? AND seq >="
            + " (SELECT CASE WHEN max(size) IS NULL THEN 0 ELSE max(size) END FROM assize.ledger_head WHERE tenant_id = ?)"
            + " ORDER BY seq LIMIT 1";

    private static final String KEEP_COSIGNED = "INSERT INTO assize.meta_cosignature AS c"
            + " (witness, incarnation, size, root, note, cosigned_at, line) VALUES (?, ?, ?, ?, ?, ?, ?)"
            + " ON CONFLICT (witness) DO UPDATE SET incarnation = excluded.incarnation, size = excluded.size,"
            + " root = excluded.root, note = excluded.note, cosigned_at = excluded.cosigned_at, line = excluded.line"
            + " WHERE (excluded.incarnation, excluded.size, excluded.cosigned_at)"
            + " >= (c.incarnation, c.size, c.cosigned_at)";

    private static final String LAST_KEY =
            "SELECT vkey FROM assize.signing_key ORDER BY first_used_at DESC, vkey LIMIT 1";

    private static final String KEEP_KEY =
            "INSERT INTO assize.signing_key (vkey, first_used_at) VALUES (?, ?) ON CONFLICT DO NOTHING";

    /**
     * Of an incarnation that was never signed, what it has kept has not waited: its newest entry tells. Positions stand alone,
     * not within an expression: that would be held back until row-level security has passed an entry, and each look would
     * read the ledger from its beginning. The order leaves one index to a plan that was made while there was nothing yet.
     */
    private static final String WAITING = "SELECT h.tenant_id, h.incarnation, k.kept, e.recorded_at FROM"
            + " assize.ledger_head h LEFT JOIN assize.ledger_tree t ON t.tenant_id = h.tenant_id AND t.incarnation ="
            + " h.incarnation CROSS JOIN LATERAL (SELECT coalesce(t.size, 0) AS kept) k CROSS JOIN LATERAL (SELECT CASE"
            + " WHEN t.size IS NOT NULL THEN (SELECT i.recorded_at FROM assize.ledger_entry i"
            + " WHERE i.tenant_id = h.tenant_id AND i.seq >= t.size ORDER BY i.seq LIMIT 1)"
            + " WHEN h.incarnation > 1 THEN h.last_recorded_at"
            + " ELSE (SELECT i.recorded_at FROM assize.ledger_entry i"
            + " WHERE i.tenant_id = h.tenant_id AND i.seq >= 0 ORDER BY i.seq LIMIT 1) END AS recorded_at) e"
            + " WHERE h.halted IS NULL AND h.size > k.kept AND e.recorded_at IS NOT NULL ORDER BY e.recorded_at LIMIT ?";

    private final Database database;
    private final LedgerWriter writer;

    @Inject
    PostgresAnchorRepository(Database database, LedgerWriter writer) {
        this.database = database;
        this.writer = writer;
    }

    @Override
    public String deployment() {
        return database.deployment();
    }

    @Override
    public Optional<String> boundTo() {
        return database.inSnapshot(
                SIGNER, transaction -> transaction.find(BOUND_TO, parameters -> {}, row -> row.getString(1)));
    }

    @Override
    public void bind(String anchorId, Instant now) {
        int _ = database.inTransaction(
                SIGNER,
                transaction -> transaction.write(BIND, parameters -> {
                    parameters.text(anchorId);
                    parameters.time(now);
                }));
    }

    @Override
    public Receipt rebind(String from, String to, Instant now, EntryDraft entry) {
        return database.inTransaction(TenantId.ASSIZE.value(), transaction -> {
            int bound = transaction.write(REBIND, parameters -> {
                parameters.text(to);
                parameters.time(now);
                parameters.text(from);
            });
            if (bound != 1) {
                throw new IllegalStateException("The heads are not kept in " + from + " any more");
            }
            AppendCommand command = new AppendCommand(Recorder.ASSIZE, List.of(entry), null);
            AppendResult result = writer.append(transaction, TenantId.ASSIZE, List.of(command))
                    .getFirst();
            if (result instanceof AppendResult.Appended appended) {
                return appended.receipts().getFirst();
            }
            throw new IllegalStateException("An entry without conditions was not appended: " + result);
        });
    }

    @Override
    public <T> Optional<T> inRound(Function<Round, T> work) {
        return database.inTransaction(Mode.WRITE, SIGNER, ROUND_LIMIT, transaction -> {
            if (!takesItsTurn(transaction)) {
                return Optional.<T>empty();
            }
            return Optional.of(work.apply(new PostgresAnchorRound(transaction, database.deployment())));
        });
    }

    private static boolean takesItsTurn(TenantTransaction transaction) throws SQLException {
        try (PreparedStatement statement = transaction.connection().prepareStatement(TAKE_TURNS);
                ResultSet row = statement.executeQuery()) {
            return row.next() && row.getBoolean(1);
        }
    }

    @Override
    public boolean halt(TenantId tenant, String reason) {
        int halted = database.inTransaction(
                tenant.value(),
                transaction -> transaction.write(HALT, parameters -> {
                    parameters.text(reason);
                    parameters.text(tenant.value());
                }));
        return halted == 1;
    }

    @Override
    public Standing standing(TenantId tenant) {
        return database.inSnapshot(
                tenant.value(),
                transaction -> LedgerWriter.head(transaction, tenant)
                        .map(row -> new Standing(
                                tenant,
                                row.head().origin(),
                                row.head().incarnation(),
                                row.head().size(),
                                row.head().lastHash(),
                                row.halted()))
                        .orElseGet(() -> {
                            var genesis = Sequencer.genesis(database.origin(tenant));
                            return new Standing(
                                    tenant,
                                    genesis.origin(),
                                    genesis.incarnation(),
                                    genesis.size(),
                                    genesis.lastHash(),
                                    null);
                        }));
    }

    @Override
    public long metaSize(int incarnation) {
        return database.inSnapshot(SIGNER, transaction -> PostgresAnchorRound.metaSize(transaction, incarnation));
    }

    @Override
    public List<Waiting> waiting(int limit) {
        return database.inSnapshot(SIGNER, transaction -> {
            List<Waiting> waiting = new ArrayList<>();
            try (PreparedStatement statement = transaction.connection().prepareStatement(WAITING)) {
                statement.setInt(1, limit);
                try (ResultSet row = statement.executeQuery()) {
                    while (row.next()) {
                        waiting.add(new Waiting(
                                new TenantId(row.getString(1)), row.getInt(2), row.getLong(3), Times.read(row, 4)));
                    }
                }
            }
            return waiting;
        });
    }

    @Override
    public OptionalLong behindHead(TenantId tenant) {
        return database.inSnapshot(
                tenant.value(),
                transaction -> transaction
                        .find(
                                BEHIND_HEAD,
                                parameters -> {
                                    parameters.text(tenant.value());
                                    parameters.text(tenant.value());
                                },
                                row -> row.getLong(1))
                        .map(OptionalLong::of)
                        .orElseGet(OptionalLong::empty));
    }

    @Override
    public Receipt begin(TenantId tenant, int incarnation, Function<LeftBeside, EntryDraft> first) {
        return database.inTransaction(
                tenant.value(), transaction -> writer.begin(transaction, tenant, incarnation, first));
    }

    @Override
    public <T> T published(Function<Published, T> work) {
        return database.inSnapshot(SIGNER, transaction -> {
            return work.apply(new PostgresPublished(transaction));
        });
    }

    @Override
    public List<PrunedRow> pruned(TenantId tenant) {
        return database.inSnapshot(tenant.value(), transaction -> PrunedRows.all(transaction, tenant));
    }

    @Override
    public Digest pastActions(TenantId tenant, long toSeq) {
        return database.inSnapshot(tenant.value(), transaction -> PrunedRows.pastActions(transaction, tenant, toSeq));
    }

    @Override
    public void recordSigningKey(String key, Instant now, Function<String, EntryDraft> entry) {
        int _ = database.inTransaction(TenantId.ASSIZE.value(), transaction -> {
            Optional<String> before = lastKey(transaction);
            int added;
            try (PreparedStatement statement = transaction.connection().prepareStatement(KEEP_KEY)) {
                statement.setString(1, key);
                statement.setObject(2, now.atOffset(ZoneOffset.UTC));
                added = statement.executeUpdate();
            }
            if (added == 1 && before.isPresent()) {
                AppendCommand command = new AppendCommand(Recorder.ASSIZE, List.of(entry.apply(before.get())), null);
                return writer.append(transaction, TenantId.ASSIZE, List.of(command))
                        .size();
            }
            return added;
        });
    }

    private static Optional<String> lastKey(TenantTransaction transaction) throws SQLException {
        try (PreparedStatement statement = transaction.connection().prepareStatement(LAST_KEY);
                ResultSet row = statement.executeQuery()) {
            return row.next() ? Optional.of(row.getString(1)) : Optional.empty();
        }
    }

    @Override
    public void keep(List<CosignedCheckpoint> cosigned) {
        int[] _ = database.inTransaction(SIGNER, transaction -> {
            try (PreparedStatement statement = transaction.connection().prepareStatement(KEEP_COSIGNED)) {
                for (CosignedCheckpoint one : cosigned) {
                    PublishedCheckpoint checkpoint = one.checkpoint();
                    statement.setString(1, one.witness());
                    statement.setInt(2, checkpoint.incarnation());
                    statement.setLong(3, checkpoint.size());
                    statement.setBytes(4, checkpoint.root().bytes());
                    statement.setString(5, checkpoint.note());
                    statement.setObject(6, checkpoint.signedAt().atOffset(ZoneOffset.UTC));
                    statement.setString(7, one.line());
                    statement.addBatch();
                }
                return statement.executeBatch();
            }
        });
    }
}
