package dev.assize.server.endpoint.envoy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.Limits;
import dev.assize.server.model.TenantId;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MappingReaderTest {

    private static final String SUBJECTS = "subjects: [{principal: {type: service}}]\n";
    private static final String ROUTE = "{name: a, path: /a, actions: {GET: read}, resource: a}";

    @TempDir
    Path directory;

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "subject: []|`subjects`",
                "tenant: a b|tenant name",
                "environment: ''|env",
                "realm: 'a\"b'|realm",
                "obligations: []|obligations",
                "headers: {subject: host}|headers.subject",
                "headers: {subject: ':path'}|headers.subject",
                "headers: {decisionId: X-Assize-Subject}|another header than",
                "headers: {remove: [x-assize-subject]}|it overwrites those",
                "headers: {add: [x]}|headers.add",
                "routes: []|routes",
                "routes: {}|routes",
                "routes: [a]|routes[0]",
                "routes: [{name: a}]|routes[0].path: missing",
                "routes: [{name: a, path: a, actions: {GET: read}, resource: a}]|routes[0].path",
                "routes: [{name: a, path: /a, actions: {}, resource: a}]|at least one method",
                "routes: [{name: a, path: /a, actions: {get: read}, resource: a}]|HTTP method in capitals",
                "routes: [{name: a, path: /a, actions: {GET: '1'}, resource: a}]|routes[0].actions.GET",
                "routes: [{name: a, path: /a, actions: {GET: read}, resource: 'a:{b}'}]|values that `path` has: []",
                "routes: [{name: a, path: /a, actions: {GET: read}, resource: a, methods: [GET]}]|routes[0].methods",
                "routes: [{name: a, hosts: ['shop:80'], path: /a, actions: {GET: read}, resource: a}]|routes[0].hosts[0]",
                "routes: [{name: a, subjects: [{jwt: {type: group, payload: p}}], path: /a, actions: {GET: read}, resource: a}]|not `group`",
                "routes: [{name: a, subjects: [{jwt: {type: user}}], path: /a, actions: {GET: read}, resource: a}]|payload",
                "routes: [{name: a, subjects: [{principal: {type: user, under: 'spiffe://a'}}], path: /a, actions: {GET: read}, resource: a}]|up to a slash",
                "routes: [{name: a, subjects: [{header: {type: user}}], path: /a, actions: {GET: read}, resource: a}]|header.name",
                "routes: [{name: a, subjects: [{jwt: {type: user, payload: p}, header: {type: user, name: x}}], path: /a, actions: {GET: read}, resource: a}]|one of `jwt`",
                "context: {}|1 to 64",
                "context: [path]|context",
                "context: {a-b: {request: path}}|a name that conditions can write",
                "context: {a: path}|expected `request`, `header` or `claim`",
                "context: {a: {request: body}}|context.a.request",
                "context: {a: {request: path, header: x}}|one of `request`",
                "context: {a: {cookie: x}}|context.a.cookie",
                "context: {a: {header: host}}|context.a.header",
                "context: {a: {claim: {payload: p}}}|context.a.claim.name",
                "context: {a: {claim: {name: n}}}|context.a.claim.payload",
                "context: {a: {claim: {payload: p, name: n, type: user}}}|context.a.claim.type",
                "context: {a: {request: path}, a: {request: host}}|each"
            })
    void refusesWhatItDoesNotUnderstandAndSaysWhere(String line, String message) throws IOException {
        assertRefused("tenant: shop\n".repeat(line.startsWith("tenant") ? 0 : 1) + SUBJECTS + line, message);
    }

    @Test
    void refusesAFileThatIsNoneOrHasNoSubjectsOrTwoDocuments() throws IOException {
        assertThatThrownBy(() -> Mapping.read(directory.resolve("none.yaml")))
                .isInstanceOf(MappingException.class)
                .hasMessageContaining("envoy.mappingFile")
                .hasMessageContaining("none.yaml");
        assertRefused("", "exactly one");
        assertRefused(SUBJECTS + "---\n" + SUBJECTS, "exactly one");
        assertRefused("tenant: shop", "subjects: missing");
        assertRefused("- a", "a mapping with");
        assertRefused(SUBJECTS + "tenant: &a shop", "aliases are refused");
        assertRefused(SUBJECTS + SUBJECTS, "each key once");
        assertRefused(SUBJECTS + "routes: [" + ROUTE + "]", "routes[0].tenant: missing");
    }

    @Test
    void refusesRoutesThatNoRequestCouldComeTo() throws IOException {
        String before = "tenant: shop\n" + SUBJECTS + "routes:\n- ";
        String later = "\n- {name: b, path: /a, actions: {GET: write}, resource: b}";
        assertRefused(before + ROUTE + later, "route `a` before it");
        assertRefused(before + ROUTE + later.replace("b,", "a,").replace("/a", "/b"), "no route before it has");
        assertRefused(
                before + "{name: a, path: '/{x...}', actions: {GET: read, PUT: write}, resource: a}" + later,
                "route `a` before it");
        assertThat(read(before + "{name: a, hosts: [one], path: /a, actions: {GET: read}, resource: a}" + later)
                        .routes())
                .hasSize(2);
        assertThat(read(before + ROUTE + later.replace("GET", "PUT")).routes()).hasSize(2);
    }

    @Test
    void hasBounds() throws IOException {
        assertThat(read(routes(MappingReader.MAX_ROUTES)).routes()).hasSize(MappingReader.MAX_ROUTES);
        assertRefused(routes(MappingReader.MAX_ROUTES + 1), "at most 1000");
        String source = "{principal: {type: service}},";
        assertThat(read("subjects: [" + source.repeat(SourcesReader.MAX_SUBJECTS) + "]")
                        .sources()
                        .subjects())
                .hasSize(SourcesReader.MAX_SUBJECTS);
        assertRefused("subjects: [" + source.repeat(SourcesReader.MAX_SUBJECTS + 1) + "]", "at most 16");
        assertThat(read(SUBJECTS + context(Limits.ATTRIBUTES)).sources().context())
                .hasSize(Limits.ATTRIBUTES);
        assertRefused(SUBJECTS + context(Limits.ATTRIBUTES + 1), "1 to 64");
    }

    private static String context(int size) {
        return IntStream.range(0, size)
                .mapToObj(i -> "  n" + i + ": {request: path}\n")
                .collect(Collectors.joining("", "context:\n", ""));
    }

    private static String routes(int count) {
        StringBuilder text =
                new StringBuilder("tenant: shop\n").append(SUBJECTS).append("routes:\n");
        for (int i = 0; i < count; i++) {
            text.append("- ")
                    .append(ROUTE.replace("name: a", "name: a" + i).replace("/a", "/a" + i))
                    .append('\n');
        }
        return text.toString();
    }

    @Test
    void readsEverything() throws IOException {
        Mapping mapping = read("""
                tenant: shop
                environment: prod
                realm: The shop
                subjects:
                  - jwt: {type: user, payload: token, claim: email, issuer: "https://id.example.com", namespace: ns}
                  - principal: {type: service, under: "spiffe://example.com/"}
                  - header: {type: user, name: X-User}
                context:
                  method: {request: method}
                  host: {request: host}
                  path: {request: path}
                  country: {header: X-Country}
                  amr: {claim: {payload: token, name: amr, issuer: "https://id.example.com", namespace: ns}}
                headers: {subject: X-Subject, decisionId: x-decision, remove: [X-User]}
                obligations: [log]
                routes:
                  - name: order
                    hosts: [Shop.Example.com]
                    path: /orders/{order}
                    actions: {GET: read, PUT: update}
                    resource: order:{order}
                    tenant: other
                    environment: test
                    subjects: [{principal: {type: service}}]
                    context: {verb: {request: method}}
                  - {name: root, path: /, actions: {GET: read}, resource: shop}
                """);

        assertThat(mapping.realm()).isEqualTo("The shop");
        VerifiedToken token = new VerifiedToken("ns", "token", "https://id.example.com");
        assertThat(mapping.sources().subjects())
                .containsExactly(
                        new SubjectSource.Jwt("user", token, "email"),
                        new SubjectSource.Principal("service", "spiffe://example.com/"),
                        new SubjectSource.Header("user", "x-user"));
        assertThat(mapping.sources().context())
                .isEqualTo(Map.of(
                        "method", ContextSource.Part.METHOD,
                        "host", ContextSource.Part.HOST,
                        "path", ContextSource.Part.PATH,
                        "country", new ContextSource.Header("x-country"),
                        "amr", new ContextSource.Claim(token, "amr")));
        assertThat(mapping.headers()).isEqualTo(new HeaderRules("x-subject", "x-decision", Set.of("x-user")));
        assertThat(mapping.obligations()).containsExactly("log");
        Route order = mapping.routes().getFirst();
        assertThat(order.hosts()).containsExactly("shop.example.com");
        assertThat(order.actions()).isEqualTo(Map.of("GET", new Action("read"), "PUT", new Action("update")));
        assertThat(order.tenant()).isEqualTo(new TenantId("other"));
        assertThat(order.env()).isEqualTo(new Environment("test"));
        assertThat(order.sources().subjects()).containsExactly(new SubjectSource.Principal("service", ""));
        assertThat(order.sources().context()).isEqualTo(Map.of("verb", ContextSource.Part.METHOD));
        Route root = mapping.routes().get(1);
        assertThat(root.tenant()).isEqualTo(new TenantId("shop"));
        assertThat(root.env()).isEqualTo(new Environment("prod"));
        assertThat(root.sources()).isEqualTo(mapping.sources());
    }

    private void assertRefused(String yaml, String message) throws IOException {
        Path file = Files.writeString(directory.resolve("mapping.yaml"), yaml);
        assertThatThrownBy(() -> Mapping.read(file))
                .as(yaml)
                .isInstanceOf(MappingException.class)
                .hasMessageContaining(file.toString())
                .hasMessageContaining(message);
    }

    private Mapping read(String yaml) throws IOException {
        return Mapping.read(Files.writeString(directory.resolve("mapping.yaml"), yaml));
    }
}
