package dev.assize.server.authentication;

import dev.assize.server.model.Environment;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import java.time.Instant;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Whom a new key is to authenticate, and how far.
 *
 * @param home the tenant it belongs to
 * @param allTenants whether it may act in every tenant
 * @param tenants in which it may act, where not in all
 * @param envs it may ask about; empty for all
 * @param rpcs it may use; empty for all
 * @param expiresAt excluded; null for no end
 */
public record KeyGrant(
        Subject subject,
        TenantId home,
        boolean allTenants,
        Set<TenantId> tenants,
        Set<Environment> envs,
        Set<String> rpcs,
        String description,
        @Nullable Instant expiresAt) {

    public KeyGrant {
        tenants = Set.copyOf(tenants);
        envs = Set.copyOf(envs);
        rpcs = Set.copyOf(rpcs);
    }

    Caller caller(String keyId) {
        return new Caller(keyId, subject, home, allTenants, tenants, envs, rpcs);
    }
}
