package dev.assize.server.storage;

import dev.assize.server.anchor.AnchorRepository.PrunedRow;
import dev.assize.server.model.Digest;
import dev.assize.server.model.TenantId;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What the database says of pruned entries. */
final class PrunedRows {

    /** The entry only of the last row. */
    private static final String ALL =
            "SELECT p.to_seq, p.note, p.pruned_seq, CASE WHEN p.to_seq = max(p.to_seq) OVER ()"
                    + " THEN (SELECT e.frame FROM assize.ledger_entry e WHERE e.tenant_id = p.tenant_id AND e.seq = p.pruned_seq"
                    + " LIMIT 1) END FROM assize.ledger_pruned p WHERE p.tenant_id = ? ORDER BY p.to_seq";

    private static final String WITHOUT_ENTRIES = "SELECT p.to_seq, p.note, p.pruned_seq, NULL::bytea"
            + " FROM assize.ledger_pruned p WHERE p.tenant_id = ? ORDER BY p.to_seq";

    private static final String ACTIONS = "SELECT resource, actor, action, seq, recorded_at"
            + " FROM assize.ledger_past_action WHERE tenant_id = ? AND to_seq = ? ORDER BY seq, resource, actor, action";

    private static final int FETCH_SIZE = 1_000;

    private PrunedRows() {}

    static List<PrunedRow> all(TenantTransaction transaction, TenantId tenant) {
        return read(transaction, tenant, ALL);
    }

    static List<PrunedRow> withoutEntries(TenantTransaction transaction, TenantId tenant) {
        return read(transaction, tenant, WITHOUT_ENTRIES);
    }

    private static List<PrunedRow> read(TenantTransaction transaction, TenantId tenant, String query) {
        List<PrunedRow> rows = new ArrayList<>();
        try (PreparedStatement statement = transaction.connection().prepareStatement(query)) {
            statement.setString(1, tenant.value());
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    byte @Nullable [] frame = row.getBytes(4);
                    rows.add(new PrunedRow(row.getLong(1), row.getString(2), row.getLong(3), frame));
                }
            }
        } catch (SQLException e) {
            throw Database.failure(e);
        }
        return rows;
    }

    /** Each text behind its length, position and microseconds in eight bytes. */
    static Digest pastActions(TenantTransaction transaction, TenantId tenant, long toSeq) throws SQLException {
        MessageDigest sha256 = Digest.newSha256();
        try (PreparedStatement statement = transaction.connection().prepareStatement(ACTIONS)) {
            statement.setFetchSize(FETCH_SIZE);
            statement.setString(1, tenant.value());
            statement.setLong(2, toSeq);
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    for (int column = 1; column <= 3; column++) {
                        byte[] text = row.getString(column).getBytes(StandardCharsets.UTF_8);
                        sha256.update(ByteBuffer.allocate(Integer.BYTES)
                                .putInt(text.length)
                                .array());
                        sha256.update(text);
                    }
                    sha256.update(ByteBuffer.allocate(2 * Long.BYTES)
                            .putLong(row.getLong(4))
                            .putLong(ChronoUnit.MICROS.between(Instant.EPOCH, Times.read(row, 5)))
                            .array());
                }
            }
        }
        return Digest.of(sha256.digest());
    }
}
