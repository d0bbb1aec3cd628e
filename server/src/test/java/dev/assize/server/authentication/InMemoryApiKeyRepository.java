package dev.assize.server.authentication;

import dev.assize.server.audit.AuditEvent;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.TenantId;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Keys in memory, for tests. Remembers what it was told to record. */
public final class InMemoryApiKeyRepository implements ApiKeyRepository {

    private final TreeMap<String, ApiKey> keys = new TreeMap<>();
    private final List<AuditEvent> events = new ArrayList<>();
    private int finds;
    private Runnable afterFind = () -> {};

    @Override
    public synchronized Optional<ApiKey> find(String keyId) {
        finds++;
        Optional<ApiKey> found = Optional.ofNullable(keys.get(keyId));
        afterFind.run();
        return found;
    }

    /** Runs in each look-up between its reading and its return. */
    public synchronized void afterFind(Runnable action) {
        afterFind = action;
    }

    @Override
    public synchronized void insert(ApiKey key, AuditEvent event) {
        keys.put(key.caller().keyId(), key);
        events.add(event);
    }

    @Override
    public synchronized Optional<ApiKey> revoke(
            TenantId home, String keyId, Instant revokedAt, Recorder revokedBy, AuditEvent event) {
        ApiKey key = keys.get(keyId);
        if (key == null || !key.caller().home().equals(home)) {
            return Optional.empty();
        }
        if (key.revokedAt() == null) {
            key = new ApiKey(
                    key.caller(),
                    key.secretHash(),
                    key.description(),
                    key.createdBy(),
                    key.createdAt(),
                    key.expiresAt(),
                    revokedAt);
            keys.put(keyId, key);
            events.add(event);
        }
        return Optional.of(key);
    }

    @Override
    public synchronized List<ApiKey> list(TenantId home, @Nullable String afterId, int limit) {
        return keys.values().stream()
                .filter(key -> key.caller().home().equals(home))
                .filter(key -> afterId == null || key.caller().keyId().compareTo(afterId) > 0)
                .limit(limit)
                .toList();
    }

    public synchronized List<AuditEvent> events() {
        return List.copyOf(events);
    }

    public synchronized int finds() {
        return finds;
    }
}
