package dev.assize.server.endpoint.grpc;

import com.google.inject.Inject;
import dev.assize.server.administration.TenantRegister;
import dev.assize.server.decision.DecisionService;
import dev.assize.server.model.TenantId;

/** Knows which tenants there are, from the engine's memory, and which there were. */
final class TenantDirectory {

    private final DecisionService decisions;

    private final TenantRegister register;

    @Inject
    TenantDirectory(DecisionService decisions, TenantRegister register) {
        this.decisions = decisions;
        this.register = register;
    }

    boolean exists(TenantId tenant) {
        return decisions.isTenant(tenant);
    }

    /** Only for callers that were admitted to the tenant; others do not learn whether it exists. */
    void requireExists(TenantId tenant) {
        if (!decisions.isTenant(tenant)) {
            throw unknown(tenant);
        }
    }

    /** The same of a tenant whose ledger may have outlived it. Blocks where it has. */
    void requireLedger(TenantId tenant) {
        if (!decisions.isTenant(tenant) && register.find(tenant).isEmpty()) {
            throw unknown(tenant);
        }
    }

    private static RefusedException unknown(TenantId tenant) {
        return RefusedException.notFound(ErrorReason.TENANT_NOT_FOUND, "tenant", tenant.value());
    }
}
