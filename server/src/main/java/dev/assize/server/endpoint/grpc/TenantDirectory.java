package dev.assize.server.endpoint.grpc;

import com.google.inject.Inject;
import dev.assize.server.decision.DecisionService;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.Reason;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.TenantId;

/** Knows which tenants there are. The engine does, and answers from memory: it is asked anything at all. */
final class TenantDirectory {

    private static final ResourcePath ANYTHING = ResourcePath.parse("tenant");
    private static final Action ANY_ACTION = new Action("exist");

    private final DecisionService decisions;

    @Inject
    TenantDirectory(DecisionService decisions) {
        this.decisions = decisions;
    }

    /** Only for callers that were admitted to the tenant; others do not learn whether it exists. */
    void requireExists(TenantId tenant) {
        CheckQuery probe = new CheckQuery(
                CallContext.current().caller().subject(), ANYTHING, ANY_ACTION, tenant, Environment.DEFAULT, tenant);
        if (decisions.evaluate(probe).reason() == Reason.TENANT_UNKNOWN) {
            throw RefusedException.notFound(ErrorReason.TENANT_NOT_FOUND, "tenant", tenant.value());
        }
    }
}
