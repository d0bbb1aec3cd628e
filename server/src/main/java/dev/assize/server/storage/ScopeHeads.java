package dev.assize.server.storage;

import static dev.assize.server.storage.generated.Tables.POLICY_SCOPE;

import dev.assize.server.administration.PolicyBusyException;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Revision;
import dev.assize.server.model.TenantId;
import java.sql.SQLException;
import java.time.Instant;
import java.util.Collection;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import org.jooq.Condition;
import org.jooq.Record2;
import org.jooq.exception.DataAccessException;
import org.jooq.impl.DSL;
import org.jspecify.annotations.Nullable;

/**
 * Where scopes stand: read as they are, or locked against other changes, in the one order in which everybody locks them.
 */
final class ScopeHeads {

    /** Of a statement that was cancelled, and of a lock that was not to be had. */
    private static final Set<String> OUT_OF_TIME = Set.of("57014", "55P03");

    private ScopeHeads() {}

    /** What {@link #lock} would find at this moment. */
    static SortedMap<PolicyScope, Head> peek(TenantTransaction transaction, Set<PolicyScope> scopes) {
        SortedMap<PolicyScope, Head> heads = new TreeMap<>();
        heads.put(PolicyScope.PLATFORM, Head.NONE);
        scopes.forEach(scope -> heads.put(scope, Head.NONE));
        if (scopes.contains(PolicyScope.PLATFORM)) {
            heads.put(PolicyScope.of(TenantId.ASSIZE), Head.NONE);
            putEvery(transaction, DSL.noCondition(), heads);
        } else {
            String[] keys = heads.keySet().stream().map(PolicyScope::key).toArray(String[]::new);
            putEvery(transaction, POLICY_SCOPE.SCOPE_KEY.eq(DSL.any(keys)), heads);
        }
        return heads;
    }

    private static void putEvery(
            TenantTransaction transaction, Condition condition, SortedMap<PolicyScope, Head> heads) {
        transaction
                .sql()
                .selectFrom(POLICY_SCOPE)
                .where(condition)
                .forEach(row -> heads.put(
                        PolicyScope.ofKey(row.getScopeKey()),
                        new Head(new Revision(row.getRevision()), row.getCommittedAt())));
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
            putEvery(transaction, DSL.noCondition(), heads);
        }
        for (PolicyScope scope : scopes) {
            if (!scope.isPlatform()) {
                transaction.actFor(scope.key());
                heads.put(scope, lock(transaction, scope, true));
            }
        }
        return heads;
    }

    private static Head lock(TenantTransaction transaction, PolicyScope scope, boolean alone) {
        try {
            return lockHead(transaction, scope, alone);
        } catch (DataAccessException e) {
            // One row by its key: what takes it so long is who has it.
            throw OUT_OF_TIME.contains(e.sqlState()) ? new PolicyBusyException(scope, e) : e;
        }
    }

    private static Head lockHead(TenantTransaction transaction, PolicyScope scope, boolean alone) {
        var row = transaction
                .sql()
                .select(POLICY_SCOPE.REVISION, POLICY_SCOPE.COMMITTED_AT)
                .from(POLICY_SCOPE)
                .where(POLICY_SCOPE.SCOPE_KEY.eq(scope.key()));
        var locked = alone ? row.forUpdate() : row.forShare();
        Record2<Long, Instant> found = locked.fetchOne();
        if (found == null) {
            insert(transaction, scope);
            found = locked.fetchSingle();
        }
        return new Head(new Revision(found.value1()), found.value2());
    }

    private static void insert(TenantTransaction transaction, PolicyScope scope) {
        transaction
                .sql()
                .insertInto(POLICY_SCOPE, POLICY_SCOPE.SCOPE_KEY, POLICY_SCOPE.REVISION)
                .values(scope.key(), Revision.NONE.value())
                .onConflictDoNothing()
                .execute();
    }

    /** A scope at revision 0 has never been written. */
    static Map<PolicyScope, Revision> revisions(TenantTransaction transaction, Collection<PolicyScope> scopes) {
        Map<PolicyScope, Revision> revisions = new TreeMap<>();
        transaction
                .sql()
                .select(POLICY_SCOPE.SCOPE_KEY, POLICY_SCOPE.REVISION)
                .from(POLICY_SCOPE)
                .where(POLICY_SCOPE.SCOPE_KEY.eq(
                        DSL.any(scopes.stream().map(PolicyScope::key).toArray(String[]::new))))
                .and(POLICY_SCOPE.REVISION.gt(0L))
                .forEach(row -> revisions.put(PolicyScope.ofKey(row.value1()), new Revision(row.value2())));
        return revisions;
    }

    /**
     * Where a scope stands.
     *
     * @param committedAt null where nothing was committed
     */
    record Head(Revision revision, @Nullable Instant committedAt) {

        static final Head NONE = new Head(Revision.NONE, null);
    }
}
