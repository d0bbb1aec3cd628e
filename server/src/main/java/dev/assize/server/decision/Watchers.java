package dev.assize.server.decision;

import dev.assize.server.model.TenantId;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;

/** Who is to be told that a tenant's policy may have changed; each is told on the thread that changed it, and returns at once. */
final class Watchers {

    private final ConcurrentMap<TenantId, Set<Runnable>> watchers = new ConcurrentHashMap<>();

    void add(TenantId tenant, Runnable watcher) {
        watchers.compute(tenant, (any, present) -> {
            Set<Runnable> set = present == null ? ConcurrentHashMap.newKeySet() : present;
            set.add(watcher);
            return set;
        });
    }

    void remove(TenantId tenant, Runnable watcher) {
        watchers.computeIfPresent(tenant, (any, present) -> {
            present.remove(watcher);
            return present.isEmpty() ? null : present;
        });
    }

    void tell(TenantId tenant) {
        if (!watchers.isEmpty()) {
            watchers.getOrDefault(tenant, Set.of()).forEach(Runnable::run);
        }
    }
}
