package dev.assize.server.authentication;

import dev.assize.server.audit.AuditEvent;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.StoreUnavailableException;
import dev.assize.server.model.TenantId;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Keys in memory, for tests. Remembers what it was told to record. */
public final class InMemoryApiKeyRepository implements ApiKeyRepository, BelievedKeys {

    private final TreeMap<String, ApiKey> keys = new TreeMap<>();
    private final List<AuditEvent> events = new ArrayList<>();
    private final List<String> sealed = new ArrayList<>();
    private final List<String> elsewhere = new ArrayList<>();
    private boolean broken;
    private boolean findsBroken;
    private int finds;
    private Runnable afterFind = () -> {};
    private @Nullable RuntimeException doubt;

    @Override
    public synchronized Optional<ApiKey> find(String keyId) {
        finds++;
        if (findsBroken) {
            throw new StoreUnavailableException("no database", new IllegalStateException());
        }
        Optional<ApiKey> found = Optional.ofNullable(keys.get(keyId));
        afterFind.run();
        return found;
    }

    /** Who is remembered is refused from now on. */
    public synchronized void doubt(RuntimeException refusal) {
        doubt = refusal;
    }

    @Override
    public synchronized boolean believes(ApiKey verified) {
        if (doubt != null) {
            throw doubt;
        }
        return true;
    }

    /** From now on the store does not answer look-ups. */
    public synchronized void breakFinds() {
        findsBroken = true;
    }

    /** Runs in each look-up between its reading and its return. */
    public synchronized void afterFind(Runnable action) {
        afterFind = action;
    }

    @Override
    public synchronized void insert(ApiKey key, AuditEvent event, int most) {
        long valid = keys.values().stream()
                .filter(other -> other.caller().home().equals(key.caller().home()) && other.isValidAt(key.createdAt()))
                .count();
        if (valid >= most) {
            throw new KeysFullException(most);
        }
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

    @Override
    public synchronized Optional<ApiKey> seal(ApiKey key, Function<@Nullable ApiKey, List<AuditEvent>> entries) {
        Optional<ApiKey> before = keys.values().stream()
                .filter(one -> one.caller().breakGlass() && one.revokedAt() == null)
                .findFirst();
        before.ifPresent(old -> keys.put(old.caller().keyId(), revoked(old, key.createdAt())));
        keys.put(key.caller().keyId(), key);
        sealed.add(key.caller().keyId());
        events.addAll(entries.apply(before.orElse(null)));
        return before;
    }

    private static ApiKey revoked(ApiKey key, Instant at) {
        return new ApiKey(
                key.caller(),
                key.secretHash(),
                key.description(),
                key.createdBy(),
                key.createdAt(),
                key.expiresAt(),
                at,
                key.firstUsedAt());
    }

    @Override
    public synchronized Optional<ApiKey> use(String keyId, Instant now, Function<ApiKey, AuditEvent> entry) {
        if (broken) {
            throw new StoreUnavailableException("for the test", new IllegalStateException());
        }
        return Optional.ofNullable(keys.get(keyId))
                .filter(key -> key.caller().breakGlass() && key.isValidAt(now))
                .map(key -> {
                    ApiKey used = key.usedAt(now);
                    keys.put(keyId, used);
                    events.add(entry.apply(used));
                    return used;
                });
    }

    @Override
    public synchronized void record(TenantId tenant, Recorder recorder, AuditEvent entry) {
        elsewhere.add(tenant + " " + entry.type());
    }

    @Override
    public synchronized Optional<ApiKey> lastSealed() {
        return sealed.isEmpty() ? Optional.empty() : Optional.ofNullable(keys.get(sealed.getLast()));
    }

    /** From now on no use can be recorded. */
    public synchronized void breakDown() {
        broken = true;
    }

    /** What was recorded in other tenants: tenant and type. */
    public synchronized List<String> elsewhere() {
        return List.copyOf(elsewhere);
    }

    public synchronized List<AuditEvent> events() {
        return List.copyOf(events);
    }

    public synchronized int finds() {
        return finds;
    }
}
