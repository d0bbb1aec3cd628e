package dev.assize.server.anchor;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.assize.server.anchor.LedgerGrowth.State;
import dev.assize.server.model.TenantId;
import java.util.Optional;

/** The right edges of trees as this node published them, so that they need not be read back. */
final class TreeCache {

    private final Cache<TenantId, State> states;

    TreeCache(int size) {
        this.states = Caffeine.newBuilder().maximumSize(size).build();
    }

    /** What is kept, if it is of that size. */
    Optional<State> get(TenantId tenant, int incarnation, long size) {
        return Optional.ofNullable(states.getIfPresent(tenant))
                .filter(state ->
                        state.incarnation() == incarnation && state.tree().size() == size);
    }

    void put(TenantId tenant, State state) {
        states.put(tenant, state);
    }

    /** After anything whose end is not known, memory is not to be believed. */
    void clear() {
        states.invalidateAll();
    }
}
