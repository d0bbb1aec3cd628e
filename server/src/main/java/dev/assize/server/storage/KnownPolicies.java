package dev.assize.server.storage;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.assize.server.model.Digest;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Revision;
import dev.assize.server.policy.PolicySet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The policy sets this node has read lately, so that a newer one is read as the difference to one of them. The latest of
 * each scope is kept within a bound of documents; beyond it, as long as somebody else, such as a compiled graph, holds
 * it anyway.
 *
 * <p>A set is what its scope was at its revision, for ever, so one that is old is not wrong: it only makes the difference
 * larger. But where a backup was restored, a scope comes to the same number again by another way; so a set is started
 * from only where the store has what it was stored as.
 */
final class KnownPolicies {

    /** Of the heap this much is for documents that nobody else holds. */
    private static final int SHARE_OF_HEAP = 4;

    /** Rounded up; a binding of one subject takes about 600. */
    private static final int BYTES_PER_DOCUMENT = 1_024;

    private static final String STORED =
            "SELECT policy_digest, committed_at FROM assize.policy_revision" + " WHERE scope_key = ? AND revision = ?";

    private final Cache<PolicyScope, PolicySet> recent;
    private final Cache<PolicyScope, PolicySet> heldByOthers =
            Caffeine.newBuilder().weakValues().executor(Runnable::run).build();

    /** By the very set, as long as there is one. */
    private final Cache<PolicySet, Stored> stored =
            Caffeine.newBuilder().weakKeys().executor(Runnable::run).build();

    KnownPolicies(long documents) {
        recent = Caffeine.newBuilder()
                .maximumWeight(documents)
                .weigher((PolicyScope scope, PolicySet set) -> 1 + set.size())
                .executor(Runnable::run)
                .build();
    }

    /** Bounded by the heap of this process. */
    static KnownPolicies withinHeap() {
        return new KnownPolicies(Runtime.getRuntime().maxMemory() / SHARE_OF_HEAP / BYTES_PER_DOCUMENT);
    }

    /** What tells a revision from another one of its number. */
    private record Stored(Digest digest, Instant committedAt) {}

    /** The latest set known of a scope; to be {@link #confirmed} before it is started from. */
    @Nullable
    PolicySet find(PolicyScope scope) {
        PolicySet set = recent.getIfPresent(scope);
        return set == null ? heldByOthers.getIfPresent(scope) : set;
    }

    /** The set, where the store has it as it was read; otherwise null, and its scope is forgotten. */
    @Nullable
    PolicySet confirmed(TenantTransaction transaction, @Nullable PolicySet set) throws SQLException {
        if (set == null || set.revision().equals(Revision.NONE)) {
            return set;
        }
        Stored was = stored.getIfPresent(set);
        Stored is = was == null ? null : read(transaction, set);
        return confirmed(set, was != null && is != null && was.digest.equals(is.digest));
    }

    /** The same without asking for its digest, of a scope that is at the set's revision. */
    @Nullable
    PolicySet confirmedAt(Instant committedAt, PolicySet set) {
        Stored was = stored.getIfPresent(set);
        return confirmed(set, was != null && was.committedAt.equals(committedAt));
    }

    private @Nullable PolicySet confirmed(PolicySet set, boolean isSo) {
        if (!isSo) {
            forget(set.scope());
        }
        return isSo ? set : null;
    }

    /** Remembers what the store has, as this transaction sees it, unless a later one is known. */
    void learn(TenantTransaction transaction, PolicySet set) throws SQLException {
        if (!set.revision().equals(Revision.NONE) && stored.getIfPresent(set) == null) {
            Stored is = read(transaction, set);
            if (is == null) {
                return;
            }
            stored.put(set, is);
        }
        heldByOthers.asMap().merge(set.scope(), set, KnownPolicies::later);
        recent.asMap().merge(set.scope(), set, KnownPolicies::later);
    }

    private static @Nullable Stored read(TenantTransaction transaction, PolicySet set) throws SQLException {
        String acting = transaction.scopeKey();
        transaction.actFor(set.scope().key());
        Optional<Stored> found = transaction.find(
                STORED,
                parameters -> {
                    parameters.text(set.scope().key());
                    parameters.longNumber(set.revision().value());
                },
                row -> new Stored(Digest.of(row.getBytes(1)), Times.read(row, 2)));
        transaction.actFor(acting);
        return found.orElse(null);
    }

    private void forget(PolicyScope scope) {
        heldByOthers.invalidate(scope);
        recent.invalidate(scope);
    }

    private static PolicySet later(PolicySet known, PolicySet read) {
        return known.revision().compareTo(read.revision()) >= 0 ? known : read;
    }
}
