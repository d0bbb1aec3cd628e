package dev.assize.server.storage;

import com.google.inject.Inject;
import dev.assize.server.audit.AuditCodec;
import dev.assize.server.audit.AuditEvent;
import dev.assize.server.ledger.AppendCommand;
import dev.assize.server.ledger.AppendResult;
import dev.assize.server.ledger.Receipt;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.TenantId;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;

/** Appends the server's own entries within a transaction that locks the ledger's head first, and then does what they say. */
final class OwnEntries {

    private static final String LOCK_HEAD = "SELECT size FROM assize.ledger_head WHERE tenant_id = ? FOR UPDATE";

    private final LedgerWriter ledger;
    private final AuditCodec codec;

    @Inject
    OwnEntries(LedgerWriter ledger, AuditCodec codec) {
        this.ledger = ledger;
        this.codec = codec;
    }

    /** Locks the head, as every append does, and answers the size of the ledger. */
    static long lockHead(TenantTransaction transaction, TenantId tenant) throws SQLException {
        try (PreparedStatement statement = transaction.connection().prepareStatement(LOCK_HEAD)) {
            statement.setString(1, tenant.value());
            try (ResultSet row = statement.executeQuery()) {
                return row.next() ? row.getLong(1) : 0;
            }
        }
    }

    List<Receipt> append(TenantTransaction transaction, TenantId tenant, Recorder by, List<AuditEvent> events)
            throws SQLException {
        AppendCommand command = new AppendCommand(by, OwnDrafts.of(transaction, codec, events, by, tenant), null);
        return switch (ledger.append(transaction, tenant, List.of(command)).getFirst()) {
            case AppendResult.Appended(var receipts) -> receipts;
            case AppendResult.Replayed _, AppendResult.KeyReused _, AppendResult.Refused _ ->
                throw new IllegalStateException("Without a key, and without a condition");
        };
    }
}
