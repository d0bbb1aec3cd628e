package dev.assize.server.authentication;

import dev.assize.server.model.Environment;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import java.util.Set;

/**
 * Who a credential authenticates.
 *
 * @param home the tenant it belongs to
 * @param allTenants whether it may act in every tenant
 * @param tenants in which it may act, where not in all
 * @param envs it may ask about; empty for all
 * @param rpcs it may use, as `DecisionService/Check`; empty for all
 * @param breakGlass whether it is for emergencies: what it may do is fixed, and each use is recorded
 */
public record Caller(
        String keyId,
        Subject subject,
        TenantId home,
        boolean allTenants,
        Set<TenantId> tenants,
        Set<Environment> envs,
        Set<String> rpcs,
        boolean breakGlass) {

    /** One of an everyday key. */
    public Caller(
            String keyId,
            Subject subject,
            TenantId home,
            boolean allTenants,
            Set<TenantId> tenants,
            Set<Environment> envs,
            Set<String> rpcs) {
        this(keyId, subject, home, allTenants, tenants, envs, rpcs, false);
    }

    /** Whether the credential reaches a tenant of this name, which need not exist. */
    public boolean mayActIn(TenantId tenant) {
        return allTenants || tenants.contains(tenant);
    }

    public boolean mayAskAbout(Environment env) {
        return envs.isEmpty() || envs.contains(env);
    }

    public boolean mayUse(String rpc) {
        return rpcs.isEmpty() || rpcs.contains(rpc);
    }
}
