package dev.assize.server.storage;

import dev.assize.server.ledger.merkle.TileId;
import dev.assize.server.ledger.merkle.TileSource;
import dev.assize.server.ledger.merkle.TreeHash;
import java.io.ByteArrayOutputStream;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The tiles of one log as the database has them. Full ones are stored; what is not in one is read one level below: from
 * the entries, from the leaves of the log of heads, or from the roots of full tiles. Nothing of it is believed: who
 * builds a proof has it verified, who grows a tree holds it to the root.
 */
final class PostgresTiles implements TileSource {

    private static final String STORED = "SELECT hashes FROM assize.ledger_tile"
            + " WHERE tenant_id = ? AND incarnation = ? AND level = ? AND index = ?";

    private static final String ROOTS = "SELECT root FROM assize.ledger_tile WHERE tenant_id = ? AND incarnation = ?"
            + " AND level = ? AND index >= ? AND index < ? ORDER BY index";

    private static final String ENTRIES = "SELECT sha256('\\x00'::bytea || frame) FROM assize.ledger_entry"
            + " WHERE tenant_id = ? AND seq >= ? AND seq < ? ORDER BY seq";

    private static final String LEAVES = "SELECT sha256('\\x00'::bytea || convert_to(leaf, 'UTF8'))"
            + " FROM assize.meta_leaf WHERE incarnation = ? AND index >= ? AND index < ? ORDER BY index";

    private final TenantTransaction transaction;
    private final String log;
    private final int incarnation;

    PostgresTiles(TenantTransaction transaction, String log, int incarnation) {
        this.transaction = transaction;
        this.log = log;
        this.incarnation = incarnation;
    }

    @Override
    public List<byte[]> read(List<TileId> tiles) {
        List<byte[]> read = new ArrayList<>(tiles.size());
        for (TileId tile : tiles) {
            try {
                read.add(read(tile));
            } catch (SQLException e) {
                throw Database.failure(e);
            }
        }
        return read;
    }

    private byte[] read(TileId tile) throws SQLException {
        byte[] stored = stored(tile);
        if (stored.length > 0) {
            return Arrays.copyOf(stored, tile.width() * TreeHash.BYTES);
        }
        return below(tile);
    }

    private byte[] stored(TileId tile) throws SQLException {
        try (PreparedStatement statement = transaction.connection().prepareStatement(STORED)) {
            statement.setString(1, log);
            statement.setInt(2, incarnation);
            statement.setInt(3, tile.level());
            statement.setLong(4, tile.index());
            return hashes(statement);
        }
    }

    private byte[] below(TileId tile) throws SQLException {
        long from = tile.index() * TileId.FULL;
        if (tile.level() > 0) {
            return ofLog(ROOTS, tile.level() - 1, from, from + tile.width());
        }
        if (log.equals(PostgresAnchorRepository.META)) {
            return ofMeta(from, from + tile.width());
        }
        return ofEntries(from, from + tile.width());
    }

    private byte[] ofLog(String query, int level, long from, long to) throws SQLException {
        try (PreparedStatement statement = transaction.connection().prepareStatement(query)) {
            statement.setString(1, log);
            statement.setInt(2, incarnation);
            statement.setInt(3, level);
            statement.setLong(4, from);
            statement.setLong(5, to);
            return hashes(statement);
        }
    }

    private byte[] ofMeta(long from, long to) throws SQLException {
        try (PreparedStatement statement = transaction.connection().prepareStatement(LEAVES)) {
            statement.setInt(1, incarnation);
            statement.setLong(2, from);
            statement.setLong(3, to);
            return hashes(statement);
        }
    }

    private byte[] ofEntries(long from, long to) throws SQLException {
        try (PreparedStatement statement = transaction.connection().prepareStatement(ENTRIES)) {
            statement.setString(1, log);
            statement.setLong(2, from);
            statement.setLong(3, to);
            return hashes(statement);
        }
    }

    private static byte[] hashes(PreparedStatement statement) throws SQLException {
        ByteArrayOutputStream hashes = new ByteArrayOutputStream();
        try (ResultSet row = statement.executeQuery()) {
            while (row.next()) {
                hashes.writeBytes(row.getBytes(1));
            }
        }
        return hashes.toByteArray();
    }
}
