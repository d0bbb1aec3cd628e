package dev.assize.server.storage;

import com.google.inject.Inject;
import dev.assize.server.administration.TenantLife;
import dev.assize.server.administration.TenantRegister;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Revision;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.Document.FreezeDocument;
import dev.assize.server.policy.Document.TenantDocument;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Tenants by the heads of their policies, which the platform sees, and by two documents of each. */
final class PostgresTenantRegister implements TenantRegister {

    private static final String NAMES =
            "SELECT scope_key FROM assize.policy_scope WHERE scope_key <> ? AND revision > 0"
                    + " AND scope_key > ? ORDER BY scope_key LIMIT ?";

    private static final String HEAD =
            "SELECT revision, committed_at FROM assize.policy_scope WHERE scope_key = ? AND revision > 0";

    private static final String DOCUMENTS = "SELECT kind, name, yaml, source_file, source_lines, true"
            + " FROM assize.policy_document WHERE scope_key = ? AND to_revision IS NULL"
            + " AND (kind = 'Tenant' OR kind = 'Freeze' AND name = ?)";

    private static final String PLATFORM = PolicyScope.PLATFORM.key();

    private final Database database;

    @Inject
    PostgresTenantRegister(Database database) {
        this.database = database;
    }

    @Override
    public List<TenantId> names(@Nullable TenantId after, int limit) {
        return database.inSnapshot(
                PLATFORM,
                transaction -> transaction.read(
                        NAMES,
                        parameters -> {
                            parameters.text(PLATFORM);
                            parameters.text(after == null ? "" : after.value());
                            parameters.number(limit);
                        },
                        row -> new TenantId(row.getString(1))));
    }

    @Override
    public Optional<Registered> find(TenantId tenant) {
        return database.inSnapshot(tenant.value(), transaction -> {
            try (PreparedStatement statement = transaction.connection().prepareStatement(HEAD)) {
                statement.setString(1, tenant.value());
                try (ResultSet row = statement.executeQuery()) {
                    return row.next()
                            ? Optional.of(
                                    registered(transaction, tenant, new Revision(row.getLong(1)), Times.read(row, 2)))
                            : Optional.<Registered>empty();
                }
            }
        });
    }

    private static Registered registered(
            TenantTransaction transaction, TenantId tenant, Revision revision, Instant changedAt) throws SQLException {
        try (PreparedStatement statement = transaction.connection().prepareStatement(DOCUMENTS)) {
            statement.setString(1, tenant.value());
            statement.setString(2, TenantLife.SUSPENSION);
            try (ResultSet rows = statement.executeQuery()) {
                List<Document> documents =
                        DocumentRows.read(PolicyScope.of(tenant), rows).documents();
                return new Registered(
                        tenant,
                        revision,
                        changedAt,
                        documents.stream()
                                .filter(TenantDocument.class::isInstance)
                                .map(TenantDocument.class::cast)
                                .findFirst()
                                .orElse(null),
                        documents.stream().anyMatch(FreezeDocument.class::isInstance));
            }
        }
    }
}
