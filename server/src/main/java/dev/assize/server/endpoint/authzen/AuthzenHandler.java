package dev.assize.server.endpoint.authzen;

import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.inject.Inject;
import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import dev.assize.server.endpoint.authzen.Route.Endpoint;
import dev.assize.server.endpoint.call.Admission;
import dev.assize.server.endpoint.call.CallContext;
import dev.assize.server.endpoint.call.Fields;
import dev.assize.server.endpoint.call.Gate;
import dev.assize.server.endpoint.call.Refusals;
import dev.assize.server.endpoint.call.RefusedException;
import dev.assize.server.model.Limits;
import dev.assize.server.model.TenantId;
import io.grpc.Context;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.context.Scope;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.Semaphore;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Serves AuthZEN. A call is admitted as over gRPC before its body is read: by its credential, the RPC that its endpoint
 * stands for, and its tenant, which the path names, or else is the caller's home. At most {@value #CONCURRENT_REQUESTS}
 * requests are worked on at a time; more get a 503. One whose body is still to come is not worked on: how slow that is, is
 * the caller's choice.
 */
final class AuthzenHandler implements HttpHandler {

    private static final Logger LOG = LoggerFactory.getLogger(AuthzenHandler.class);
    private static final int CONCURRENT_REQUESTS = 256;
    private static final String REQUEST_ID = "X-Request-ID";

    /** What comes back, which is all that a header may be in HTTP; how long it is the server bounds for all headers together. */
    private static final Pattern REQUEST_ID_FORM = Pattern.compile("[ -~]+");

    private static final String METADATA_KEPT = "max-age=300";
    private static final String JSON = "application/json";
    private static final String PROBLEM = "application/problem+json";
    private static final String TEXT = "text/plain; charset=utf-8";

    private final Admission admission;
    private final Gate gate;
    private final Evaluations evaluations;
    private final Searches searches;

    /** Empty where nobody takes them; then the configuration does not offer them either. */
    private final Optional<AccessRequests> accessRequests;

    private final Metadata metadata;
    private final AuthzenConfig config;
    private final AuthzenMetrics metrics;
    private final HttpSpans spans;
    private final Semaphore slots = new Semaphore(CONCURRENT_REQUESTS);

    @Inject
    AuthzenHandler(
            Admission admission,
            Gate gate,
            Evaluations evaluations,
            Searches searches,
            Optional<AccessRequests> accessRequests,
            Metadata metadata,
            AuthzenConfig config,
            AuthzenMetrics metrics,
            HttpSpans spans) {
        this.admission = admission;
        this.gate = gate;
        this.evaluations = evaluations;
        this.searches = searches;
        this.accessRequests = accessRequests;
        this.metadata = metadata;
        this.config = config;
        this.metrics = metrics;
        this.spans = spans;
    }

    @Override
    public void handle(HttpExchange exchange) throws IOException {
        long start = System.nanoTime();
        Optional<Route> route = Route.of(exchange.getRequestURI().getRawPath())
                .filter(known -> config.accessRequests() || !known.endpoint().isOfDraft());
        boolean isOfDraft = route.isPresent() && route.get().endpoint().isOfDraft();
        Response answered = answer(exchange, route);
        Response response = isOfDraft ? answered.asProblem() : answered;
        send(exchange, response);
        metrics.answered(
                route.map(known -> known.endpoint().label()).orElse("none"),
                response.status,
                System.nanoTime() - start);
    }

    private Response answer(HttpExchange exchange, Optional<Route> route) throws IOException {
        return route.isEmpty()
                ? Response.error(
                        HttpStatus.NOT_FOUND,
                        "there is nothing here: expected /metrics, /livez, /readyz or"
                                + " a path of AuthZEN, such as /access/v1/evaluation")
                : refusable(() -> answer(exchange, route.get()));
    }

    private Response refusable(Work<Response> work) throws IOException {
        try {
            return work.done();
        } catch (RuntimeException failure) {
            return refusal(failure);
        }
    }

    /** Does what takes a processor or a store, if there is room for it. */
    private <T> T inSlot(Supplier<T> work) {
        if (!slots.tryAcquire()) {
            throw new BusyException();
        }
        try {
            return work.get();
        } finally {
            slots.release();
        }
    }

    private Response answer(HttpExchange exchange, Route route) throws IOException {
        boolean reads = route.endpoint().isRead();
        String method = exchange.getRequestMethod();
        if (reads ? !method.equals("GET") && !method.equals("HEAD") : !method.equals("POST")) {
            String allowed = reads ? "GET, HEAD" : "POST";
            return Response.error(HttpStatus.METHOD_NOT_ALLOWED, "method " + method + ": expected " + allowed)
                    .with("Allow", allowed);
        }
        return route.endpoint() == Endpoint.METADATA ? metadata(route) : ask(exchange, route);
    }

    private Response metadata(Route route) {
        TenantId tenant = route.tenant() == null ? null : tenant(route.tenant());
        return metadata.of(tenant)
                .map(body -> Response.ok(body).with("Cache-Control", METADATA_KEPT))
                .orElseGet(() -> Response.error(
                        HttpStatus.NOT_FOUND, "there is no metadata: the server's http.publicUrl is not set"));
    }

    private Response ask(HttpExchange exchange, Route route) throws IOException {
        Headers headers = exchange.getRequestHeaders();
        List<String> authorization = headers.getOrDefault("Authorization", List.of());
        CallContext admitted = inSlot(
                () -> admission.admit(route.endpoint().rpc(), true, authorization, headers.getFirst("traceparent")));
        Span span = spans.begin(exchange, route);
        try (Scope _ = span.makeCurrent()) {
            Response response = refusable(() -> asked(exchange, route, admitted.within(span)));
            HttpSpans.answered(span, response.status);
            return response;
        } finally {
            span.end();
        }
    }

    private Response asked(HttpExchange exchange, Route route, CallContext call) throws IOException {
        Context context = call.attachedTo(Context.current());
        Context before = context.attach();
        try {
            TenantId tenant = inSlot(() -> entered(call, route));
            String task = route.task();
            if (task != null) {
                return inSlot(() -> Response.ok(accessRequests.orElseThrow().status(tenant, task)));
            }
            Headers headers = exchange.getRequestHeaders();
            requireJson(headers.getFirst("Content-Type"));
            byte[] body = exchange.getRequestBody().readNBytes(Limits.REQUEST_BYTES + 1);
            if (body.length > Limits.REQUEST_BYTES) {
                return Response.error(
                        HttpStatus.TOO_LARGE,
                        "the body is too large: expected at most " + Limits.REQUEST_BYTES + " bytes");
            }
            return inSlot(() -> answer(route.endpoint(), body, tenant, headers.getFirst("Idempotency-Key")));
        } finally {
            context.detach(before);
        }
    }

    /** Before anything else is looked at: a tenant out of reach is nobody's business. */
    private TenantId entered(CallContext call, Route route) {
        TenantId tenant = route.tenant() == null ? call.caller().home() : tenant(route.tenant());
        gate.admit(tenant);
        return tenant;
    }

    private Response answer(Endpoint endpoint, byte[] body, TenantId tenant, @Nullable String idempotencyKey) {
        ObjectNode request = InternetJson.object(body);
        return endpoint == Endpoint.ACCESS_REQUEST
                ? submitted(accessRequests.orElseThrow().submit(request, tenant, idempotencyKey))
                : Response.ok(answer(endpoint, request, tenant));
    }

    private static Response submitted(ObjectNode task) {
        boolean isPending = task.at("/task/status").textValue().equals("pending");
        return new Response(isPending ? HttpStatus.ACCEPTED : HttpStatus.CREATED, JSON, task.toString(), null, "")
                .with("Location", task.at("/task/status_endpoint").textValue());
    }

    private ObjectNode answer(Endpoint endpoint, ObjectNode request, TenantId tenant) {
        return switch (endpoint) {
            case EVALUATION -> evaluations.one(request, tenant);
            case EVALUATIONS -> evaluations.all(request, tenant);
            case SEARCH_SUBJECT -> searches.subjects(request, tenant);
            case SEARCH_RESOURCE -> searches.resources(request, tenant);
            case SEARCH_ACTION -> searches.actions(request, tenant);
            case ACCESS_REQUEST, ACCESS_REQUEST_STATUS, METADATA ->
                throw new IllegalStateException("No question: " + endpoint);
        };
    }

    private static TenantId tenant(String name) {
        return Fields.read("tenant", name, TenantId::new);
    }

    /** As the certification scenario has it (c-2-4-3), a 400. */
    private static void requireJson(@Nullable String type) {
        String essence = type == null ? "" : type.split(";", 2)[0].strip().toLowerCase(Locale.ROOT);
        if (!essence.equals(JSON)) {
            throw RefusedException.invalid("Content-Type", type == null ? "" : type, JSON);
        }
    }

    private Response refusal(RuntimeException failure) {
        return switch (failure) {
            case ProblemException problem ->
                Response.problem(problem.problem().status(), problem.problem().body(problem.detail()));
            case BusyException _ ->
                Response.error(HttpStatus.UNAVAILABLE, "as many requests are under way as this node works on at a time")
                        .with("Retry-After", "1");
            default -> Refusals.of(failure).map(AuthzenHandler::refusal).orElseGet(() -> internal(failure));
        };
    }

    private static Response refusal(RefusedException refused) {
        int status = HttpStatus.of(refused.reason());
        Response response = Response.error(status, refused.getMessage());
        if (status == HttpStatus.UNAUTHORIZED) {
            return response.with("WWW-Authenticate", "Bearer realm=\"assize\"");
        }
        return refused.retryAfter() == null
                ? response
                : response.with(
                        "Retry-After",
                        Long.toString(Math.max(1, refused.retryAfter().toSeconds())));
    }

    /** A bug of ours: the caller learns a number to quote, the log the rest. */
    private Response internal(RuntimeException failure) {
        String incident = UUID.randomUUID().toString();
        metrics.internalError();
        LOG.error("Internal error, incident {}", incident, failure);
        return refusal(Refusals.internal(incident));
    }

    private static void send(HttpExchange exchange, Response response) throws IOException {
        Headers headers = exchange.getResponseHeaders();
        String requestId = exchange.getRequestHeaders().getFirst(REQUEST_ID);
        if (requestId != null && REQUEST_ID_FORM.matcher(requestId).matches()) {
            headers.set(REQUEST_ID, requestId);
        }
        headers.set("Content-Type", response.type);
        headers.set("Cache-Control", "no-store");
        headers.set("X-Content-Type-Options", "nosniff");
        if (response.header != null) {
            headers.set(response.header, response.headerValue);
        }
        byte[] body = response.body.getBytes(StandardCharsets.UTF_8);
        boolean head = exchange.getRequestMethod().equals("HEAD");
        exchange.sendResponseHeaders(response.status, head ? -1 : body.length);
        if (!head) {
            exchange.getResponseBody().write(body);
        }
    }

    /** What may fail to read. */
    @FunctionalInterface
    private interface Work<T> {

        T done() throws IOException;
    }

    /** That there is no room. Carries no stack: it is an answer, not a fault. */
    private static final class BusyException extends RuntimeException {

        private static final long serialVersionUID = 1L;

        BusyException() {
            super("too many requests at a time", null, false, false);
        }
    }

    /**
     * What is sent.
     *
     * @param header that belongs to the status; null where none does
     */
    private record Response(
            int status, String type, String body, @Nullable String header, String headerValue) {

        static Response ok(ObjectNode body) {
            return new Response(HttpStatus.OK, JSON, body.toString(), null, "");
        }

        static Response error(int status, String message) {
            return new Response(status, TEXT, message, null, "");
        }

        static Response problem(int status, ObjectNode body) {
            return new Response(status, PROBLEM, body.toString(), null, "");
        }

        /** An error as the draft profile wants it; whatever else it is, as it is. */
        Response asProblem() {
            return type.equals(TEXT)
                    ? new Response(status, PROBLEM, Problem.other(status, body).toString(), header, headerValue)
                    : this;
        }

        Response with(String name, String value) {
            return new Response(status, type, body, name, value);
        }
    }
}
