package dev.assize.server.policy;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.assize.server.model.Names;
import dev.assize.server.policy.DocumentReader.ReadResult;
import dev.assize.server.policy.YamlNode.Mapping;
import dev.assize.server.policy.YamlNode.Scalar;
import dev.assize.server.policy.YamlNode.Sequence;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The schemas beside the reader: both judge the same documents, and documents that were spoilt in one place. */
class PolicySchemaTest {

    private static final ObjectMapper MAPPER = new ObjectMapper();
    private static final SchemaChecker UNION = new SchemaChecker(parsed(PolicySchema.ofAnyKind()));

    private static final String DURATION = "([0-9]{1,9}d)?([0-9]{1,9}h)?([0-9]{1,9}m)?([0-9]{1,9}s)?";

    /** What only the reader refuses. The reference lists the same. */
    private static final Map<String, Predicate<Problem>> BEYOND_A_SCHEMA = Map.of(
            "two times in their order",
            it -> it.expected().startsWith("a time after `"),
            "the greatest length of a duration",
            it -> it.expected().startsWith("a duration such as") && it.value().matches("(?=[^1-9]*[1-9])" + DURATION),
            "leap days, and the edges of the calendar",
            it -> it.expected().startsWith("an RFC 3339 time") && it.value().matches("(0001-|9999-|....-02-29T).*"),
            "bytes, where a character takes several",
            it -> it.expected().contains("bytes") && it.value().contains("é"),
            "what is no regular expression, or matches nothing",
            it -> it.expected().startsWith("a regular expression (RE2)")
                    && it.value().matches("[^x].*"),
            "a limit less than there are roles",
            it -> it.field().endsWith("spec.limit") && it.value().matches("[1-9][0-9]*"),
            "a whole number written as a fraction",
            it -> it.value().equals("2.0"),
            "numbers of more than 64 bits",
            it -> it.expected().equals("a whole number of 64 bits"),
            "a Tenant of another tenant",
            it -> it.expected().endsWith("as in `metadata.name`, or nothing"),
            "conditions of blanks that are no ASCII",
            it -> it.expected().startsWith("a condition in CEL") && it.value().equals("\u2003"));

    private static final List<String> STRINGS = List.of(
            "",
            " ",
            "\n",
            "\u2003",
            "*",
            "**",
            "a",
            "A",
            "a b",
            "a\n",
            "a\tb",
            "ab:",
            ":ab",
            "-a",
            "a-",
            "a/b",
            "a%b",
            "a,b",
            "grüße",
            "a\u0000",
            "a\u0085",
            "a\u200b",
            "a\u2028",
            "a\ufeff",
            "\ufdd0",
            "a\r\n",
            "user:*",
            "group:*",
            "user:a:*",
            "user:alice",
            "group:noc",
            "group:",
            "user:",
            "User:a",
            "user:a b",
            "user:a\n",
            "user:a\u200b",
            "user:a/b",
            "user:a%2Fb",
            "user:a%2fb",
            "user:a%",
            "host",
            "host:a/host",
            "host/host:a",
            "a:1/b:2/c:3/d:4/e:5/f:6/g:7/h:8",
            "a:1/b:2/c:3/d:4/e:5/f:6/g:7/h:8/i",
            "host:a/",
            "/host:a",
            "0m",
            "0d0h",
            "15m",
            "1h30m",
            "30m1h",
            "15",
            "m",
            "15M",
            "-15m",
            "1.5h",
            "366d",
            "367d",
            "36525d",
            "36526d",
            "1000000000s",
            "P1D",
            "2026-01-31T08:00:00Z",
            "2026-01-31t08:00:00z",
            "2026-01-31 08:00:00Z",
            "2026-01-31",
            "2026-02-30T08:00:00Z",
            "2026-02-29T08:00:00Z",
            "2026-04-31T08:00:00Z",
            "2026-13-01T08:00:00Z",
            "2026-01-31T24:00:00Z",
            "2026-01-31T08:00:60Z",
            "2026-01-31T08:00:00",
            "2026-01-31T08:00:00.123456789+18:00",
            "2026-01-31T08:00:00.1234567890Z",
            "2026-01-31T08:00:00+18:01",
            "2026-01-31T08:00:00-00:00",
            "0000-01-01T00:00:00Z",
            "0001-01-01T00:00:00Z",
            "0001-01-01T00:00:00+01:00",
            "9999-12-31T23:59:59Z",
            "9999-12-31T23:59:59.5Z",
            "string",
            "list(string)",
            "map(list(map(list(int))))",
            "list(list(list(list(list(int)))))",
            "list(string",
            "list()",
            "list",
            "timestamp ",
            "allow",
            "deny",
            "Allow",
            "none",
            "denies",
            "all",
            "before",
            "after",
            "stored",
            "assigned-roles",
            "performed-actions",
            "active-roles",
            "Role",
            "assize.dev/v1",
            "a*",
            "[a",
            "x".repeat(32),
            "x".repeat(33),
            "x".repeat(63),
            "x".repeat(64),
            "x".repeat(128),
            "x".repeat(129),
            "x".repeat(256),
            "x".repeat(257),
            "x".repeat(1_024),
            "x".repeat(1_025),
            "é".repeat(513),
            "user:" + "x".repeat(256),
            "user:" + "x".repeat(257),
            "user:" + "é".repeat(200),
            "a:" + "%2F".repeat(85),
            "a:" + "%2F".repeat(86),
            "a:1/" + "b:" + "x".repeat(256) + "/c:" + "x".repeat(256) + "/d:" + "x".repeat(256) + "/e:"
                    + "x".repeat(250));

    private static final List<JsonNode> OTHERS = List.of(
            parsed("null"),
            parsed("true"),
            parsed("false"),
            parsed("0"),
            parsed("1"),
            parsed("2"),
            parsed("100"),
            parsed("101"),
            parsed("-1"),
            parsed("2.0"),
            parsed("1.5"),
            parsed("9223372036854775808"),
            parsed("[]"),
            parsed("{}"),
            parsed("[null]"),
            parsed("[[]]"),
            parsed("[\"*\"]"),
            parsed("[\"a\"]"),
            parsed("[\"a\", \"a\"]"),
            parsed("[\"a\", \"b\"]"),
            parsed("[\"user:a\"]"),
            parsed("[\"a\", 1]"),
            parsed("{\"a\": \"b\"}"),
            parsed("{\"a\": [\"b\"]}"),
            parsed("{\"a\": null}"),
            parsed("{\"a\": {\"type\": \"int\"}}"),
            parsed("{\"a b\": \"b\"}"),
            parsed("{\"\": \"b\"}"),
            parsed("{\"a\": {\"b\": {\"c\": {\"d\": 1}}}}"),
            parsed("{\"a\": {\"b\": {\"c\": {\"d\": {\"e\": 1}}}}}"),
            parsed("[[[[1]]]]"),
            parsed("[[[[[1]]]]]"),
            parsed("{\"mode\": \"all\"}"),
            many(64),
            many(65));

    @Test
    void acceptsEveryDocumentThatComesWithAssize() throws IOException {
        int documents = 0;
        try (Stream<Path> files = Files.walk(Path.of("src/main/resources"))) {
            for (Path file : files.filter(it -> it.toString().endsWith(".yaml"))
                    .filter(it -> !it.toString().contains("/tests/"))
                    .toList()) {
                for (YamlSource.Root root : YamlSource.read("", 1, Files.readAllBytes(file), new Problems())) {
                    JsonNode document = json(root.node());
                    assertThat(UNION.accepts(document))
                            .as("%s: %s", file, document)
                            .isTrue();
                    assertThat(ofKind(document).accepts(document))
                            .as("%s: %s", file, document)
                            .isTrue();
                    documents++;
                }
            }
        }
        assertThat(documents).isGreaterThan(50);
    }

    @Test
    void acceptsWhateverTheWriterWrites() {
        RandomDocuments documents = new RandomDocuments(11);
        for (int i = 0; i < 500; i++) {
            JsonNode document = read(DocumentText.write(documents.next()));
            assertThat(UNION.accepts(document)).as("%s", document).isTrue();
            assertThat(ofKind(document).accepts(document)).as("%s", document).isTrue();
        }
    }

    @Test
    void refusesWhatTheReaderRefusesButForWhatItCannotSay() {
        List<String> wrong = new ArrayList<>();
        TreeSet<String> beyond = new TreeSet<>();
        for (Kind kind : Kind.values()) {
            SchemaChecker own = new SchemaChecker(parsed(PolicySchema.of(kind)));
            int[] counts = new int[2];
            for (JsonNode document : examples(kind)) {
                assertThat(problems(document)).as("%s", document).isEmpty();
                forEachMutant(document, mutant -> {
                    List<Problem> problems = problems(mutant);
                    boolean accepted = UNION.accepts(mutant);
                    counts[accepted ? 0 : 1]++;
                    if (mutant.path("kind").equals(document.path("kind")) && own.accepts(mutant) != accepted) {
                        wrong.add("the union and the kind differ: " + mutant);
                    }
                    if (!accepted && problems.isEmpty()) {
                        wrong.add("only the schema refuses: " + mutant);
                    }
                    if (accepted) {
                        problems.forEach(problem -> beyond.add(beyond(problem)));
                    }
                });
            }
            assertThat(counts[0]).as("accepted of %s", kind).isGreaterThan(50);
            assertThat(counts[1]).as("refused of %s", kind).isGreaterThan(500);
        }
        assertThat(wrong).isEmpty();
        assertThat(beyond).containsExactlyInAnyOrderElementsOf(BEYOND_A_SCHEMA.keySet());
    }

    @Test
    void forbidsTheCharactersThatNamesForbid() {
        SchemaChecker keys = new SchemaChecker(parsed(PolicySchema.of(Kind.FREEZE)));
        JsonNode freeze = examples(Kind.FREEZE).getFirst();
        JsonNode changed = freeze.deepCopy();
        for (char c = 1; c < Character.MAX_VALUE; c++) {
            if (!Character.isSurrogate(c)) {
                ((ObjectNode) changed.get("spec")).put("run", "a" + c);
                if (keys.accepts(changed) == Names.isForbidden(c)) {
                    fail("U+%04X", (int) c);
                }
            }
        }
    }

    @Test
    void describesEveryFieldForEditors() {
        List<String> silent = new ArrayList<>();
        JsonNode union = parsed(PolicySchema.ofAnyKind());
        union.path("definitions")
                .properties()
                .forEach(it -> requireDescriptions(it.getKey(), it.getValue(), union, silent));
        assertThat(silent).isEmpty();
    }

    @ParameterizedTest
    @EnumSource
    void theSchemaOfAKindStandsByItself(Kind kind) {
        JsonNode schema = parsed(PolicySchema.of(kind));
        assertThat(schema.path("$schema").textValue()).isEqualTo("http://json-schema.org/draft-07/schema#");
        assertThat(schema.path("$id").textValue()).isEqualTo("urn:assize:policy:v1:" + kind.text());
        assertThat(schema.findValuesAsText("$ref"))
                .allSatisfy(reference -> assertThat(
                                schema.at(reference.substring(1)).isMissingNode())
                        .as(reference)
                        .isFalse());
        assertThat(schema.path("definitions").properties())
                .allSatisfy(definition ->
                        assertThat(schema.findValuesAsText("$ref")).contains("#/definitions/" + definition.getKey()));
    }

    private static void requireDescriptions(String at, JsonNode schema, JsonNode union, List<String> silent) {
        schema.path("properties").properties().forEach(field -> {
            JsonNode value = field.getValue();
            boolean described = value.isBoolean()
                    || value.has("description")
                    || union.at(value.path("$ref").asText("#").substring(1)).has("description");
            if (!described) {
                silent.add(at + "." + field.getKey());
            }
            requireDescriptions(at + "." + field.getKey(), value, union, silent);
        });
    }

    private static String beyond(Problem problem) {
        return BEYOND_A_SCHEMA.entrySet().stream()
                .filter(it -> it.getValue().test(problem))
                .map(Map.Entry::getKey)
                .findFirst()
                .orElseGet(problem::message);
    }

    private static SchemaChecker ofKind(JsonNode document) {
        return new SchemaChecker(parsed(
                PolicySchema.of(Kind.ofText(document.path("kind").textValue()).orElseThrow())));
    }

    /** What the reader has against a document. */
    private static List<Problem> problems(JsonNode document) {
        StringBuilder yaml = new StringBuilder();
        document.toString().chars().forEach(c -> {
            if (Names.isForbidden(c) && !Character.isSurrogate((char) c)) {
                yaml.append(String.format("\\u%04X", c));
            } else {
                yaml.append((char) c);
            }
        });
        ReadResult result = DocumentReader.read("", 1, yaml.toString().getBytes(UTF_8));
        return result.problems().isEmpty() && result.documents().size() != 1
                ? List.of(new Problem(SourcePlace.UNKNOWN, "source", "", "a document"))
                : result.problems();
    }

    private static void forEachMutant(JsonNode document, Consumer<JsonNode> to) {
        mutate(document, to);
        for (String pointer : pointers(document)) {
            int slash = pointer.lastIndexOf('/');
            String last = pointer.substring(slash + 1);
            mutate(document.at(pointer), mutated -> {
                JsonNode copy = document.deepCopy();
                JsonNode parent = copy.at(pointer.substring(0, slash));
                if (parent instanceof ArrayNode array) {
                    array.set(Integer.parseInt(last), mutated);
                } else {
                    ((ObjectNode) parent).set(last.replace("~1", "/").replace("~0", "~"), mutated);
                }
                to.accept(copy);
            });
        }
    }

    /** Each value once in the place of this one, and what can be done to a list or a mapping. */
    private static void mutate(JsonNode node, Consumer<JsonNode> to) {
        STRINGS.forEach(text -> to.accept(MAPPER.getNodeFactory().textNode(text)));
        OTHERS.forEach(other -> to.accept(other.deepCopy()));
        if (node instanceof ArrayNode array) {
            to.accept(array.get(0).deepCopy());
            to.accept(MAPPER.createArrayNode().add(array.get(0)));
            to.accept(array.deepCopy().add(array.get(0)));
            to.accept(array.deepCopy().addNull());
        }
        if (node instanceof ObjectNode object) {
            object.fieldNames().forEachRemaining(name -> {
                to.accept(object.deepCopy().without(name));
                to.accept(MAPPER.createObjectNode().set(name, object.get(name)));
            });
            for (String name :
                    List.of("surprise", "actions", "roles", "limit", "plan", "destinations", "tenant", "a\u0007")) {
                if (!object.has(name)) {
                    to.accept(object.deepCopy().put(name, 1));
                    to.accept(object.deepCopy().put(name, "a"));
                }
            }
        }
    }

    private static List<String> pointers(JsonNode document) {
        List<String> pointers = new ArrayList<>();
        collect("", document, pointers);
        return pointers;
    }

    private static void collect(String at, JsonNode node, List<String> to) {
        if (!at.isEmpty()) {
            to.add(at);
        }
        for (int i = 0; node.isArray() && i < node.size(); i++) {
            collect(at + "/" + i, node.get(i), to);
        }
        node.properties()
                .forEach(
                        it -> collect(at + "/" + it.getKey().replace("~", "~0").replace("/", "~1"), it.getValue(), to));
    }

    private static List<JsonNode> examples(Kind kind) {
        return switch (kind) {
            case TENANT ->
                List.of(
                        example(kind, "acme", """
                            {environments: [production, test], subjectAttributes: {level: {type: int, source: stored}},
                             audit: {retention: 365d, piiPatterns: ["[0-9]{9}"], decisionLog: {mode: all, acknowledge: after}},
                             changeApprovals: 2, plan: team-50, limits: {documents: 500, keys: 0}}\
                            """),
                        example(kind, "acme", "{environments: [production], audit: {decisionLog: denies}}"));
            case RESOURCE_TYPE -> List.of(example(kind, "host", """
                {actions: [read, write], implies: {write: [read]},
                 attributes: {owner: {type: "list(string)", source: either}}}\
                """));
            case ROLE ->
                List.of(
                        example(kind, "operator", """
                            {inherits: [viewer], permissions: [{effect: deny, resources: [host, "*"], actions: [read],
                             environments: [test], when: "subject.id == 'a'",
                             obligations: [{id: log, type: audit, properties: {level: high}}]}]}\
                            """),
                        example(kind, "operator", "{permissions: [{resources: [host], actions: [read]}]}"));
            case GROUP -> List.of(example(kind, "noc", "{members: [user:alice, group:oncall]}"));
            case ROLE_BINDING -> List.of(example(kind, "noc-operators", """
                {subjects: [user:alice, group:noc, "user:*"], role: operator,
                 scope: {environments: [test], resourceTypes: [host], resources: ["site:oslo/host:web-1"]},
                 fromTenant: other, notBefore: "2026-01-01T00:00:00Z", notAfter: "2027-01-01T00:00:00+01:00",
                 when: "env == 'test'", reason: "on call"}\
                """));
            case SUBJECT ->
                List.of(example(kind, "user:alice", "{attributes: {level: 3, tags: [a, {b: [1.5, true]}]}}"));
            case RESOURCE -> List.of(example(kind, "site:oslo/host:web-1", "{attributes: {owner: ann, open: false}}"));
            case SEPARATION_OF_DUTY ->
                List.of(
                        example(
                                kind,
                                "payments",
                                "{type: assigned-roles, roles: [a, b, c], limit: 2, environments: [test]}"),
                        example(
                                kind,
                                "payments",
                                "{type: performed-actions, actions: [pay, approve], resources: [invoice]}"));
            case APPROVAL_RULE -> List.of(example(kind, "restarts", """
                {resources: [host], actions: [restart], environments: [production], approvals: 2,
                 approverRole: lead, approverTypes: [user, service], pendingTtl: 1h30m, ttl: 15m, singleUse: true}\
                """));
            case FREEZE ->
                List.of(example(kind, "stop", """
                    {subject: agent:x, role: operator, action: write, resource: host:web-1, resourceType: host,
                     environment: production, run: run-1, tenant: true, reason: leak,
                     from: "2026-01-01T00:00:00Z", until: "2026-02-01T00:00:00Z"}\
                    """), example(kind, "stop", "{tenant:" + " true, reason:" + " leak}"));
        };
    }

    private static JsonNode example(Kind kind, String name, String spec) {
        return read("""
            apiVersion: assize.dev/v1
            kind: %s
            metadata: {tenant: acme, name: "%s", labels: {team/a: "the team"}, manager: ci}
            spec: %s
            """.formatted(kind.text(), name, spec));
    }

    private static JsonNode read(String yaml) {
        Problems problems = new Problems();
        List<YamlSource.Root> roots = YamlSource.read("", 1, yaml.getBytes(UTF_8), problems);
        assertThat(problems.toList()).isEmpty();
        return json(roots.getFirst().node());
    }

    /** As tools that know JSON Schema see the YAML. */
    private static JsonNode json(YamlNode node) {
        return switch (node) {
            case Mapping mapping -> {
                ObjectNode object = MAPPER.createObjectNode();
                mapping.entries().forEach(entry -> object.set(entry.key(), json(entry.value())));
                yield object;
            }
            case Sequence sequence -> {
                ArrayNode array = MAPPER.createArrayNode();
                sequence.items().forEach(item -> array.add(json(item)));
                yield array;
            }
            case Scalar scalar ->
                switch (scalar.type()) {
                    case STRING -> MAPPER.getNodeFactory().textNode(scalar.text());
                    case BOOLEAN -> MAPPER.getNodeFactory().booleanNode(AttributeReader.truth(scalar.text()));
                    case WHOLE -> MAPPER.getNodeFactory().numberNode(new BigInteger(scalar.text()));
                    case FRACTION -> MAPPER.getNodeFactory().numberNode(Double.parseDouble(scalar.text()));
                    case NULL -> MAPPER.nullNode();
                };
            case YamlNode.Refused refused -> throw new AssertionError(refused);
        };
    }

    private static JsonNode many(int size) {
        ObjectNode object = MAPPER.createObjectNode();
        for (int i = 0; i < size; i++) {
            object.put("k" + i, "v");
        }
        return object;
    }

    private static JsonNode parsed(String json) {
        try {
            return MAPPER.readTree(json);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }
}
