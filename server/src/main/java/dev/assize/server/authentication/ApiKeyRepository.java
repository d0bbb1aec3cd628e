package dev.assize.server.authentication;

import dev.assize.server.audit.AuditEvent;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.TenantId;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Where credentials are kept. Blocks. Every change commits together with its entry in the home tenant's ledger;
 * a creation is recorded by {@link ApiKey#createdBy()}.
 */
public interface ApiKeyRepository {

    Optional<ApiKey> find(String keyId);

    void insert(ApiKey key, AuditEvent event);

    /** The key as it is after revocation; empty where the tenant has no such key. Revoking twice changes nothing. */
    Optional<ApiKey> revoke(TenantId home, String keyId, Instant revokedAt, Recorder revokedBy, AuditEvent event);

    /** Keys of a home tenant by id, behind {@code afterId}. */
    List<ApiKey> list(TenantId home, @Nullable String afterId, int limit);
}
