package dev.assize.server.conformance;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.assize.client.AssizeClient;
import dev.assize.client.Question;
import dev.assize.client.enforcement.AssizeAuthorizationManager;
import dev.assize.client.enforcement.Enforcer;
import dev.assize.client.enforcement.Refusal;
import dev.assize.client.enforcement.RequestPaths;
import dev.assize.client.enforcement.Verdict;
import jakarta.servlet.Filter;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.springframework.http.HttpMethod;
import org.springframework.mock.web.MockFilterChain;
import org.springframework.mock.web.MockHttpServletRequest;
import org.springframework.mock.web.MockHttpServletResponse;
import org.springframework.security.authentication.TestingAuthenticationToken;
import org.springframework.security.authorization.AuthorizationManager;
import org.springframework.security.core.context.SecurityContextHolder;
import org.springframework.security.web.DefaultSecurityFilterChain;
import org.springframework.security.web.FilterChainProxy;
import org.springframework.security.web.access.ExceptionTranslationFilter;
import org.springframework.security.web.access.intercept.AuthorizationFilter;
import org.springframework.security.web.access.intercept.RequestAuthorizationContext;
import org.springframework.security.web.access.intercept.RequestMatcherDelegatingAuthorizationManager;
import org.springframework.security.web.authentication.AnonymousAuthenticationFilter;
import org.springframework.security.web.firewall.HttpStatusRequestRejectedHandler;
import org.springframework.security.web.firewall.StrictHttpFirewall;
import org.springframework.security.web.servlet.util.matcher.PathPatternRequestMatcher;
import org.springframework.security.web.util.matcher.AnyRequestMatcher;

/** A service behind Spring Security's own chain, which asks by the Java client: as its README has it. */
final class SpringDoor {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final PathPatternRequestMatcher.Builder PATHS = PathPatternRequestMatcher.withDefaults();
    private static final String DECISION = "Assize-Decision-Id";

    private SpringDoor() {}

    /** Puts one request to it. */
    static JsonNode answer(AssizeClient client, JsonNode line) throws IOException {
        MockHttpServletResponse response = new MockHttpServletResponse();
        try {
            chain(client, line).doFilter(request(line), response, new MockFilterChain());
        } catch (ServletException failed) {
            throw new IllegalStateException(failed);
        } finally {
            SecurityContextHolder.clearContext();
        }
        return JSON.createObjectNode()
                .put("status", response.getStatus())
                .put("decision", response.getHeader(DECISION) != null);
    }

    /** As a server for servlets puts it. */
    private static MockHttpServletRequest request(JsonNode line) {
        String[] target = line.get("path").asText().split("\\?", 2);
        MockHttpServletRequest request =
                new MockHttpServletRequest(line.get("method").asText(), target[0]);
        request.setServletPath(URLDecoder.decode(target[0].replace("+", "%2B"), StandardCharsets.UTF_8));
        request.setQueryString(target.length > 1 ? target[1] : null);
        return request;
    }

    private static FilterChainProxy chain(AssizeClient client, JsonNode line) {
        ExceptionTranslationFilter refusals =
                new ExceptionTranslationFilter((_, response, refused) -> refuse(response, refused));
        refusals.setAccessDeniedHandler((_, response, refused) -> refuse(response, refused));
        List<Filter> filters = List.of(
                (request, response, next) -> {
                    if (line.has("subject")) {
                        SecurityContextHolder.getContext()
                                .setAuthentication(new TestingAuthenticationToken(
                                        line.get("subject").asText(), "", "ROLE_USER"));
                    }
                    next.doFilter(request, response);
                },
                new AnonymousAuthenticationFilter("anonymous"),
                refusals,
                new AuthorizationFilter(rules(Enforcer.of(client), line)));
        FilterChainProxy chain =
                new FilterChainProxy(new DefaultSecurityFilterChain(AnyRequestMatcher.INSTANCE, filters));
        StrictHttpFirewall firewall = new StrictHttpFirewall();
        // It reads `a%252Fb` twice. What has an encoded slash, or is not plain, the first of the rules refuses.
        firewall.setAllowUrlEncodedPercent(true);
        firewall.setAllowUrlEncodedSlash(true);
        chain.setFirewall(firewall);
        // By itself it says 400: here as the doors do.
        chain.setRequestRejectedHandler(new HttpStatusRequestRejectedHandler(HttpServletResponse.SC_FORBIDDEN));
        return chain;
    }

    private static AuthorizationManager<HttpServletRequest> rules(Enforcer enforcer, JsonNode line) {
        String tenant = line.get("tenant").asText();
        RequestMatcherDelegatingAuthorizationManager.Builder rules =
                RequestMatcherDelegatingAuthorizationManager.builder()
                        .requestMatchers(request -> !RequestPaths.readOneWay(request.getRequestURI()))
                        .denyAll()
                        .add(PATHS.matcher(HttpMethod.GET, "/docs/{id}"), asks(enforcer, "read", tenant))
                        .add(PATHS.matcher(HttpMethod.HEAD, "/docs/{id}"), asks(enforcer, "read", tenant))
                        .add(PATHS.matcher(HttpMethod.POST, "/docs/{id}"), asks(enforcer, "write", tenant))
                        .requestMatchers(PATHS.matcher(HttpMethod.GET, "/health"))
                        .permitAll();
        if (line.path("wide").asBoolean()) {
            rules = rules.requestMatchers(
                            PATHS.matcher(HttpMethod.GET, "/{*rest}"), PATHS.matcher(HttpMethod.HEAD, "/{*rest}"))
                    .permitAll();
        }
        return rules.anyRequest().denyAll().build();
    }

    private static AssizeAuthorizationManager<RequestAuthorizationContext> asks(
            Enforcer enforcer, String action, String tenant) {
        return new AssizeAuthorizationManager<>(
                enforcer,
                (who, request) -> Optional.of(Question.of(
                                who.getName(),
                                "doc:"
                                        + Question.pathId(Objects.requireNonNull(
                                                request.getVariables().get("id"))),
                                action)
                        .inTenant(tenant)));
    }

    private static void refuse(HttpServletResponse response, Throwable refused) {
        Optional<Verdict> verdict = AssizeAuthorizationManager.verdictOf(refused);
        verdict.map(Verdict::decisionId).filter(id -> !id.isEmpty()).ifPresent(id -> response.setHeader(DECISION, id));
        response.setStatus(
                verdict.flatMap(Verdict::refusal).orElse(Refusal.FORBIDDEN).httpStatus());
    }
}
