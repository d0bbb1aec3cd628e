package dev.assize.server.upstream;

import com.google.inject.Inject;
import dev.assize.server.access.AccessControl;
import dev.assize.server.access.Permission;
import dev.assize.server.authentication.Caller;
import dev.assize.server.decision.DecisionConfig;
import dev.assize.server.decision.PolicyStaleException;
import dev.assize.server.model.TenantId;
import java.util.Optional;

/** Callers of a sidecar may do there what its own credential may do at the centre, and nothing else. */
final class UpstreamAccess implements AccessControl {

    private final UpstreamPolicy policy;
    private final DecisionConfig config;

    @Inject
    UpstreamAccess(UpstreamPolicy policy, DecisionConfig config) {
        this.policy = policy;
        this.config = config;
    }

    @Override
    public boolean permits(Caller caller, TenantId tenant, Permission permission) {
        return caller.mayActIn(tenant)
                && authority(tenant)
                        .map(it -> it.permissions().contains(permission.resourceType() + "/" + permission.action()))
                        .orElse(false);
    }

    @Override
    public boolean mayActAs(Caller caller, TenantId tenant, String subjectType) {
        return caller.mayActIn(tenant)
                && authority(tenant).map(it -> it.actAs().contains(subjectType)).orElse(false);
    }

    /** Empty where the tenant is not followed; where nothing was told of it yet, its callers are to come back. */
    private Optional<Authority> authority(TenantId tenant) {
        TenantPolicy known = policy.find(tenant);
        if (known == null) {
            return Optional.empty();
        }
        return Optional.of(
                known.authority().orElseThrow(() -> new PolicyStaleException(known.age(), config.freshnessBound())));
    }
}
