package dev.assize.server.model;

import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Where documents live: one tenant, or the platform, whose documents every tenant sees. */
public record PolicyScope(@Nullable TenantId tenantOrNull) implements Comparable<PolicyScope> {

    public static final PolicyScope PLATFORM = new PolicyScope(null);

    /** How the platform is written where a tenant's name would stand; no tenant can have that name. */
    private static final String PLATFORM_KEY = "~platform";

    public static PolicyScope of(TenantId tenant) {
        return new PolicyScope(tenant);
    }

    /** The inverse of {@link #key()}. */
    public static PolicyScope ofKey(String key) {
        return key.equals(PLATFORM_KEY) ? PLATFORM : of(new TenantId(key));
    }

    public boolean isPlatform() {
        return tenantOrNull == null;
    }

    public Optional<TenantId> tenant() {
        return Optional.ofNullable(tenantOrNull);
    }

    /** The tenant in whose ledger changes of this scope are recorded. */
    public TenantId ledgerTenant() {
        return tenantOrNull == null ? TenantId.ASSIZE : tenantOrNull;
    }

    /** A name for storage, unique among scopes. */
    public String key() {
        return tenantOrNull == null ? PLATFORM_KEY : tenantOrNull.value();
    }

    /** The platform comes first: `~` would sort last, and locks are taken in this order. */
    @Override
    public int compareTo(PolicyScope other) {
        if (tenantOrNull == null || other.tenantOrNull == null) {
            return Boolean.compare(tenantOrNull != null, other.tenantOrNull != null);
        }
        return tenantOrNull.compareTo(other.tenantOrNull);
    }

    @Override
    public String toString() {
        return tenantOrNull == null ? "the platform" : "tenant `" + tenantOrNull + "`";
    }
}
