package dev.assize.server.storage;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.policy.PolicySet;
import org.jspecify.annotations.Nullable;

/**
 * The policy sets this node has read lately, so that a newer one is read as the difference to one of them. The latest of
 * each scope is kept within a bound of documents; beyond it, as long as somebody else, such as a compiled graph, holds
 * it anyway.
 *
 * <p>A set is what its scope was at its revision, for ever, so one that is old is not wrong: it only makes the difference
 * larger.
 */
final class KnownPolicies {

    /** Of the heap this much is for documents that nobody else holds. */
    private static final int SHARE_OF_HEAP = 4;

    /** Rounded up; a binding of one subject takes about 600. */
    private static final int BYTES_PER_DOCUMENT = 1_024;

    private final Cache<PolicyScope, PolicySet> recent;
    private final Cache<PolicyScope, PolicySet> heldByOthers =
            Caffeine.newBuilder().weakValues().executor(Runnable::run).build();

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

    /** The latest set known of a scope. */
    @Nullable
    PolicySet find(PolicyScope scope) {
        PolicySet set = recent.getIfPresent(scope);
        return set == null ? heldByOthers.getIfPresent(scope) : set;
    }

    /** Remembers what the store has, unless a later one is known. */
    void learn(PolicySet set) {
        heldByOthers.asMap().merge(set.scope(), set, KnownPolicies::later);
        recent.asMap().merge(set.scope(), set, KnownPolicies::later);
    }

    /** Forgets a scope whose revisions went back, as they do when a backup is restored. */
    void forget(PolicyScope scope) {
        heldByOthers.invalidate(scope);
        recent.invalidate(scope);
    }

    private static PolicySet later(PolicySet known, PolicySet read) {
        return known.revision().compareTo(read.revision()) >= 0 ? known : read;
    }
}
