package dev.assize.server.decision.search;

import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.decision.check.CheckQuery.Delegator;
import dev.assize.server.model.Action;
import dev.assize.server.model.AttributeValue;
import dev.assize.server.model.Environment;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A check with one of its parts left open. */
public sealed interface Search {

    Surroundings surroundings();

    /** Who may do the action on the resource? Of one type of subject, or of every type where that is null. */
    record Subjects(@Nullable String subjectType, ResourcePath resource, Action action, Surroundings surroundings)
            implements Search {
        public CheckQuery about(Subject subject) {
            return surroundings.check(subject, resource, action);
        }
    }

    /** On which resources of a type may the subject do the action? */
    record Resources(Subject subject, Action action, String resourceType, Surroundings surroundings) implements Search {
        public CheckQuery about(ResourcePath resource) {
            return surroundings.check(subject, resource, action);
        }
    }

    /** What may the subject do on the resource? */
    record Actions(Subject subject, ResourcePath resource, Surroundings surroundings) implements Search {
        public CheckQuery about(Action action) {
            return surroundings.check(subject, resource, action);
        }
    }

    /** Everything of a check but its subject, resource and action. */
    record Surroundings(
            TenantId tenant,
            Environment env,
            TenantId subjectTenant,
            Map<String, AttributeValue> subjectAttributes,
            Map<String, AttributeValue> resourceAttributes,
            Map<String, AttributeValue> context,
            List<String> activeRoles,
            @Nullable Delegator onBehalfOf,
            @Nullable String runId) {

        private CheckQuery check(Subject subject, ResourcePath resource, Action action) {
            return new CheckQuery(
                    subject,
                    resource,
                    action,
                    tenant,
                    env,
                    subjectTenant,
                    subjectAttributes,
                    resourceAttributes,
                    context,
                    activeRoles,
                    onBehalfOf,
                    runId);
        }
    }
}
