package dev.assize.server.endpoint.envoy;

import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.TenantId;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Requests of one shape, and what they ask for.
 *
 * @param hosts in lower case, without port; empty for every host
 * @param actions by HTTP method
 */
record Route(
        String name,
        Set<String> hosts,
        PathTemplate path,
        Map<String, Action> actions,
        ResourceTemplate resource,
        TenantId tenant,
        Environment env,
        List<SubjectSource> subjects) {

    Route {
        hosts = Set.copyOf(hosts);
        actions = Map.copyOf(actions);
        subjects = List.copyOf(subjects);
    }

    /** What a request asks for by this route; empty where it is not of its shape. */
    Optional<Asked> match(String host, String method, RequestPath requested) {
        Action action = actions.get(method);
        if (action == null || !(hosts.isEmpty() || hosts.contains(host))) {
            return Optional.empty();
        }
        return path.match(requested)
                .map(values -> new Asked(name, resource.fill(values), action, tenant, env, subjects));
    }

    /** Whether every request of the other route is of this one's shape. */
    boolean covers(Route other) {
        boolean ofHosts = hosts.isEmpty() || (!other.hosts.isEmpty() && hosts.containsAll(other.hosts));
        return ofHosts && actions.keySet().containsAll(other.actions.keySet()) && path.covers(other.path);
    }
}
