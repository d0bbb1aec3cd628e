package dev.assize.server.storage;

import dev.assize.server.audit.AuditCodec;
import dev.assize.server.audit.AuditEvent;
import dev.assize.server.audit.Masking;
import dev.assize.server.ledger.EntryDraft;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document.TenantDocument;
import dev.assize.server.policy.DocumentText;
import dev.assize.server.policy.TenantAudit;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;

/**
 * Encodes events that are appended beside changes of the database, their free texts masked as the tenant's policy says in
 * the same transaction.
 */
final class OwnDrafts {

    private static final String TENANT = "SELECT yaml FROM assize.policy_document"
            + " WHERE scope_key = ? AND kind = 'Tenant' AND to_revision IS NULL";

    private OwnDrafts() {}

    /** The events as drafts for the tenant's ledger; the transaction must act for the tenant. */
    static List<EntryDraft> of(
            TenantTransaction transaction,
            AuditCodec codec,
            List<AuditEvent> events,
            Recorder recorder,
            TenantId tenant)
            throws SQLException {
        Masking masking = masking(transaction, tenant);
        return events.stream()
                .map(event -> codec.encode(masking.apply(event), recorder, tenant))
                .toList();
    }

    /** What must not be written of the tenant's, as this transaction sees it. */
    static Masking masking(TenantTransaction transaction, TenantId tenant) throws SQLException {
        return new Masking(settings(transaction, tenant).piiPatterns());
    }

    /** What the tenant says of its ledger, as this transaction sees it. */
    static TenantAudit settings(TenantTransaction transaction, TenantId tenant) throws SQLException {
        try (PreparedStatement statement = transaction.connection().prepareStatement(TENANT)) {
            statement.setString(1, tenant.value());
            try (ResultSet row = statement.executeQuery()) {
                return row.next()
                                && DocumentText.readStored(PolicyScope.of(tenant), row.getString(1), "", List.of())
                                        instanceof TenantDocument document
                        ? document.audit()
                        : TenantAudit.NONE;
            }
        }
    }
}
