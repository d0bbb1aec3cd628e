package dev.assize.server.decision;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.decision.check.Answer;
import dev.assize.server.decision.check.Answer.DecidedBy;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.decision.compile.GraphCompiler;
import dev.assize.server.decision.evaluate.Evaluator;
import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
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
        String clock = role("reader", ", when: \"now < timestamp('2030-01-01T00:00:00Z')\"")
                + binding("b", "reader", "when: \"subject.id == 'nobody'\"");
        Answer answer = evaluate(clock, "doc:1");
        assertThat(answer.reason()).isEqualTo(Reason.CONDITION_FALSE);
        assertThat(answer.validUntil()).isEqualTo(NOW);
    }

    private static Reason reason(String policy, String resource) {
        return evaluate(policy, resource).reason();
    }

    private static Answer evaluate(String policy, String resource) {
        ReadResult result = DocumentReader.read("test.yaml", 1, (TENANT + policy).getBytes(StandardCharsets.UTF_8));
        assertThat(result.problems()).isEmpty();
        PolicySet tenant = PolicySet.of(PolicyScope.of(ACME), new Revision(1), result.documents());
        CheckQuery query = new CheckQuery(
                Subject.parse("user:alice"),
                ResourcePath.parse(resource),
                new Action("read"),
                ACME,
                Environment.DEFAULT,
                ACME);
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
