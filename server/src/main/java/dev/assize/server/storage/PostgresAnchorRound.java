package dev.assize.server.storage;

import dev.assize.server.anchor.AnchorRepository.EntryReader;
import dev.assize.server.anchor.AnchorRepository.GrownTree;
import dev.assize.server.anchor.AnchorRepository.MetaLeaves;
import dev.assize.server.anchor.AnchorRepository.MetaSize;
import dev.assize.server.anchor.AnchorRepository.PresentHead;
import dev.assize.server.anchor.AnchorRepository.PrunedRow;
import dev.assize.server.anchor.AnchorRepository.Publication;
import dev.assize.server.anchor.AnchorRepository.PublishedCheckpoint;
import dev.assize.server.anchor.AnchorRepository.Round;
import dev.assize.server.anchor.AnchorRepository.SignedTree;
import dev.assize.server.anchor.AnchorRepository.Span;
import dev.assize.server.anchor.AnchorRepository.Unsigned;
import dev.assize.server.anchor.SignedHead;
import dev.assize.server.ledger.merkle.Tile;
import dev.assize.server.ledger.merkle.TileSource;
import dev.assize.server.ledger.merkle.TreeHash;
import dev.assize.server.model.Digest;
import dev.assize.server.model.TenantId;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** One transaction that signs. */
final class PostgresAnchorRound implements Round {

    /** Rows held in memory at a time while entries are read. */
    private static final int FETCH_SIZE = 500;

    private static final String META_SIZE =
            "SELECT incarnation, size, root FROM assize.ledger_tree WHERE tenant_id = ?";

    private static final String LAST_LEAF = "SELECT max(index) FROM assize.meta_leaf WHERE incarnation = ?";

    private static final String HEADS = "SELECT h.tenant_id, h.incarnation, h.size, t.incarnation, t.size, t.root"
            + " FROM assize.ledger_head h LEFT JOIN assize.ledger_tree t ON t.tenant_id = h.tenant_id";

    private static final String UNSIGNED = "SELECT h.tenant_id, h.incarnation, h.size,"
            + " coalesce(t.incarnation, 0), coalesce(t.size, 0) FROM assize.ledger_head h"
            + " LEFT JOIN assize.ledger_tree t ON t.tenant_id = h.tenant_id WHERE h.halted IS NULL AND h.size > 0"
            + " AND h.tenant_id <> ALL (?::text[])"
            + " AND (t.size IS NULL OR h.size > t.size OR h.incarnation <> t.incarnation)"
            + " ORDER BY t.signed_at NULLS FIRST, h.tenant_id LIMIT ?";

    /**
     * By the index of positions for each ledger, whatever PostgreSQL believes of its size: joined without a bound, it reads all
     * entries of all ledgers where one has some millions. The bound has room for a position that is there twice.
     */
    private static final String ENTRIES = "SELECT w.tenant_id, e.seq, e.frame, e.entry_hash FROM unnest(?::text[],"
            + " ?::bigint[], ?::bigint[]) AS w (tenant_id, from_seq, to_seq) CROSS JOIN LATERAL (SELECT i.seq, i.frame,"
            + " i.entry_hash FROM assize.ledger_entry i WHERE i.tenant_id = w.tenant_id AND i.seq >= w.from_seq AND i.seq"
            + " < w.to_seq ORDER BY i.seq LIMIT w.to_seq - w.from_seq + 1) e ORDER BY w.tenant_id, e.seq";

    private static final String UPSERT_TREES = "INSERT INTO assize.ledger_tree AS t"
            + " (tenant_id, incarnation, size, root, note, signed_at) SELECT * FROM"
            + " unnest(?::text[], ?::integer[], ?::bigint[], ?::bytea[], ?::text[], ?::timestamptz[])"
            + " ON CONFLICT (tenant_id) DO UPDATE SET incarnation = excluded.incarnation, size = excluded.size,"
            + " root = excluded.root, note = excluded.note,"
            + " signed_at = excluded.signed_at";

    private static final String UPSERT_CHECKPOINTS = "INSERT INTO assize.ledger_checkpoint AS c (tenant_id,"
            + " incarnation, hour, size, root, note, signed_at) SELECT n.tenant_id, n.incarnation, floor(extract(epoch"
            + " FROM n.signed_at) / 3600)::integer, n.size, n.root, n.note, n.signed_at FROM unnest(?::text[],"
            + " ?::integer[], ?::bigint[], ?::bytea[], ?::text[], ?::timestamptz[]) AS n (tenant_id, incarnation, size,"
            + " root, note, signed_at) ON CONFLICT (tenant_id, incarnation, hour) DO UPDATE SET size = excluded.size, root"
            + " = excluded.root, note = excluded.note, signed_at = excluded.signed_at WHERE excluded.size >= c.size";

    private static final String INSERT_TILES = "INSERT INTO assize.ledger_tile"
            + " (tenant_id, incarnation, level, index, root, hashes) SELECT * FROM"
            + " unnest(?::text[], ?::integer[], ?::smallint[], ?::bigint[], ?::bytea[], ?::bytea[])"
            + " ON CONFLICT DO NOTHING";

    private static final String ADOPT_TILES = "INSERT INTO assize.ledger_tile (tenant_id, incarnation, level, index,"
            + " root, hashes) SELECT DISTINCT ON (t.level, t.index) t.tenant_id, ?, t.level, t.index, t.root, t.hashes"
            + " FROM assize.ledger_tile t WHERE t.tenant_id = ? AND t.incarnation < ? AND (t.index + 1) * (1::bigint << (8"
            + " * (t.level + 1))) <= ? ORDER BY t.level, t.index, t.incarnation DESC ON CONFLICT DO NOTHING";

    private static final String INSERT_LEAVES = "INSERT INTO assize.meta_leaf (incarnation, index, tenant_id, leaf)"
            + " SELECT ?, l.* FROM unnest(?::bigint[], ?::text[], ?::text[]) AS l"
            + " ON CONFLICT (incarnation, index) DO UPDATE SET tenant_id = excluded.tenant_id, leaf = excluded.leaf";

    private static final String COUNT_LEAVES = "SELECT count(*) FROM assize.meta_leaf WHERE incarnation = ?";

    private static final String LATEST_LEAVES = "SELECT DISTINCT ON (tenant_id) leaf FROM assize.meta_leaf"
            + " WHERE incarnation = ? ORDER BY tenant_id, index DESC";

    private final TenantTransaction transaction;
    private final String deployment;

    PostgresAnchorRound(TenantTransaction transaction, String deployment) {
        this.transaction = transaction;
        this.deployment = deployment;
    }

    @Override
    public MetaSize metaSize() {
        try {
            return transaction
                    .find(
                            META_SIZE,
                            parameters -> parameters.text(PostgresAnchorRepository.META),
                            row -> new MetaSize(row.getInt(1), row.getLong(2), Digest.of(row.getBytes(3))))
                    .orElseGet(() -> new MetaSize(1, 0, Digest.of(TreeHash.emptyRoot())));
        } catch (SQLException e) {
            throw Database.failure(e);
        }
    }

    /** Leaves of the log of heads that are there, of one of its incarnations. */
    static long metaSize(TenantTransaction transaction, int incarnation) throws SQLException {
        return transaction
                .read(LAST_LEAF, parameters -> parameters.number(incarnation), PostgresAnchorRound::behind)
                .getFirst();
    }

    /** Of an index that is null where there is none. */
    private static long behind(ResultSet row) throws SQLException {
        long last = row.getLong(1);
        return row.wasNull() ? 0 : last + 1;
    }

    @Override
    public List<Unsigned> unsigned(int limit, Set<TenantId> left) {
        try (PreparedStatement statement = transaction.connection().prepareStatement(UNSIGNED)) {
            StatementArrays arrays = new StatementArrays(statement);
            arrays.texts(List.copyOf(left), TenantId::value);
            arrays.number(limit);
            List<Unsigned> unsigned = new ArrayList<>();
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    unsigned.add(new Unsigned(
                            new TenantId(row.getString(1)),
                            row.getInt(2),
                            row.getLong(3),
                            row.getInt(4),
                            row.getLong(5)));
                }
            }
            return unsigned;
        } catch (SQLException e) {
            throw Database.failure(e);
        }
    }

    @Override
    public List<PrunedRow> pruned(TenantId tenant) {
        return PrunedRows.withoutEntries(transaction, tenant);
    }

    @Override
    public void adoptTiles(TenantId tenant, int incarnation, long toSeq) {
        try (PreparedStatement statement = transaction.connection().prepareStatement(ADOPT_TILES)) {
            statement.setInt(1, incarnation);
            statement.setString(2, tenant.value());
            statement.setInt(3, incarnation);
            statement.setLong(4, toSeq);
            statement.executeUpdate();
        } catch (SQLException e) {
            throw Database.failure(e);
        }
    }

    @Override
    public List<PresentHead> heads() {
        try {
            return transaction.read(HEADS, parameters -> {}, PostgresAnchorRound::head);
        } catch (SQLException e) {
            throw Database.failure(e);
        }
    }

    private static PresentHead head(ResultSet row) throws SQLException {
        TenantId tenant = new TenantId(row.getString(1));
        byte[] root = row.getBytes(6);
        SignedHead published =
                root == null ? null : new SignedHead(tenant, row.getInt(4), row.getLong(5), Digest.of(root));
        return new PresentHead(tenant, row.getInt(2), row.getLong(3), published);
    }

    @Override
    public MetaLeaves leaves(int incarnation) {
        try (PreparedStatement count = transaction.connection().prepareStatement(COUNT_LEAVES);
                PreparedStatement latest = transaction.connection().prepareStatement(LATEST_LEAVES)) {
            count.setInt(1, incarnation);
            latest.setInt(1, incarnation);
            List<String> texts = new ArrayList<>();
            try (ResultSet number = count.executeQuery();
                    ResultSet row = latest.executeQuery()) {
                while (row.next()) {
                    texts.add(row.getString(1));
                }
                return new MetaLeaves(number.next() ? number.getLong(1) : 0, texts);
            }
        } catch (SQLException e) {
            throw Database.failure(e);
        }
    }

    @Override
    public void entries(List<Span> spans, EntryReader reader) {
        if (spans.isEmpty()) {
            return;
        }
        try (PreparedStatement statement = transaction.connection().prepareStatement(ENTRIES)) {
            statement.setFetchSize(FETCH_SIZE);
            StatementArrays arrays = new StatementArrays(statement);
            arrays.texts(spans, span -> span.tenant().value());
            arrays.longs(spans, Span::fromSeq);
            arrays.longs(spans, Span::toSeq);
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    reader.accept(new TenantId(row.getString(1)), row.getLong(2), row.getBytes(3), row.getBytes(4));
                }
            }
        } catch (SQLException e) {
            throw Database.failure(e);
        }
    }

    @Override
    public TileSource tiles(String log, int incarnation) {
        return new PostgresTiles(transaction, log, incarnation);
    }

    @Override
    public void publish(Publication publication) {
        try {
            insertTiles(publication.tiles());
            insertLeaves(publication);
            upsertTrees(publication.trees(), publication.meta());
            upsertCheckpoints(publication.trees(), publication.meta().signedAt());
        } catch (SQLException e) {
            throw Database.failure(e);
        }
    }

    private void insertTiles(List<GrownTree> grown) throws SQLException {
        List<TileRow> rows = grown.stream()
                .flatMap(tree -> tree.tiles().stream().map(tile -> new TileRow(tree, tile)))
                .toList();
        if (rows.isEmpty()) {
            return;
        }
        try (PreparedStatement statement = transaction.connection().prepareStatement(INSERT_TILES)) {
            StatementArrays arrays = new StatementArrays(statement);
            arrays.texts(rows, row -> row.tree().log());
            arrays.longs(rows, row -> (long) row.tree().incarnation());
            arrays.longs(rows, row -> (long) row.tile().id().level());
            arrays.longs(rows, row -> row.tile().id().index());
            arrays.bytes(rows, row -> row.tile().root());
            arrays.bytes(rows, row -> row.tile().hashes());
            statement.executeUpdate();
        }
    }

    private void insertLeaves(Publication publication) throws SQLException {
        List<SignedHead> leaves = publication.leaves();
        if (leaves.isEmpty()) {
            return;
        }
        List<Long> indexes = new ArrayList<>(leaves.size());
        for (int i = 0; i < leaves.size(); i++) {
            indexes.add(publication.leavesFrom() + i);
        }
        try (PreparedStatement statement = transaction.connection().prepareStatement(INSERT_LEAVES)) {
            StatementArrays arrays = new StatementArrays(statement);
            arrays.number(publication.meta().incarnation());
            arrays.longs(indexes, index -> index);
            arrays.texts(leaves, leaf -> leaf.tenant().value());
            arrays.texts(leaves, leaf -> leaf.text(deployment));
            statement.executeUpdate();
        }
    }

    private void upsertTrees(List<SignedTree> trees, PublishedCheckpoint meta) throws SQLException {
        List<TreeRow> rows = new ArrayList<>();
        trees.forEach(tree -> rows.add(new TreeRow(tree.head().tenant().value(), published(tree, meta.signedAt()))));
        rows.add(new TreeRow(PostgresAnchorRepository.META, meta));
        try (PreparedStatement statement = transaction.connection().prepareStatement(UPSERT_TREES)) {
            StatementArrays arrays = new StatementArrays(statement);
            arrays.texts(rows, TreeRow::log);
            arrays.longs(rows, row -> (long) row.checkpoint().incarnation());
            arrays.longs(rows, row -> row.checkpoint().size());
            arrays.bytes(rows, row -> row.checkpoint().root().bytes());
            arrays.texts(rows, row -> row.checkpoint().note());
            arrays.times(rows, row -> row.checkpoint().signedAt());
            statement.executeUpdate();
        }
    }

    private void upsertCheckpoints(List<SignedTree> trees, Instant signedAt) throws SQLException {
        if (trees.isEmpty()) {
            return;
        }
        try (PreparedStatement statement = transaction.connection().prepareStatement(UPSERT_CHECKPOINTS)) {
            StatementArrays arrays = new StatementArrays(statement);
            arrays.texts(trees, tree -> tree.head().tenant().value());
            arrays.longs(trees, tree -> (long) tree.head().incarnation());
            arrays.longs(trees, tree -> tree.head().size());
            arrays.bytes(trees, tree -> tree.head().root().bytes());
            arrays.texts(trees, SignedTree::note);
            arrays.times(trees, _ -> signedAt);
            statement.executeUpdate();
        }
    }

    private static PublishedCheckpoint published(SignedTree tree, Instant signedAt) {
        SignedHead head = tree.head();
        return new PublishedCheckpoint(head.incarnation(), head.size(), head.root(), tree.note(), signedAt);
    }

    private record TileRow(GrownTree tree, Tile tile) {}

    private record TreeRow(String log, PublishedCheckpoint checkpoint) {}
}
