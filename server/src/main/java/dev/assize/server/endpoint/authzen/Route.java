package dev.assize.server.endpoint.authzen;

import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What a path asks for, and in which tenant.
 *
 * @param tenant as the path says it, not yet read; null where it names none
 */
record Route(Endpoint endpoint, @Nullable String tenant) {

    private static final String BASE = "/access/v1/";
    private static final String WELL_KNOWN = "/.well-known/authzen-configuration";

    private static final Map<String, Endpoint> ENDPOINTS = Map.of(
            "evaluation", Endpoint.EVALUATION,
            "evaluations", Endpoint.EVALUATIONS,
            "search/subject", Endpoint.SEARCH_SUBJECT,
            "search/resource", Endpoint.SEARCH_RESOURCE,
            "search/action", Endpoint.SEARCH_ACTION);

    static Optional<Route> of(@Nullable String path) {
        if (path == null) {
            return Optional.empty();
        }
        if (path.equals(WELL_KNOWN)) {
            return Optional.of(new Route(Endpoint.METADATA, null));
        }
        if (path.startsWith(WELL_KNOWN + "/")) {
            return Optional.of(new Route(Endpoint.METADATA, path.substring(WELL_KNOWN.length() + 1)));
        }
        int base = path.indexOf(BASE);
        Endpoint endpoint = base < 0 ? null : ENDPOINTS.get(path.substring(base + BASE.length()));
        if (endpoint == null || base == 1 || path.lastIndexOf('/', base - 1) > 0) {
            return Optional.empty();
        }
        return Optional.of(new Route(endpoint, base == 0 ? null : path.substring(1, base)));
    }

    /** Everything that is offered, and the RPC that each stands for: limits and permissions of callers are its. */
    enum Endpoint {
        EVALUATION("evaluation", "DecisionService/Check"),
        EVALUATIONS("evaluations", "DecisionService/CheckBatch"),
        SEARCH_SUBJECT("search-subject", "DecisionService/SearchSubjects"),
        SEARCH_RESOURCE("search-resource", "DecisionService/SearchResources"),
        SEARCH_ACTION("search-action", "DecisionService/SearchActions"),
        METADATA("metadata", "");

        private final String label;
        private final String rpc;

        Endpoint(String label, String rpc) {
            this.label = label;
            this.rpc = rpc;
        }

        /** As meters name it. */
        String label() {
            return label;
        }

        String rpc() {
            return rpc;
        }
    }
}
