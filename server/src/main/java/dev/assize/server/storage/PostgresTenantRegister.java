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
import dev.assize.server.policy.TenantTerms;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Tenants by the heads of their policies, which the platform sees, and by two documents of each; counted is what has a bound. */
final class PostgresTenantRegister implements TenantRegister {

    private static final String NAMES =
            "SELECT scope_key FROM assize.policy_scope WHERE scope_key <> ? AND revision > 0"
                    + " AND scope_key > ? ORDER BY scope_key LIMIT ?";

    private static final String HEAD =
            "SELECT revision, committed_at FROM assize.policy_scope WHERE scope_key = ? AND revision > 0";

    private static final String DOCUMENTS = "SELECT kind, name, yaml, source_file, source_lines, true"
            + " FROM assize.policy_document WHERE scope_key = ? AND to_revision IS NULL"
            + " AND (kind = 'Tenant' OR kind = 'Freeze' AND name = ?)";

    private static final String COUNT = "SELECT count(*) FROM assize.policy_document"
            + " WHERE scope_key = ? AND to_revision IS NULL AND kind <> 'Freeze'";

    private static final String PLATFORM = PolicyScope.PLATFORM.key();

    private final Database database;
    private final InstantSource clock;

    @Inject
    PostgresTenantRegister(Database database, InstantSource clock) {
        this.database = database;
        this.clock = clock;
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

    private Registered registered(TenantTransaction transaction, TenantId tenant, Revision revision, Instant changedAt)
            throws SQLException {
        try (PreparedStatement statement = transaction.connection().prepareStatement(DOCUMENTS)) {
            statement.setString(1, tenant.value());
            statement.setString(2, TenantLife.SUSPENSION);
            try (ResultSet rows = statement.executeQuery()) {
                List<Document> documents =
                        DocumentRows.read(PolicyScope.of(tenant), rows).documents();
                TenantDocument document = documents.stream()
                        .filter(TenantDocument.class::isInstance)
                        .map(TenantDocument.class::cast)
                        .findFirst()
                        .orElse(null);
                return new Registered(
                        tenant,
                        revision,
                        changedAt,
                        document,
                        documents.stream().anyMatch(FreezeDocument.class::isInstance),
                        used(transaction, tenant, document == null ? TenantTerms.NONE : document.terms()));
            }
        }
    }

    private Used used(TenantTransaction transaction, TenantId tenant, TenantTerms terms) throws SQLException {
        return new Used(
                terms.documents() == null ? null : documents(transaction, tenant),
                terms.keys() == null ? null : PostgresApiKeyRepository.valid(transaction, tenant, clock.instant()));
    }

    private static int documents(TenantTransaction transaction, TenantId tenant) throws SQLException {
        return transaction
                .find(COUNT, parameters -> parameters.text(tenant.value()), row -> row.getInt(1))
                .orElseThrow();
    }
}
