package dev.assize.server.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.client.AssizeClient;
import dev.assize.client.enforcement.Enforcer;
import dev.assize.client.testing.FakeAssize;
import dev.assize.server.testing.CompiledSnippet;
import dev.assize.server.testing.InMemory;
import java.io.IOException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;
import org.springframework.mock.web.MockFilterChain;
import org.springframework.mock.web.MockHttpServletRequest;
import org.springframework.mock.web.MockHttpServletResponse;
import org.springframework.security.authentication.TestingAuthenticationToken;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.config.annotation.web.configuration.EnableWebSecurity;
import org.springframework.security.core.context.SecurityContextImpl;
import org.springframework.security.web.FilterChainProxy;
import org.springframework.security.web.context.HttpSessionSecurityContextRepository;
import org.springframework.security.web.firewall.StrictHttpFirewall;

/**
 * What the Java client's README tells users of Spring Security to write, compiled as it stands there and put into the chain that
 * Spring makes of it. How the door itself answers is in {@link SpringDoor}, which every client's has to match.
 */
class SpringReadmeTest {

    private static final Pattern RULES =
            Pattern.compile("^\\*\\*Spring Security\\*\\*.*?^```java\\n(.*?)^```$", Pattern.MULTILINE | Pattern.DOTALL);

    private static CompiledSnippet compiled;

    private final FakeAssize assize = new FakeAssize().allow("user:alice", "doc:1", "read");
    private final AssizeClient client = assize.client(AssizeClient.builder().tenant("acme"));

    private final AnnotationConfigApplicationContext spring = new AnnotationConfigApplicationContext(WebSecurity.class);
    private FilterChainProxy chain;

    @BeforeEach
    void build() throws Exception {
        HttpSecurity http = spring.getBean(HttpSecurity.class);
        compiled.type()
                .getMethod("configure", HttpSecurity.class, Enforcer.class)
                .invoke(null, http, Enforcer.of(client));
        chain = new FilterChainProxy(http.build());
        chain.afterPropertiesSet();
    }

    @AfterEach
    void close() {
        spring.close();
        client.close();
    }

    @Test
    void deniesWhateverIsNotAllowed() throws Exception {
        assertThat(status("bob", "GET", "/docs/1")).isEqualTo(403);
        assertThat(status("alice", "GET", "/docs/2")).isEqualTo(403);
        assertThat(assize.asked()).extracting(FakeAssize.Asked::resource).containsExactly("doc:1", "doc:2");
    }

    @Test
    void deniesWhatNoRuleMapsWithoutAsking() throws Exception {
        assertThat(status("alice", "GET", "/docs")).isEqualTo(403);
        assertThat(status("alice", "DELETE", "/docs/1")).isEqualTo(403);
        assertThat(status("alice", "GET", "/other")).isEqualTo(403);
        assertThat(assize.asked()).isEmpty();
    }

    @Test
    void deniesWhoeverIsNotKnownWithoutAsking() throws Exception {
        assize.allow("user:anonymousUser", FakeAssize.ANY, FakeAssize.ANY);
        assertThat(status("", "GET", "/docs/1")).isBetween(401, 403);
        assertThat(assize.asked()).isEmpty();
    }

    @Test
    void says503WhereNobodyDecided() throws Exception {
        assize.reachable(false);
        assertThat(status("alice", "GET", "/docs/1")).isEqualTo(503);
    }

    @Test
    void refusesWhatOthersMayReadOtherwise() throws Exception {
        assize.allow("user:alice", FakeAssize.ANY, FakeAssize.ANY);
        for (String path : new String[] {"/docs/a%252Fb", "/docs/a%2Fb", "/docs/1;x=y", "/docs//1"}) {
            assertThat(status("alice", "GET", path)).as(path).isEqualTo(400);
        }
        StrictHttpFirewall firewall = new StrictHttpFirewall();
        firewall.setAllowUrlEncodedPercent(true);
        firewall.setAllowUrlEncodedSlash(true);
        chain.setFirewall(firewall);
        assertThat(status("alice", "GET", "/docs/a%2Fb")).isEqualTo(403);
        assertThat(assize.asked()).isEmpty();
        assertThat(status("alice", "GET", "/docs/a%252Fb")).isEqualTo(200);
        assertThat(assize.asked()).extracting(FakeAssize.Asked::resource).containsExactly("doc:a%252Fb");
    }

    @Test
    void letsPassWhatIsAllowed() throws Exception {
        assertThat(status("alice", "GET", "/docs/1")).isEqualTo(200);
        assertThat(assize.asked()).containsExactly(new FakeAssize.Asked("acme", "", "user:alice", "doc:1", "read"));
    }

    /** Of what is answered; that of a request that passed is 200, and of no other. */
    private int status(String who, String method, String path) throws Exception {
        MockHttpServletRequest request = new MockHttpServletRequest(method, path);
        request.setServletPath(URLDecoder.decode(path, StandardCharsets.UTF_8));
        if (!who.isEmpty()) {
            request.getSession()
                    .setAttribute(
                            HttpSessionSecurityContextRepository.SPRING_SECURITY_CONTEXT_KEY,
                            new SecurityContextImpl(new TestingAuthenticationToken(who, "", "ROLE_USER")));
        }
        MockHttpServletResponse response = new MockHttpServletResponse();
        MockFilterChain behind = new MockFilterChain();
        chain.doFilter(request, response, behind);
        assertThat(behind.getRequest() != null).as("passed").isEqualTo(response.getStatus() == 200);
        return response.getStatus();
    }

    /** The page's rules, between the lines that make a class of them. */
    @BeforeAll
    static void compile(@TempDir(factory = InMemory.class) Path directory) throws IOException {
        var rules = RULES.matcher(Files.readString(Path.of("../client-sdk/java/README.md")));
        assertThat(rules.find()).as("rules for Spring Security").isTrue();
        compiled = CompiledSnippet.of(directory, "Rules", """
                import dev.assize.client.*;
                import dev.assize.client.enforcement.*;
                import java.util.*;
                import org.springframework.http.*;
                import org.springframework.security.config.annotation.web.builders.*;

                public class Rules {

                    public static void configure(HttpSecurity http, Enforcer enforcer) throws Exception {
                %s
                    }
                }
                """.formatted(rules.group(1)));
    }

    @AfterAll
    static void unload() throws IOException {
        compiled.close();
    }

    @EnableWebSecurity
    static class WebSecurity {}
}
