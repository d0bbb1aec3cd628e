package dev.assize.server.endpoint.grpc;

import com.google.inject.Inject;
import dev.assize.server.administration.TenantRegister;
import dev.assize.server.endpoint.call.TenantDirectory;
import dev.assize.server.model.TenantId;

/** Knows which ledgers there are: those of the tenants there are, and of those that were. */
final class LedgerDirectory {

    private final TenantDirectory tenants;
    private final TenantRegister register;

    @Inject
    LedgerDirectory(TenantDirectory tenants, TenantRegister register) {
        this.tenants = tenants;
        this.register = register;
    }

    /** Only for callers that were admitted to the tenant. Blocks where the tenant is no more. */
    void requireExists(TenantId tenant) {
        if (!tenants.exists(tenant) && register.find(tenant).isEmpty()) {
            throw TenantDirectory.unknown(tenant);
        }
    }
}
