package dev.assize.server.storage;

import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Revision;
import dev.assize.server.policy.DocumentKey;
import dev.assize.server.policy.Kind;
import dev.assize.server.policy.StoredDocument;
import java.sql.Array;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.Optional;
import java.util.stream.Collectors;

/** Documents as they are stored, one after the other: a few are in memory at a time. */
final class StoredTexts implements AutoCloseable {

    /** So many documents of 256 KiB are a few MiB. */
    private static final int ROWS = 50;

    /** As policies are listed. */
    static final String ORDER = " ORDER BY array_position(ARRAY["
            + Arrays.stream(Kind.values()).map(kind -> "'" + kind.text() + "'").collect(Collectors.joining(", "))
            + "]::text[], kind), name";

    private static final String DOCUMENTS = "SELECT kind, name, yaml, source_file, source_lines"
            + " FROM assize.policy_document WHERE scope_key = ? AND ";

    private static final String AT = DOCUMENTS + PolicyVersions.HOLDS + ORDER;

    /** In the order of their index, so that nothing is sorted. */
    private static final String CURRENT = DOCUMENTS + "to_revision IS NULL ORDER BY kind, name";

    private final PolicyScope scope;
    private final PreparedStatement statement;
    private final ResultSet rows;

    private StoredTexts(PolicyScope scope, PreparedStatement statement) throws SQLException {
        this.scope = scope;
        this.statement = statement;
        statement.setFetchSize(ROWS);
        this.rows = statement.executeQuery();
    }

    /** Those that hold now, by the texts of kind and name; the transaction acts for the scope. */
    static StoredTexts current(TenantTransaction transaction, PolicyScope scope) throws SQLException {
        PreparedStatement statement = transaction.connection().prepareStatement(CURRENT);
        statement.setString(1, scope.key());
        return new StoredTexts(scope, statement);
    }

    /** Those that held at a revision, by kind and name. */
    static StoredTexts at(TenantTransaction transaction, PolicyScope scope, Revision revision) throws SQLException {
        PreparedStatement statement = transaction.connection().prepareStatement(AT);
        statement.setString(1, scope.key());
        statement.setLong(2, revision.value());
        statement.setLong(3, revision.value());
        return new StoredTexts(scope, statement);
    }

    /** The next one; empty at the end. */
    Optional<StoredDocument> next() throws SQLException {
        if (!rows.next()) {
            return Optional.empty();
        }
        Array lines = rows.getArray(5);
        return Optional.of(new StoredDocument(
                new DocumentKey(scope, DocumentRows.kind(rows.getString(1)), rows.getString(2)),
                rows.getString(3),
                rows.getString(4),
                Arrays.asList((Integer[]) lines.getArray())));
    }

    @Override
    public void close() throws SQLException {
        try (statement) {
            rows.close();
        }
    }
}
