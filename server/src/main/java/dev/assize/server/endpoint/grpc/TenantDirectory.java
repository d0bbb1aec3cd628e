package dev.assize.server.endpoint.grpc;

import com.google.inject.Inject;
import dev.assize.server.decision.DecisionService;
import dev.assize.server.model.TenantId;

/** Knows which tenants there are: the engine does, and answers from memory. */
final class TenantDirectory {

    private final DecisionService decisions;

    @Inject
    TenantDirectory(DecisionService decisions) {
        this.decisions = decisions;
    }

    boolean exists(TenantId tenant) {
        return decisions.isTenant(tenant);
    }

    /** Only for callers that were admitted to the tenant; others do not learn whether it exists. */
    void requireExists(TenantId tenant) {
        if (!exists(tenant)) {
            throw unknown(tenant);
        }
    }

    static RefusedException unknown(TenantId tenant) {
        return RefusedException.notFound(ErrorReason.TENANT_NOT_FOUND, "tenant", tenant.value());
    }
}
