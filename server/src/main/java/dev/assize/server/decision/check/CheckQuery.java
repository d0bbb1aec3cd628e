package dev.assize.server.decision.check;

import dev.assize.server.model.Action;
import dev.assize.server.model.AttributeValue;
import dev.assize.server.model.Environment;
import dev.assize.server.model.Limits;
import dev.assize.server.model.MalformedException;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A question to the PDP: may this subject do this action on this resource?
 *
 * @param subjectTenant the subject's home; equal to {@code tenant} unless the request names another
 * @param subjectAttributes as the request says; stored ones win, and none is read where only stored ones count
 * @param resourceAttributes likewise
 * @param context of the request
 * @param activeRoles the roles the subject acts in; none named means all that its grants give
 * @param onBehalfOf who must be allowed, too; null where the subject acts for itself
 * @param runId of which this is a part, for freezes of a run
 */
public record CheckQuery(
        Subject subject,
        ResourcePath resource,
        Action action,
        TenantId tenant,
        Environment env,
        TenantId subjectTenant,
        Map<String, AttributeValue> subjectAttributes,
        Map<String, AttributeValue> resourceAttributes,
        Map<String, AttributeValue> context,
        List<String> activeRoles,
        @Nullable Delegator onBehalfOf,
        @Nullable String runId) {

    /**
     * On whose behalf a subject acts.
     *
     * @param home equal to the request's tenant unless it names another
     */
    public record Delegator(Subject subject, TenantId home) {
        public Delegator {
            requireNoGroup(subject);
        }
    }

    public CheckQuery {
        requireNoGroup(subject);
        subjectAttributes = Map.copyOf(subjectAttributes);
        resourceAttributes = Map.copyOf(resourceAttributes);
        context = Map.copyOf(context);
        activeRoles = List.copyOf(activeRoles);
        if (activeRoles.size() > Limits.ACTIVE_ROLES) {
            throw new MalformedException(
                    activeRoles.size() + " active roles", "at most " + Limits.ACTIVE_ROLES + " active roles");
        }
    }

    /** A question that names nothing but what every question names. */
    public CheckQuery(
            Subject subject,
            ResourcePath resource,
            Action action,
            TenantId tenant,
            Environment env,
            TenantId subjectTenant) {
        this(
                subject,
                resource,
                action,
                tenant,
                env,
                subjectTenant,
                Map.of(),
                Map.of(),
                Map.of(),
                List.of(),
                null,
                null);
    }

    /** The same question about the delegator, who brings no attributes and no choice of roles of its own. */
    public CheckQuery of(Delegator delegator) {
        return new CheckQuery(
                delegator.subject(),
                resource,
                action,
                tenant,
                env,
                delegator.home(),
                Map.of(),
                resourceAttributes,
                context,
                List.of(),
                null,
                runId);
    }

    private static void requireNoGroup(Subject subject) {
        if (subject.isGroup()) {
            throw new MalformedException(subject.toString(), Subject.EXPECTED_OF_REQUEST);
        }
    }
}
