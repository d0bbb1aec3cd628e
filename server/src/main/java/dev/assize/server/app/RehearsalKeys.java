package dev.assize.server.app;

import dev.assize.server.audit.AuditEvent;
import dev.assize.server.authentication.ApiKey;
import dev.assize.server.authentication.ApiKeyRepository;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.TenantId;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** The key of the server's rehearsal, in memory only: nobody else has it, and it opens nothing else. */
final class RehearsalKeys implements ApiKeyRepository {

    private final Map<String, ApiKey> keys = new ConcurrentHashMap<>();

    @Override
    public Optional<ApiKey> find(String keyId) {
        return Optional.ofNullable(keys.get(keyId));
    }

    @Override
    public void insert(ApiKey key, AuditEvent event, int most) {
        keys.put(key.caller().keyId(), key);
    }

    @Override
    public Optional<ApiKey> revoke(
            TenantId home, String keyId, Instant revokedAt, Recorder revokedBy, AuditEvent event) {
        return Optional.empty();
    }

    @Override
    public Optional<ApiKey> seal(ApiKey key, Function<@Nullable ApiKey, List<AuditEvent>> entries) {
        return Optional.empty();
    }

    @Override
    public Optional<ApiKey> use(String keyId, Instant now, Function<ApiKey, AuditEvent> entry) {
        return Optional.empty();
    }

    @Override
    public void record(TenantId tenant, Recorder recorder, AuditEvent entry) {}

    @Override
    public Optional<ApiKey> lastSealed() {
        return Optional.empty();
    }

    @Override
    public List<ApiKey> list(TenantId home, @Nullable String afterId, int limit) {
        return List.of();
    }
}
