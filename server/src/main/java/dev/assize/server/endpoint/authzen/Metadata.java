package dev.assize.server.endpoint.authzen;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.inject.Inject;
import dev.assize.server.model.TenantId;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Says where what is; the same for every name of a tenant, whether or not there is one. */
final class Metadata {

    /** As the draft of the profile names it. */
    private static final String ACCESS_REQUESTS = "urn:openid:authzen:capability:access-request";

    private final AuthzenConfig config;

    @Inject
    Metadata(AuthzenConfig config) {
        this.config = config;
    }

    /** Empty where nobody said by what address callers come. */
    Optional<ObjectNode> of(@Nullable TenantId tenant) {
        if (config.publicUrl() == null) {
            return Optional.empty();
        }
        String base = config.base(tenant);
        ObjectNode metadata = JsonNodeFactory.instance
                .objectNode()
                .put("policy_decision_point", config.identifier(tenant))
                .put("access_evaluation_endpoint", base + "evaluation")
                .put("access_evaluations_endpoint", base + "evaluations")
                .put("search_subject_endpoint", base + "search/subject")
                .put("search_resource_endpoint", base + "search/resource")
                .put("search_action_endpoint", base + "search/action");
        if (config.accessRequests()) {
            metadata.put("access_request_endpoint", base + AccessRequests.PATH);
            metadata.putArray("capabilities").add(ACCESS_REQUESTS);
        }
        return Optional.of(metadata);
    }
}
