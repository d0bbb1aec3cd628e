package dev.assize.server.storage;

import dev.assize.server.anchor.AnchorRepository.CosignedCheckpoint;
import dev.assize.server.anchor.AnchorRepository.MetaLeaf;
import dev.assize.server.anchor.AnchorRepository.PublishedCheckpoint;
import dev.assize.server.anchor.IncarnationRecord;
import dev.assize.server.anchor.Published;
import dev.assize.server.ledger.Envelope;
import dev.assize.server.ledger.FrameFields;
import dev.assize.server.ledger.MalformedFrameException;
import dev.assize.server.ledger.merkle.TileSource;
import dev.assize.server.model.Digest;
import dev.assize.server.model.TenantId;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What is published, as one transaction sees it. */
final class PostgresPublished implements Published {

    private static final String CHECKPOINT =
            "SELECT incarnation, size, root, note, signed_at FROM assize.ledger_tree WHERE tenant_id = ?";

    private static final String CHECKPOINTS = "SELECT incarnation, size, root, note, signed_at"
            + " FROM assize.ledger_checkpoint WHERE tenant_id = ? AND size > ? ORDER BY incarnation, size, hour";

    private static final String LATEST_LEAF = "SELECT index, leaf FROM assize.meta_leaf"
            + " WHERE tenant_id = ? AND incarnation = ? AND index < ? ORDER BY index DESC LIMIT 1";

    private static final String COSIGNED =
            "SELECT witness, incarnation, size, root, note, cosigned_at, line FROM assize.meta_cosignature";

    private static final String FROM_BEGUN = " FROM assize.ledger_entry WHERE tenant_id = ? AND type = '"
            + IncarnationRecord.TYPE + "'" + EntrySearch.OWN_TYPE;

    private static final String BEGUN = "SELECT seq, frame" + FROM_BEGUN;

    /**
     * Where incarnations begin is taken from the column `type`, which is held to the frames, and what a leaf says from its
     * text: the origin, which ends with the incarnation, and the size.
     */
    private static final String KEPT = "WITH begun AS MATERIALIZED (SELECT seq" + FROM_BEGUN
            + "), heads AS MATERIALIZED (SELECT leaf,"
            + " substring(split_part(leaf, E'\n', 1) FROM '/([0-9]{1,9})$')::integer AS incarnation,"
            + " substring(split_part(leaf, E'\n', 2) FROM '^[0-9]{1,18}$')::bigint AS size"
            + " FROM assize.meta_leaf WHERE tenant_id = ? AND EXISTS (SELECT FROM begun))"
            + " SELECT DISTINCT ON (h.incarnation, b.seq) h.leaf FROM begun b JOIN heads h ON h.size <= b.seq"
            + " ORDER BY h.incarnation, b.seq, h.size DESC";

    /** Clocks of nodes may differ: of two that sign one after the other, the later one may be a little earlier. */
    private static final String MISDATED = "SELECT 'the checkpoint of ' || c.size || ' entries was not signed at ' ||"
            + " c.signed_at FROM (SELECT size, hour, signed_at, lag(signed_at) OVER (ORDER BY incarnation, size, hour) AS"
            + " before FROM assize.ledger_checkpoint WHERE tenant_id = ?) c WHERE c.hour <> floor(extract(epoch FROM"
            + " c.signed_at) / 3600) OR c.signed_at < c.before - interval '1 hour' UNION ALL SELECT 'the checkpoint of '"
            + " || t.size || ' entries, the last one, is not kept with its time, ' || t.signed_at FROM assize.ledger_tree"
            + " t WHERE t.tenant_id = ? AND NOT EXISTS (SELECT FROM assize.ledger_checkpoint c WHERE c.tenant_id ="
            + " t.tenant_id AND c.incarnation = t.incarnation AND c.size = t.size AND c.root = t.root AND c.signed_at ="
            + " t.signed_at) LIMIT 1";

    private static final String TILES = "SELECT level, index, root, hashes FROM assize.ledger_tile"
            + " WHERE tenant_id = ? AND incarnation = ? ORDER BY level, index";

    private static final String LEAVES =
            "SELECT index, tenant_id, leaf FROM assize.meta_leaf WHERE incarnation = ? ORDER BY index";

    /** Tiles of 8 KiB, held in memory at a time. */
    private static final int FETCH_SIZE = 256;

    private final TenantTransaction transaction;

    PostgresPublished(TenantTransaction transaction) {
        this.transaction = transaction;
    }

    @Override
    public Optional<PublishedCheckpoint> checkpoint(String log) {
        try {
            return transaction.find(CHECKPOINT, parameters -> parameters.text(log), PostgresPublished::checkpoint);
        } catch (SQLException e) {
            throw Database.failure(e);
        }
    }

    private static PublishedCheckpoint checkpoint(ResultSet row) throws SQLException {
        return new PublishedCheckpoint(
                row.getInt(1), row.getLong(2), Digest.of(row.getBytes(3)), row.getString(4), Times.read(row, 5));
    }

    @Override
    public List<PublishedCheckpoint> checkpoints(TenantId tenant, long beyondSize) {
        try {
            return transaction.read(
                    CHECKPOINTS,
                    parameters -> {
                        parameters.text(tenant.value());
                        parameters.longNumber(beyondSize);
                    },
                    PostgresPublished::checkpoint);
        } catch (SQLException e) {
            throw Database.failure(e);
        }
    }

    @Override
    public Optional<MetaLeaf> latestLeaf(TenantId tenant, int metaIncarnation, long metaSize) {
        try {
            return transaction.find(
                    LATEST_LEAF,
                    parameters -> {
                        parameters.text(tenant.value());
                        parameters.number(metaIncarnation);
                        parameters.longNumber(metaSize);
                    },
                    row -> new MetaLeaf(row.getLong(1), row.getString(2)));
        } catch (SQLException e) {
            throw Database.failure(e);
        }
    }

    @Override
    public List<String> kept(TenantId tenant) {
        List<String> kept = new ArrayList<>();
        try (PreparedStatement statement = transaction.connection().prepareStatement(KEPT)) {
            statement.setString(1, tenant.value());
            statement.setString(2, tenant.value());
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    kept.add(row.getString(1));
                }
            }
        } catch (SQLException e) {
            throw Database.failure(e);
        }
        return kept;
    }

    @Override
    public Map<Long, Integer> begun(TenantId tenant) {
        Map<Long, Integer> begun = new HashMap<>();
        read(BEGUN, row -> begun.put(row.getLong(1), incarnation(row.getBytes(2))), tenant.value());
        return begun;
    }

    private static int incarnation(byte[] frame) {
        try {
            return Envelope.of(FrameFields.read(frame)).incarnation();
        } catch (MalformedFrameException e) {
            return 0;
        }
    }

    @Override
    public Optional<String> misdated(TenantId tenant) {
        List<String> found = new ArrayList<>();
        read(MISDATED, row -> found.add(row.getString(1)), tenant.value(), tenant.value());
        return found.stream().findFirst();
    }

    @Override
    public void fullTiles(String log, int incarnation, TileReader reader) {
        read(
                TILES,
                row -> reader.accept(row.getInt(1), row.getLong(2), row.getBytes(3), row.getBytes(4)),
                log,
                incarnation);
    }

    @Override
    public void leaves(int incarnation, LeafReader reader) {
        read(LEAVES, row -> reader.accept(row.getLong(1), row.getString(2), row.getString(3)), incarnation);
    }

    /** Row by row, of however many there are. */
    private void read(String query, Row reader, Object... parameters) {
        try (PreparedStatement statement = transaction.connection().prepareStatement(query)) {
            statement.setFetchSize(FETCH_SIZE);
            for (int i = 0; i < parameters.length; i++) {
                statement.setObject(i + 1, parameters[i]);
            }
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    reader.read(row);
                }
            }
        } catch (SQLException e) {
            throw Database.failure(e);
        }
    }

    @FunctionalInterface
    private interface Row {
        void read(ResultSet row) throws SQLException;
    }

    @Override
    public List<CosignedCheckpoint> cosigned() {
        List<CosignedCheckpoint> found = new ArrayList<>();
        try (PreparedStatement statement = transaction.connection().prepareStatement(COSIGNED);
                ResultSet row = statement.executeQuery()) {
            while (row.next()) {
                found.add(cosigned(row));
            }
        } catch (SQLException e) {
            throw Database.failure(e);
        }
        return found;
    }

    private static CosignedCheckpoint cosigned(ResultSet row) throws SQLException {
        PublishedCheckpoint checkpoint = new PublishedCheckpoint(
                row.getInt(2),
                row.getLong(3),
                Digest.of(row.getBytes(4)),
                row.getString(5),
                row.getObject(6, OffsetDateTime.class).toInstant());
        return new CosignedCheckpoint(row.getString(1), checkpoint, row.getString(7));
    }

    @Override
    public TileSource tiles(String log, int incarnation) {
        return new PostgresTiles(transaction, log, incarnation);
    }
}
