package dev.assize.server.access;

import com.google.inject.Inject;
import dev.assize.server.authentication.Caller;
import dev.assize.server.decision.DecisionService;
import dev.assize.server.decision.PolicyStaleException;
import dev.assize.server.decision.PolicyUnavailableException;
import dev.assize.server.decision.check.Answer;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.TenantId;
import dev.assize.server.prompt.WouldWaitException;

/**
 * Asks the engine itself, in tenant `assize`: a caller is a subject with a home tenant like any other, and what it
 * asks for is a resource `tenant:T/TYPE`. A decision costs less than looking one up, so nothing is remembered here.
 */
final class EngineAccessControl implements AccessControl {

    private static final Action ACT_AS = new Action(Permission.ACT_AS_ACTION);

    private final DecisionService decisions;
    private final AccessMetrics metrics;

    @Inject
    EngineAccessControl(DecisionService decisions, AccessMetrics metrics) {
        this.decisions = decisions;
        this.metrics = metrics;
    }

    @Override
    public boolean permits(Caller caller, TenantId tenant, Permission permission) {
        if (caller.breakGlass()) {
            return Permission.BREAK_GLASS.contains(permission);
        }
        String path = "tenant:" + tenant + "/" + permission.resourceType();
        return isAllowed(
                caller,
                tenant,
                new ResourcePath(path, permission.resourceType(), true),
                new Action(permission.action()));
    }

    @Override
    public boolean mayActAs(Caller caller, TenantId tenant, String subjectType) {
        if (caller.breakGlass()) {
            return false;
        }
        String path = "tenant:" + tenant + "/" + Permission.ACT_AS_RESOURCE_TYPE + ":" + subjectType;
        return isAllowed(caller, tenant, ResourcePath.parse(path), ACT_AS);
    }

    private boolean isAllowed(Caller caller, TenantId tenant, ResourcePath resource, Action action) {
        if (!caller.mayActIn(tenant)) {
            return false;
        }
        try {
            Answer answer = decisions.evaluateOwn(new CheckQuery(
                    caller.subject(), resource, action, TenantId.ASSIZE, Environment.DEFAULT, caller.home()));
            // Nobody here knows an obligation, not even how to use an approval up; who does not know one denies.
            return answer.reason().isAllow() && answer.obligations().isEmpty();
        } catch (PolicyStaleException | PolicyUnavailableException | WouldWaitException broken) {
            // Nobody may do anything meanwhile; the caller is told to come back, not that it lacks a permission.
            throw broken;
        } catch (RuntimeException brokenEngine) {
            metrics.failedClosed();
            return false;
        }
    }
}
