package dev.assize.server.authentication;

import dev.assize.server.audit.AuditEvent;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.TenantId;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Where credentials are kept. Blocks. Every change commits together with its entry in the home tenant's ledger;
 * a creation is recorded by {@link ApiKey#createdBy()}.
 */
public interface ApiKeyRepository {

    Optional<ApiKey> find(String keyId);

    /** The same for many, by their ids; those that there are none of are left out. */
    default Map<String, ApiKey> findAll(Set<String> keyIds) {
        Map<String, ApiKey> found = new HashMap<>();
        keyIds.forEach(id -> find(id).ifPresent(key -> found.put(id, key)));
        return found;
    }

    /**
     * Keeps a key.
     *
     * @param most valid keys that its home may have with it
     * @throws TenantGoneException where its home was deleted, however shortly before
     * @throws KeysFullException where its home has more than that
     */
    void insert(ApiKey key, AuditEvent event, int most);

    /** The key as it is after revocation; empty where the tenant has no such key. Revoking twice changes nothing. */
    Optional<ApiKey> revoke(TenantId home, String keyId, Instant revokedAt, Recorder revokedBy, AuditEvent event);

    /**
     * Keeps a break-glass key in place of the one before it, if there is one.
     *
     * @param entries of the new key and of the one before it, which is null where there is none
     * @return the one before it, revoked now
     */
    Optional<ApiKey> seal(ApiKey key, Function<@Nullable ApiKey, List<AuditEvent>> entries);

    /**
     * Records a use of a break-glass key, the first of which begins its time; empty where it is void by then, and then
     * nothing is recorded.
     */
    Optional<ApiKey> use(String keyId, Instant now, Function<ApiKey, AuditEvent> entry);

    /** Records in the ledger of a tenant what was done there. */
    void record(TenantId tenant, Recorder recorder, AuditEvent entry);

    /** The break-glass key that was made last, revoked or not. */
    Optional<ApiKey> lastSealed();

    /** Keys of a home tenant by id, behind {@code afterId}. */
    List<ApiKey> list(TenantId home, @Nullable String afterId, int limit);
}
