package dev.assize.server.endpoint.call;

import com.google.inject.Inject;
import dev.assize.server.decision.DecisionService;
import dev.assize.server.model.TenantId;

/** Knows which tenants there are: the engine does, and answers from memory. */
public final class TenantDirectory {

    private final DecisionService decisions;

    @Inject
    public TenantDirectory(DecisionService decisions) {
        this.decisions = decisions;
    }

    public boolean exists(TenantId tenant) {
        return decisions.isTenant(tenant);
    }

    /** Only for callers that were admitted to the tenant; others do not learn whether it exists. */
    public void requireExists(TenantId tenant) {
        if (!exists(tenant)) {
            throw unknown(tenant);
        }
    }

    public static RefusedException unknown(TenantId tenant) {
        return RefusedException.notFound(ErrorReason.TENANT_NOT_FOUND, "tenant", tenant.value());
    }
}
