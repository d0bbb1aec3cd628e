package dev.assize.client.enforcement;

import com.sun.net.httpserver.Filter;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.assize.client.CheckResult;
import dev.assize.client.Question;
import java.io.IOException;
import java.net.URI;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/**
 * Lets a request to the JDK's own {@link HttpServer} pass only where Assize allows it. What no route maps is refused, and so is a
 * path that a handler could read otherwise than this does: with empty segments or dots, with an encoded slash, a backslash, a
 * semicolon or a control character, or in what is no UTF-8.
 *
 * <pre>{@code
 * EnforcingFilter door = EnforcingFilter.of(enforcer, exchange -> sessions.subjectOf(exchange))
 *         .route("GET /docs/{id}", "read", "doc:{id}")
 *         .open("GET /health")
 *         .build();
 * server.createContext("/", documents).getFilters().add(door);
 * }</pre>
 *
 * <p>It answers as {@link Refusal} says, with the decision's id in the header {@code Assize-Decision-Id}, and does not say why.
 */
public final class EnforcingFilter extends Filter {

    /** The answer by which a request was let through, for its handler: its decision goes into the event of what is then done. */
    public static final ScopedValue<CheckResult> RESULT = ScopedValue.newInstance();

    private final Enforcer enforcer;
    private final Subject subject;
    private final List<Rule> rules;

    /** Who asks. */
    @FunctionalInterface
    public interface Subject {

        /**
         * The subject, as {@code user:alice}, from what the service has verified and never from a header as it is; empty where
         * nobody is known.
         */
        Optional<String> of(HttpExchange exchange);
    }

    /** What is asked for a route; nothing where there is no question. */
    private record Rule(
            HttpRoute route,
            @Nullable String action,
            String resource,
            BiFunction<HttpExchange, Question, Question> refined) {}

    private EnforcingFilter(Enforcer enforcer, Subject subject, List<Rule> rules) {
        this.enforcer = enforcer;
        this.subject = subject;
        this.rules = List.copyOf(rules);
    }

    /** Gathers routes; the first that matches counts. */
    public static Builder of(Enforcer enforcer, Subject subject) {
        return new Builder(enforcer, subject);
    }

    @Override
    public String description() {
        return "asks Assize whether a request may pass";
    }

    @Override
    public void doFilter(HttpExchange exchange, Chain chain) throws IOException {
        Optional<Found> found = find(exchange);
        if (found.isPresent() && found.get().rule.action == null) {
            chain.doFilter(exchange);
            return;
        }
        Verdict verdict = found.map(it -> verdict(exchange, it))
                .orElseGet(() -> Verdict.refused(Refusal.FORBIDDEN, "Denied, because no route is meant"));
        if (verdict.allowed()) {
            ScopedValue.where(RESULT, verdict.result().orElseThrow()).call(() -> {
                chain.doFilter(exchange);
                return true;
            });
        } else {
            refuse(exchange, verdict);
        }
    }

    private record Found(Rule rule, Map<String, String> values) {}

    private Optional<Found> find(HttpExchange exchange) {
        URI asked = exchange.getRequestURI();
        // To the JDK `//docs/1` is the path `/1` of a host `docs`.
        Optional<List<String>> path = asked.getRawPath() == null || asked.getRawAuthority() != null
                ? Optional.empty()
                : HttpRoute.segments(asked.getRawPath());
        return path.flatMap(segments -> rules.stream()
                .flatMap(rule -> rule.route.match(exchange.getRequestMethod(), segments).stream()
                        .map(values -> new Found(rule, values)))
                .findFirst());
    }

    private Verdict verdict(HttpExchange exchange, Found found) {
        try {
            Optional<String> who = subject.of(exchange).filter(it -> !it.isEmpty());
            if (who.isEmpty()) {
                return Verdict.refused(Refusal.UNAUTHENTICATED, "Denied, because nobody is known");
            }
            Rule rule = found.rule;
            Question question =
                    Question.of(who.get(), HttpRoute.filled(rule.resource, found.values), String.valueOf(rule.action));
            return enforcer.enforce(Optional.of(rule.refined.apply(exchange, question)));
        } catch (RuntimeException failure) {
            return Verdict.refused(Refusal.FORBIDDEN, "Denied, because the mapping failed: " + failure);
        }
    }

    private static void refuse(HttpExchange exchange, Verdict verdict) throws IOException {
        Refusal refusal = verdict.refusal().orElse(Refusal.FORBIDDEN);
        if (!verdict.decisionId().isEmpty()) {
            exchange.getResponseHeaders().set("Assize-Decision-Id", verdict.decisionId());
        }
        if (refusal == Refusal.UNAUTHENTICATED) {
            exchange.getResponseHeaders().set("WWW-Authenticate", "Bearer");
        }
        exchange.sendResponseHeaders(refusal.httpStatus(), -1);
        exchange.close();
    }

    /** Gathers routes. */
    public static final class Builder {

        private final Enforcer enforcer;
        private final Subject subject;
        private final List<Rule> rules = new ArrayList<>();

        private Builder(Enforcer enforcer, Subject subject) {
            this.enforcer = enforcer;
            this.subject = subject;
        }

        /**
         * Asks before a route.
         *
         * @param route as {@code GET /docs/{id}}, which covers HEAD, too; {@code {path...}} at its end takes all that is left
         * @param resource in which {@code {id}} stands for that part of the path, as one id
         */
        public Builder route(String route, String action, String resource) {
            return route(route, action, resource, (_, question) -> question);
        }

        /**
         * The same with more in the question: attributes, a tenant, an environment.
         *
         * @param refined gives the question that is asked; what it throws is a deny
         */
        public Builder route(
                String route, String action, String resource, BiFunction<HttpExchange, Question, Question> refined) {
            HttpRoute parsed = HttpRoute.parse(route);
            Set<String> missing = new HashSet<>(HttpRoute.placesOf(resource));
            missing.removeAll(parsed.places());
            if (!missing.isEmpty()) {
                throw new IllegalArgumentException(
                        "Resource `" + resource + "` has a place that `" + route + "` has not");
            }
            rules.add(new Rule(parsed, action, resource, refined));
            return this;
        }

        /** Asks nothing before a route: for health checks and the like. */
        public Builder open(String route) {
            rules.add(new Rule(HttpRoute.parse(route), null, "", (_, question) -> question));
            return this;
        }

        public EnforcingFilter build() {
            return new EnforcingFilter(enforcer, subject, rules);
        }
    }
}
