package dev.assize.server.endpoint.authzen;

import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What a path asks for, and in which tenant.
 *
 * @param tenant as the path says it, not yet read; null where it names none
 * @param task that is asked about, as the path says it; null but where that is what it asks for
 */
record Route(
        Endpoint endpoint,
        @Nullable String tenant,
        @Nullable String task) {

    private static final String BASE = "/access/v1/";
    private static final String WELL_KNOWN = "/.well-known/authzen-configuration";

    private static final Pattern TASK = Pattern.compile(AccessRequests.PATH + "/([^/]+)");

    /** By what stands behind the base, those of which that is always the same. */
    private static final Map<String, Endpoint> ENDPOINTS = Arrays.stream(Endpoint.values())
            .filter(endpoint -> endpoint != Endpoint.METADATA && endpoint != Endpoint.ACCESS_REQUEST_STATUS)
            .collect(Collectors.toUnmodifiableMap(Endpoint::path, endpoint -> endpoint));

    static Optional<Route> of(@Nullable String path) {
        if (path == null) {
            return Optional.empty();
        }
        if (path.equals(WELL_KNOWN)) {
            return Optional.of(new Route(Endpoint.METADATA, null, null));
        }
        if (path.startsWith(WELL_KNOWN + "/")) {
            return Optional.of(new Route(Endpoint.METADATA, path.substring(WELL_KNOWN.length() + 1), null));
        }
        int base = path.indexOf(BASE);
        if (base < 0 || base == 1 || path.lastIndexOf('/', base - 1) > 0) {
            return Optional.empty();
        }
        return of(path.substring(base + BASE.length()), base == 0 ? null : path.substring(1, base));
    }

    private static Optional<Route> of(String rest, @Nullable String tenant) {
        Endpoint endpoint = ENDPOINTS.get(rest);
        if (endpoint != null) {
            return Optional.of(new Route(endpoint, tenant, null));
        }
        Matcher task = TASK.matcher(rest);
        return task.matches()
                ? Optional.of(new Route(Endpoint.ACCESS_REQUEST_STATUS, tenant, task.group(1)))
                : Optional.empty();
    }

    /** The path without what a caller chooses. */
    String template() {
        return endpoint == Endpoint.METADATA
                ? WELL_KNOWN
                : (tenant == null ? "" : "/{tenant}") + BASE + endpoint.path();
    }

    /** Everything that is offered, and the RPC that each stands for: limits and permissions of callers are its. */
    enum Endpoint {
        EVALUATION("evaluation", "evaluation", "DecisionService/Check"),
        EVALUATIONS("evaluations", "evaluations", "DecisionService/CheckBatch"),
        SEARCH_SUBJECT("search-subject", "search/subject", "DecisionService/SearchSubjects"),
        SEARCH_RESOURCE("search-resource", "search/resource", "DecisionService/SearchResources"),
        SEARCH_ACTION("search-action", "search/action", "DecisionService/SearchActions"),
        ACCESS_REQUEST("access-request", AccessRequests.PATH, "ApprovalService/RequestApproval"),
        ACCESS_REQUEST_STATUS(
                "access-request-status", AccessRequests.PATH + "/{task}", "ApprovalService/ListApprovals"),
        METADATA("metadata", "", "");

        private final String label;
        private final String path;
        private final String rpc;

        Endpoint(String label, String path, String rpc) {
            this.label = label;
            this.path = path;
            this.rpc = rpc;
        }

        /** As meters name it. */
        String label() {
            return label;
        }

        /** What stands behind the base. */
        String path() {
            return path;
        }

        String rpc() {
            return rpc;
        }

        /** Whether it is of the draft profile, which is there only where somebody wants it. */
        boolean isOfDraft() {
            return this == ACCESS_REQUEST || this == ACCESS_REQUEST_STATUS;
        }

        /** Whether it is read, not asked. */
        boolean isRead() {
            return this == METADATA || this == ACCESS_REQUEST_STATUS;
        }
    }
}
