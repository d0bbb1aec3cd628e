package dev.assize.server.endpoint.envoy;

import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.TenantId;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Requests of one shape, and what they ask for.
 *
 * @param hosts as in {@link Target}; empty for every host
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
        Sources sources) {

    Route {
        hosts = Set.copyOf(hosts);
        actions = Map.copyOf(actions);
    }

    /** What a request asks for by this route; empty where it is not of its shape. */
    Optional<Asked> match(Target target) {
        Action action = actions.get(target.method());
        if (action == null || !(hosts.isEmpty() || hosts.contains(target.host()))) {
            return Optional.empty();
        }
        return path.match(target.path())
                .map(values -> new Asked(name, target, resource.fill(values), action, tenant, env, sources));
    }

    /** Whether every request of the other route is of this one's shape. */
    boolean covers(Route other) {
        boolean ofHosts = hosts.isEmpty() || (!other.hosts.isEmpty() && hosts.containsAll(other.hosts));
        return ofHosts && actions.keySet().containsAll(other.actions.keySet()) && path.covers(other.path);
    }
}
