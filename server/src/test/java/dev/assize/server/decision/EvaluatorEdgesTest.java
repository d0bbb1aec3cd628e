package dev.assize.server.decision;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.server.decision.check.Answer;
import dev.assize.server.decision.check.Answer.DecidedBy;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.decision.compile.GraphCompiler;
import dev.assize.server.decision.evaluate.Evaluator;
import dev.assize.server.model.Action;
import dev.assize.server.model.AttributeValue;
import dev.assize.server.model.AttributeValue.Fields;
import dev.assize.server.model.AttributeValue.Fraction;
import dev.assize.server.model.AttributeValue.Many;
import dev.assize.server.model.AttributeValue.Text;
import dev.assize.server.model.AttributeValue.Time;
import dev.assize.server.model.AttributeValue.Truth;
import dev.assize.server.model.AttributeValue.Whole;
import dev.assize.server.model.Environment;
import dev.assize.server.model.Limits;
import dev.assize.server.model.MalformedException;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Reason;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Revision;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.DocumentReader;
import dev.assize.server.policy.DocumentReader.ReadResult;
import dev.assize.server.policy.PolicySet;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Policies larger or odder than random worlds are, where the engine takes another way than with small ones. */
class EvaluatorEdgesTest {

    private static final TenantId ACME = new TenantId("acme");
    private static final Instant NOW = Instant.parse("2026-03-01T12:00:00Z");
    private static final String TENANT = """
            apiVersion: assize.dev/v1
            kind: Tenant
            metadata: {name: acme}
            spec: {environments: [default]}
            """;

    private static final String BEFORE_2030 = ", when: \"now < timestamp('2030-01-01T00:00:00Z')\"";

    @Test
    void aScopeOfManyResourcesCoversWhatLiesUnderEach() {
        String paths = IntStream.range(0, 20)
                .mapToObj(i -> "\"vault:v" + i + "/agent:a\"")
                .collect(Collectors.joining(", "));
        String policy = role("reader", "") + binding("b", "reader", "scope: {resources: [" + paths + "]}");
        assertThat(reason(policy, "vault:v7/agent:a")).isEqualTo(Reason.ALLOWED);
        assertThat(reason(policy, "vault:v19/agent:a/run:1/doc:2")).isEqualTo(Reason.ALLOWED);
        assertThat(reason(policy, "vault:v7")).isEqualTo(Reason.OUT_OF_SCOPE);
        assertThat(reason(policy, "vault:v7/agent:ab")).isEqualTo(Reason.OUT_OF_SCOPE);
        assertThat(reason(policy, "vault:v20/agent:a")).isEqualTo(Reason.OUT_OF_SCOPE);
    }

    @Test
    void aScopeOfManyResourcesCoversThoseOfMostSegments() {
        String deepest = "vault:v/".repeat(Limits.PATH_SEGMENTS - 1) + "doc:1";
        String paths = IntStream.range(0, 20).mapToObj(i -> "\"doc:" + i + "\"").collect(Collectors.joining(", "));
        String policy =
                role("reader", "") + binding("b", "reader", "scope: {resources: [" + paths + ", \"" + deepest + "\"]}");
        assertThat(reason(policy, deepest)).isEqualTo(Reason.ALLOWED);
        assertThat(reason(policy, deepest + "1")).isEqualTo(Reason.OUT_OF_SCOPE);
    }

    @Test
    void aScopeOfManyTypesOrEnvironmentsCoversThese() {
        String types = IntStream.range(0, 20).mapToObj(i -> "t" + i).collect(Collectors.joining(", "));
        String policy = role("reader", "") + binding("b", "reader", "scope: {resourceTypes: [" + types + "]}");
        assertThat(reason(policy, "t0:1")).isEqualTo(Reason.ALLOWED);
        assertThat(reason(policy, "t0:1/t19:1")).isEqualTo(Reason.ALLOWED);
        assertThat(reason(policy, "t0:1/t20:1")).isEqualTo(Reason.OUT_OF_SCOPE);
    }

    /** A deny's advice is of the permission that denies, not of the role's first. */
    @Test
    void theAdviceOfADenyIsThatOfItsOwnPermission() {
        String policy = """
                ---
                apiVersion: assize.dev/v1
                kind: Role
                metadata: {tenant: acme, name: banned}
                spec:
                  permissions:
                    - {effect: deny, resources: ["*"], actions: [read], when: "subject.id == 'bob'", obligations: [{id: a, type: t}]}
                    - {effect: deny, resources: ["*"], actions: [read], obligations: [{id: c, type: t}, {id: b, type: t}]}
                """ + binding("b", "banned", "");
        Answer answer = evaluate(policy, "doc:1");
        assertThat(answer.decidedBy()).isEqualTo(new DecidedBy.Grant("b", "banned", 1));
        assertThat(answer.obligations())
                .extracting(obligation -> obligation.id())
                .containsExactly("b", "c");
    }

    @Test
    void rolesBeyondTheFirstHundredDecideAsTheFirst() {
        StringBuilder policy = new StringBuilder();
        for (int i = 0; i < 200; i++) {
            policy.append(role("role-%03d".formatted(i), ""));
        }
        for (int i : new int[] {0, 63, 64, 65, 127, 128, 199}) {
            String role = "role-%03d".formatted(i);
            Answer answer = evaluate(policy + binding("b", role, ""), "doc:1");
            assertThat(answer.reason()).as(role).isEqualTo(Reason.ALLOWED);
            assertThat(answer.decidedBy()).isEqualTo(new DecidedBy.Grant("b", role, 0));
        }
        assertThat(reason(policy.toString(), "doc:1")).isEqualTo(Reason.NO_GRANT);
    }

    /** Some are plain, some are not, and some stand in lists in parts: they are judged in different places. */
    @Test
    void ofGrantsJudgedInDifferentPlacesTheFirstByNameDecidesAndAllObligationsCount() {
        String scope = "scope: {resourceTypes: [doc]}";
        for (int others : new int[] {0, 300}) {
            String policy = owing("plain", "p")
                    + owing("scoped", "s")
                    + owing("many", "m")
                    + IntStream.range(0, others)
                            .mapToObj(i -> binding("x%03d".formatted(i), "many", ""))
                            .collect(Collectors.joining());
            for (List<String> names : List.of(List.of("a", "b"), List.of("b", "a"))) {
                Answer answer = evaluate(
                        policy + binding(names.get(0), "plain", "") + binding(names.get(1), "scoped", scope), "doc:1");
                assertThat(answer.decidedBy())
                        .isEqualTo(new DecidedBy.Grant("a", names.getFirst().equals("a") ? "plain" : "scoped", 0));
                assertThat(answer.obligations())
                        .extracting(obligation -> obligation.id())
                        .isEqualTo(others == 0 ? List.of("p", "s") : List.of("m", "p", "s"));
            }
        }
    }

    private static String owing(String role, String obligation) {
        return role(role, ", obligations: [{id: %s, type: t}]".formatted(obligation));
    }

    @Test
    void ofFreezesFoundInDifferentWaysTheFirstByNameDecides() {
        for (List<String> names : List.of(List.of("a", "b", "c"), List.of("c", "b", "a"), List.of("b", "c", "a"))) {
            String policy = role("reader", "")
                    + binding("b", "reader", "")
                    + freeze(names.get(0), "subject: \"user:alice\"")
                    + freeze(names.get(1), "resource: \"vault:v\"")
                    + freeze(names.get(2), "action: read");
            assertThat(evaluate(policy, "vault:v/doc:1").decidedBy()).isEqualTo(new DecidedBy.Freeze("a"));
        }
    }

    @Test
    void anAnswerIsOfTheMomentWhereAConditionBehindAFalseOneReadsTheClock() {
        String fixed = role("reader", "") + binding("b", "reader", "when: \"subject.id == 'nobody'\"");
        assertThat(evaluate(fixed, "doc:1").validUntil()).isEqualTo(NOW.plus(Duration.ofHours(24)));
        String clock = role("reader", BEFORE_2030) + binding("b", "reader", "when: \"subject.id == 'nobody'\"");
        Answer answer = evaluate(clock, "doc:1");
        assertThat(answer.reason()).isEqualTo(Reason.CONDITION_FALSE);
        assertThat(answer.validUntil()).isEqualTo(NOW);
    }

    @Test
    void anAnswerIsOfTheMomentWhereAConditionBehindABrokenOneReadsTheClock() {
        String broken = binding("b", "reader", "when: \"1 / (size(subject.id) - 5) > 0\"");
        assertThat(evaluate(role("reader", "") + broken, "doc:1").validUntil())
                .isEqualTo(NOW.plus(Duration.ofHours(24)));
        Answer answer = evaluate(role("reader", BEFORE_2030) + broken, "doc:1");
        assertThat(answer.reason()).isEqualTo(Reason.CONDITION_ERROR);
        assertThat(answer.validUntil()).isEqualTo(NOW);
    }

    /** A deny lasts as long as nothing that denies changes, whatever becomes of the allows beside it. */
    @Test
    void aDenyIsOfTheMomentWhereItsOwnConditionReadsTheClock() {
        String denying = role("barred", ", effect: deny") + role("reader", "");
        String clock = "when: \"now < timestamp('2030-01-01T00:00:00Z')\"";
        Answer ownClock = evaluate(denying + binding("a", "barred", clock) + binding("b", "reader", ""), "doc:1");
        assertThat(ownClock.reason()).isEqualTo(Reason.EXPLICIT_DENY);
        assertThat(ownClock.validUntil()).isEqualTo(NOW);
        Answer othersClock = evaluate(denying + binding("a", "barred", "") + binding("b", "reader", clock), "doc:1");
        assertThat(othersClock.reason()).isEqualTo(Reason.EXPLICIT_DENY);
        assertThat(othersClock.validUntil()).isEqualTo(NOW.plus(Duration.ofHours(24)));
    }

    @Test
    void tooManyActiveRolesAreOfTheMomentWhereAConditionReadsTheClock() {
        String policy = role("payer", "") + role("auditor", "") + """
                ---
                apiVersion: assize.dev/v1
                kind: SeparationOfDuty
                metadata: {tenant: acme, name: apart}
                spec: {type: active-roles, roles: [payer, auditor], limit: 1}
                """ + binding("a", "payer", "");
        Answer fixed = evaluate(policy + binding("b", "auditor", "when: \"subject.id == 'alice'\""), "doc:1");
        assertThat(fixed.decidedBy()).isEqualTo(new DecidedBy.Duty("apart"));
        assertThat(fixed.validUntil()).isEqualTo(NOW.plus(Duration.ofHours(24)));
        Answer clock = evaluate(
                policy + binding("b", "auditor", "when: \"now < timestamp('2030-01-01T00:00:00Z')\""), "doc:1");
        assertThat(clock.decidedBy()).isEqualTo(new DecidedBy.Duty("apart"));
        assertThat(clock.validUntil()).isEqualTo(NOW);
    }

    @Test
    void aGrantOfWhichAFrozenRoleLeavesNothingHidesNoOtherReason() {
        for (List<String> names : List.of(List.of("a", "b"), List.of("b", "a"))) {
            Answer answer = evaluate(
                    role("reader", "")
                            + role("frozen", "")
                            + binding(names.get(0), "reader", "notAfter: 2026-01-01T00:00:00Z")
                            + binding(names.get(1), "frozen", "notAfter: 2026-01-01T00:00:00Z")
                            + freeze("f", "role: frozen"),
                    "doc:1");
            assertThat(answer.reason()).isEqualTo(Reason.GRANT_EXPIRED);
            assertThat(answer.decidedBy()).isEqualTo(new DecidedBy.Grant(names.get(0), "reader", 0));
        }
    }

    @Test
    void anAttributeIsOfItsDeclaredTypeInAllItsElements() {
        String types =
                "{apiVersion: assize.dev/v1, kind: Tenant, metadata: {name: acme}, spec: {environments: [default],"
                        + " subjectAttributes: {a: {type: %s, source: request}}}}\n";
        Text word = new Text("w");
        Whole one = new Whole(1);
        Time time = new Time(NOW);
        Map<String, List<AttributeValue>> good = Map.of(
                "string", List.of(word),
                "int", List.of(one),
                "double", List.of(one, new Fraction(1.5)),
                "bool", List.of(new Truth(true)),
                "timestamp", List.of(time),
                "list(string)", List.of(new Many(List.of()), new Many(List.of(word))),
                "map(int)", List.of(fields(), fields("k", one)));
        Map<String, List<AttributeValue>> bad = Map.of(
                "string", List.of(one, new Many(List.of(word))),
                "int", List.of(word, new Fraction(1.5)),
                "double", List.of(word),
                "bool", List.of(word),
                "timestamp", List.of(word, one),
                "list(string)", List.of(word, new Many(List.of(one)), new Many(List.of(word, one)), fields()),
                "map(int)", List.of(one, fields("k", word), new Many(List.of())));
        good.forEach((type, values) -> values.forEach(value -> assertThat(
                        evaluate(types.formatted(type), asking(value)).reason())
                .as(type + " " + value)
                .isEqualTo(Reason.NO_GRANT)));
        bad.forEach((type, values) ->
                values.forEach(value -> assertThatThrownBy(() -> evaluate(types.formatted(type), asking(value)))
                        .as(type + " " + value)
                        .isInstanceOf(MalformedException.class)
                        .hasMessageContaining("a value of type `")));
    }

    private static Fields fields(Object... keysAndValues) {
        SortedMap<String, AttributeValue> fields = new TreeMap<>();
        for (int i = 0; i < keysAndValues.length; i += 2) {
            fields.put((String) keysAndValues[i], (AttributeValue) keysAndValues[i + 1]);
        }
        return new Fields(fields);
    }

    private static CheckQuery asking(AttributeValue value) {
        return new CheckQuery(
                Subject.parse("user:alice"),
                ResourcePath.parse("doc:1"),
                new Action("read"),
                ACME,
                Environment.DEFAULT,
                ACME,
                Map.of("a", value),
                Map.of(),
                Map.of(),
                List.of(),
                null,
                null);
    }

    private static Reason reason(String policy, String resource) {
        return evaluate(policy, resource).reason();
    }

    private static Answer evaluate(String policy, String resource) {
        CheckQuery query = new CheckQuery(
                Subject.parse("user:alice"),
                ResourcePath.parse(resource),
                new Action("read"),
                ACME,
                Environment.DEFAULT,
                ACME);
        return evaluate(TENANT + policy, query);
    }

    private static Answer evaluate(String documents, CheckQuery query) {
        ReadResult result = DocumentReader.read("test.yaml", 1, documents.getBytes(StandardCharsets.UTF_8));
        assertThat(result.problems()).isEmpty();
        PolicySet tenant = PolicySet.of(PolicyScope.of(ACME), new Revision(1), result.documents());
        return Evaluator.evaluate(GraphCompiler.compile(tenant, Policies.platform(1)), query, NOW)
                .answer();
    }

    private static String role(String name, String more) {
        return """
                ---
                apiVersion: assize.dev/v1
                kind: Role
                metadata: {tenant: acme, name: %s}
                spec:
                  permissions:
                    - {resources: ["*"], actions: [read]%s}
                """.formatted(name, more);
    }

    private static String binding(String name, String role, String more) {
        return """
                ---
                apiVersion: assize.dev/v1
                kind: RoleBinding
                metadata: {tenant: acme, name: %s}
                spec:
                  subjects: ["user:alice"]
                  role: %s
                  %s
                """.formatted(name, role, more);
    }

    private static String freeze(String name, String target) {
        return """
                ---
                apiVersion: assize.dev/v1
                kind: Freeze
                metadata: {tenant: acme, name: %s}
                spec:
                  %s
                  reason: stop
                """.formatted(name, target);
    }
}
