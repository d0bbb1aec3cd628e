package dev.assize.server.storage;

import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Revision;
import dev.assize.server.policy.DocumentKey;
import dev.assize.server.policy.PolicySet;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.HashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Reads policy sets: all of one, or what tells one revision from another, forwards or backwards.
 *
 * <p>A document that is not the same at two revisions has a version that began or ended between them; two indexes find
 * those. Where more revisions lie between than it has documents, a set is read as a whole instead. A set to start from
 * must have been committed before the transaction began to look, which is so for every set that was found before it.
 */
final class PolicyVersions {

    private static final String COLUMNS = "SELECT kind, name, yaml, source_file, source_lines, ";
    private static final String DOCUMENTS = " FROM assize.policy_document WHERE scope_key = ? AND ";
    static final String HOLDS = "from_revision <= ? AND (to_revision IS NULL OR to_revision > ?)";

    private static final String CURRENT = COLUMNS + "true" + DOCUMENTS + "to_revision IS NULL";
    private static final String PAST = COLUMNS + "true" + DOCUMENTS + HOLDS;

    /** The versions that began after one revision and up to another, and those that were there and ended. */
    private static final String BETWEEN = COLUMNS + HOLDS + DOCUMENTS + "from_revision > ? AND from_revision <= ?"
            + " UNION ALL " + COLUMNS + HOLDS + DOCUMENTS
            + "to_revision > ? AND to_revision <= ? AND from_revision <= ?";

    private PolicyVersions() {}

    /** A set, and the names of all that was created, replaced or deleted between it and another. */
    record Changed(PolicySet set, Set<DocumentKey> keys) {}

    /** A scope at its current revision, from an earlier one where there is one to start from. */
    static PolicySet current(TenantTransaction transaction, PolicyScope scope, @Nullable PolicySet start, Revision head)
            throws SQLException {
        return start == null ? readCurrent(transaction, scope, head) : since(transaction, start, head).set;
    }

    /** What a scope has become since a set. */
    static Changed since(TenantTransaction transaction, PolicySet start, Revision head) throws SQLException {
        if (start.revision().equals(head)) {
            return new Changed(start, Set.of());
        }
        // Revisions go back where a backup was restored; what was held is then of another history.
        if (start.revision().compareTo(head) > 0 || isFar(start, head)) {
            return anew(transaction, start, head);
        }
        return difference(transaction, start, head);
    }

    /** What a scope is, beside a set that may be of another history. */
    static Changed anew(TenantTransaction transaction, PolicySet start, Revision head) throws SQLException {
        PolicySet read = readCurrent(transaction, start.scope(), head);
        return new Changed(read, keysOfBoth(start, read));
    }

    /** A scope as it was at a revision, from another one where there is one to start from. */
    static PolicySet past(
            TenantTransaction transaction, PolicyScope scope, @Nullable PolicySet start, Revision revision)
            throws SQLException {
        if (start == null || isFar(start, revision)) {
            return read(transaction, scope, revision, PAST, scope.key(), revision.value(), revision.value());
        }
        return start.revision().equals(revision) ? start : difference(transaction, start, revision).set;
    }

    private static boolean isFar(PolicySet start, Revision target) {
        return Math.abs(target.value() - start.revision().value()) > DocumentRows.BLOCK + start.size();
    }

    private static Changed difference(TenantTransaction transaction, PolicySet start, Revision target)
            throws SQLException {
        String scope = start.scope().key();
        long at = target.value();
        long after = Math.min(start.revision().value(), at);
        long upTo = Math.max(start.revision().value(), at);
        DocumentRows rows = fetch(
                transaction, start.scope(), BETWEEN, at, at, scope, after, upTo, at, at, scope, after, upTo, after);
        Set<DocumentKey> changed = new HashSet<>(rows.ended());
        Set<DocumentKey> gone = new HashSet<>(rows.ended());
        rows.documents().forEach(document -> {
            changed.add(document.key());
            gone.remove(document.key());
        });
        return new Changed(start.with(target, rows.documents(), gone), changed);
    }

    private static Set<DocumentKey> keysOfBoth(PolicySet one, PolicySet other) {
        Set<DocumentKey> keys = new HashSet<>();
        one.documents().forEach(document -> keys.add(document.key()));
        other.documents().forEach(document -> keys.add(document.key()));
        return keys;
    }

    private static PolicySet readCurrent(TenantTransaction transaction, PolicyScope scope, Revision head)
            throws SQLException {
        return read(transaction, scope, head, CURRENT, scope.key());
    }

    private static PolicySet read(
            TenantTransaction transaction, PolicyScope scope, Revision revision, String query, Object... parameters)
            throws SQLException {
        return PolicySet.of(
                scope, revision, fetch(transaction, scope, query, parameters).documents());
    }

    private static DocumentRows fetch(
            TenantTransaction transaction, PolicyScope scope, String query, Object... parameters) throws SQLException {
        try (PreparedStatement statement = transaction.connection().prepareStatement(query)) {
            for (int i = 0; i < parameters.length; i++) {
                statement.setObject(i + 1, parameters[i]);
            }
            statement.setFetchSize(DocumentRows.BLOCK);
            try (ResultSet rows = statement.executeQuery()) {
                return DocumentRows.read(scope, rows);
            }
        }
    }
}
