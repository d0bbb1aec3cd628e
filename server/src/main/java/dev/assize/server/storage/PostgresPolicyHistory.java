package dev.assize.server.storage;

import com.google.inject.Inject;
import dev.assize.server.administration.PolicyHistory;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Revision;
import dev.assize.server.policy.DocumentKey;
import dev.assize.server.policy.StoredDocument;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;

/** Reads versions of documents as texts: nothing is parsed, and rows come a few at a time, within one snapshot. */
final class PostgresPolicyHistory implements PolicyHistory {

    private static final int ROWS = 50;

    private static final String SIDE = "(SELECT kind, name, yaml FROM assize.policy_document WHERE scope_key = ? AND "
            + PolicyVersions.HOLDS + ")";

    private static final String COMPARE = "SELECT kind, name, a.yaml, b.yaml FROM " + SIDE + " AS a FULL JOIN " + SIDE
            + " AS b USING (kind, name) WHERE a.yaml IS DISTINCT FROM b.yaml" + StoredTexts.ORDER;

    private final Database database;
    private final PostgresPolicyRepository repository;

    @Inject
    PostgresPolicyHistory(Database database, PostgresPolicyRepository repository) {
        this.database = database;
        this.repository = repository;
    }

    @Override
    public Revision present(PolicyScope scope) {
        Map<PolicyScope, Revision> found = repository.revisions(Set.of(scope));
        return found.getOrDefault(scope, Revision.NONE);
    }

    @Override
    public Revision at(PolicyScope scope, Instant moment) {
        return database.inSnapshot(
                scope.key(), transaction -> PostgresPolicyRepository.revisionAt(transaction, scope, moment));
    }

    @Override
    public void read(PolicyScope scope, Revision revision, Consumer<StoredDocument> reader) {
        boolean _ = database.inLongSnapshot(scope.key(), transaction -> {
            try (StoredTexts texts = StoredTexts.at(transaction, scope, revision)) {
                for (Optional<StoredDocument> next = texts.next(); next.isPresent(); next = texts.next()) {
                    reader.accept(next.get());
                }
            }
            return true;
        });
    }

    @Override
    public void compare(PolicyScope scope, Revision from, Revision to, Consumer<TextChange> reader) {
        boolean _ = database.inLongSnapshot(scope.key(), transaction -> {
            try (PreparedStatement statement = transaction.connection().prepareStatement(COMPARE)) {
                side(statement, 1, scope, from);
                side(statement, 4, scope, to);
                statement.setFetchSize(ROWS);
                try (ResultSet row = statement.executeQuery()) {
                    while (row.next()) {
                        DocumentKey key = new DocumentKey(scope, DocumentRows.kind(row.getString(1)), row.getString(2));
                        reader.accept(new TextChange(key, row.getString(3), row.getString(4)));
                    }
                }
            }
            return true;
        });
    }

    private static void side(PreparedStatement statement, int first, PolicyScope scope, Revision revision)
            throws SQLException {
        statement.setString(first, scope.key());
        statement.setLong(first + 1, revision.value());
        statement.setLong(first + 2, revision.value());
    }
}
