package dev.assize.server.upstream.forward;

import dev.assize.server.model.TenantId;
import java.util.Set;

/** The tenants that a sidecar serves. */
public record ForwardedTenants(Set<TenantId> tenants) {
    public ForwardedTenants {
        tenants = Set.copyOf(tenants);
    }
}
