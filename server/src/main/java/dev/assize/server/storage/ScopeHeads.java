package dev.assize.server.storage;

import dev.assize.server.administration.PolicyBusyException;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Revision;
import dev.assize.server.model.TenantId;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Where scopes stand: read as they are, or locked against other changes, in the one order in which everybody locks them.
 */
final class ScopeHeads {

    /** Of a statement that was cancelled, and of a lock that was not to be had. */
    private static final Set<String> OUT_OF_TIME = Set.of("57014", "55P03");

    private static final String EVERY = "SELECT scope_key, revision, committed_at FROM assize.policy_scope";

    private static final String SOME = EVERY + " WHERE scope_key = ANY (?::text[])";

    private static final String WRITTEN = "SELECT scope_key, revision FROM assize.policy_scope"
            + " WHERE scope_key = ANY (?::text[]) AND revision > 0";

    private static final String ONE = "SELECT revision, committed_at FROM assize.policy_scope WHERE scope_key = ? FOR ";

    private static final String INSERT =
            "INSERT INTO assize.policy_scope (scope_key, revision) VALUES (?, ?) ON CONFLICT DO NOTHING";

    private ScopeHeads() {}

    /** What {@link #lock} would find at this moment. */
    static SortedMap<PolicyScope, Head> peek(TenantTransaction transaction, Set<PolicyScope> scopes)
            throws SQLException {
        SortedMap<PolicyScope, Head> heads = new TreeMap<>();
        heads.put(PolicyScope.PLATFORM, Head.NONE);
        scopes.forEach(scope -> heads.put(scope, Head.NONE));
        if (scopes.contains(PolicyScope.PLATFORM)) {
            heads.put(PolicyScope.of(TenantId.ASSIZE), Head.NONE);
            put(heads, transaction.read(EVERY, parameters -> {}, ScopeHeads::found));
        } else {
            List<PolicyScope> named = List.copyOf(heads.keySet());
            put(
                    heads,
                    transaction.read(SOME, parameters -> parameters.texts(named, PolicyScope::key), ScopeHeads::found));
        }
        return heads;
    }

    private static void put(SortedMap<PolicyScope, Head> heads, List<Found> found) {
        found.forEach(one -> heads.put(one.scope, one.head));
    }

    private static Found found(ResultSet row) throws SQLException {
        return new Found(PolicyScope.ofKey(row.getString(1)), head(row, 2));
    }

    /** Its two columns from one on. */
    private static Head head(ResultSet row, int column) throws SQLException {
        return new Head(new Revision(row.getLong(column)), Times.readIfThere(row, column + 1));
    }

    /** Locks the scopes, and answers with them, the platform and, where that is to change, every tenant. */
    static SortedMap<PolicyScope, Head> lock(TenantTransaction transaction, SortedSet<PolicyScope> scopes)
            throws SQLException {
        boolean changesPlatform = scopes.contains(PolicyScope.PLATFORM);
        SortedMap<PolicyScope, Head> heads = new TreeMap<>();
        heads.put(PolicyScope.PLATFORM, lock(transaction, PolicyScope.PLATFORM, changesPlatform));
        if (changesPlatform) {
            // By whose policy the platform is guarded; a new database has none yet.
            heads.put(PolicyScope.of(TenantId.ASSIZE), Head.NONE);
            // Nobody else can be changing these: that takes a share of the platform's row.
            put(heads, transaction.read(EVERY, parameters -> {}, ScopeHeads::found));
        }
        for (PolicyScope scope : scopes) {
            if (!scope.isPlatform()) {
                transaction.actFor(scope.key());
                heads.put(scope, lock(transaction, scope, true));
            }
        }
        return heads;
    }

    private static Head lock(TenantTransaction transaction, PolicyScope scope, boolean alone) throws SQLException {
        try {
            return lockHead(transaction, scope, alone);
        } catch (SQLException e) {
            // One row by its key: what takes it so long is who has it.
            if (OUT_OF_TIME.contains(String.valueOf(e.getSQLState()))) {
                throw new PolicyBusyException(scope, e);
            }
            throw e;
        }
    }

    private static Head lockHead(TenantTransaction transaction, PolicyScope scope, boolean alone) throws SQLException {
        Optional<Head> found = lockRow(transaction, scope, alone);
        if (found.isEmpty()) {
            insert(transaction, scope);
            found = lockRow(transaction, scope, alone);
        }
        return found.orElseThrow(() -> new IllegalStateException("The row of " + scope + " is not visible"));
    }

    private static Optional<Head> lockRow(TenantTransaction transaction, PolicyScope scope, boolean alone)
            throws SQLException {
        return transaction.find(
                ONE + (alone ? "UPDATE" : "SHARE"), parameters -> parameters.text(scope.key()), row -> head(row, 1));
    }

    private static void insert(TenantTransaction transaction, PolicyScope scope) throws SQLException {
        int _ = transaction.write(INSERT, parameters -> {
            parameters.text(scope.key());
            parameters.longNumber(Revision.NONE.value());
        });
    }

    /** A scope at revision 0 has never been written. */
    static Map<PolicyScope, Revision> revisions(TenantTransaction transaction, Collection<PolicyScope> scopes)
            throws SQLException {
        List<PolicyScope> asked = List.copyOf(scopes);
        Map<PolicyScope, Revision> revisions = new TreeMap<>();
        transaction
                .read(WRITTEN, parameters -> parameters.texts(asked, PolicyScope::key), ScopeHeads::written)
                .forEach(one -> revisions.put(one.scope, one.revision));
        return revisions;
    }

    private static Written written(ResultSet row) throws SQLException {
        return new Written(PolicyScope.ofKey(row.getString(1)), new Revision(row.getLong(2)));
    }

    private record Written(PolicyScope scope, Revision revision) {}

    private record Found(PolicyScope scope, Head head) {}

    /**
     * Where a scope stands.
     *
     * @param committedAt null where nothing was committed
     */
    record Head(Revision revision, @Nullable Instant committedAt) {

        static final Head NONE = new Head(Revision.NONE, null);
    }
}
