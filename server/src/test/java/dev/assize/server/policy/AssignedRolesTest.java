package dev.assize.server.policy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Revision;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.AssignedRoles.Violation;
import dev.assize.server.policy.DocumentReader.ReadResult;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AssignedRolesTest {

    private static final PolicyScope ACME = PolicyScope.of(new TenantId("acme"));
    private static final Instant NOW = Instant.parse("2026-06-01T00:00:00Z");
    private static final String TENANT = document("Tenant", "acme", "environments: [staging, production]");
    private static final String ROLES =
            role("auditor") + role("approver") + role("clerk") + document("Role", "chief", "inherits: [approver]");
    private static final String RULE =
            document("SeparationOfDuty", "payments", "{type: assigned-roles, roles: [auditor, approver]}");
    private static final String AUDITOR = binding("a", "auditor", "user:alice", "");
    private static final String APPROVER = binding("b", "approver", "user:alice", "");

    @Test
    void refusesASecondRoleOfTheRule() {
        assertThat(messages(TENANT + ROLES + RULE + AUDITOR, APPROVER))
                .containsExactly(
                        "`user:alice`: role `approver` conflicts with `auditor` (separation of duty `payments`)");
    }

    @Test
    void refusesWhatComesThroughGroupsAndInheritance() {
        String group = document("Group", "outer", "members: [\"group:inner\"]")
                + document("Group", "inner", "members: [\"user:bob\"]");
        String base = TENANT + ROLES + RULE + group + binding("a", "auditor", "group:outer", "");

        assertThat(messages(base, binding("b", "chief", "user:bob", ""))).hasSize(1);
        assertThat(messages(
                        base + binding("b", "chief", "user:alice", ""),
                        document("Group", "inner", "members: [\"user:bob\", \"user:alice\"]")))
                .singleElement()
                .asString()
                .startsWith("`user:alice`");
        assertThat(messages(
                        base + binding("b", "clerk", "user:bob", ""), document("Role", "clerk", "inherits: [chief]")))
                .singleElement()
                .asString()
                .startsWith("`user:bob`");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            notAfter: 2026-07-01T00:00:00Z      | notBefore: 2026-06-30T23:59:59Z     | 1
            notAfter: 2026-07-01T00:00:00Z      | notBefore: 2026-07-01T00:00:00Z     | 0
            notAfter: 2026-05-01T00:00:00Z      | reason: always                      | 0
            notAfter: 2026-06-01T00:00:00Z      | reason: always                      | 0
            scope: {environments: [staging]}    | scope: {environments: [production]} | 0
            scope: {environments: [staging]}    | reason: everywhere                  | 1
            scope: {resources: ["x:1"]}         | scope: {resources: ["x:2"]}         | 1
            scope: {resourceTypes: [x]}         | scope: {resourceTypes: [y]}         | 1
            when: "false"                       | when: "false"                       | 1
            fromTenant: globex                  | reason: own                         | 0
            fromTenant: globex                  | fromTenant: globex                  | 1
            fromTenant: acme                    | reason: own                         | 1
            """)
    void comparesTimesEnvironmentsAndHomesAndNothingElse(String one, String other, int violations) {
        assertThat(messages(
                        TENANT + ROLES + RULE + binding("a", "auditor", "user:alice", one),
                        binding("b", "approver", "user:alice", other)))
                .hasSize(violations);
    }

    @Test
    void looksOnlyAtTheEnvironmentsOfTheRule() {
        String rule = RULE.replace("{type", "{environments: [production], type");

        assertThat(messages(
                        TENANT + ROLES + rule + AUDITOR,
                        binding("b", "approver", "user:alice", "scope: {environments: [staging]}")))
                .isEmpty();
        assertThat(messages(TENANT + ROLES + rule + AUDITOR, APPROVER)).hasSize(1);
    }

    @Test
    void letsStandWhatWasThereAndRefusesWhatIsLarger() {
        String base = TENANT
                + ROLES
                + AUDITOR
                + APPROVER
                + document("SeparationOfDuty", "payments", "{type: assigned-roles, roles: [auditor, approver, clerk]}");

        assertThat(messages(base, binding("c", "approver", "user:alice", ""))).isEmpty();
        assertThat(messages(base, binding("b", "approver", "user:alice", "reason: again")))
                .isEmpty();
        assertThat(messages(base, binding("c", "clerk", "user:alice", "")))
                .containsExactly("`user:alice`: role `approver` conflicts with `auditor`, `clerk`"
                        + " (separation of duty `payments`)");
    }

    @Test
    void refusesToProlongAViolation() {
        String base = TENANT
                + ROLES
                + RULE
                + AUDITOR
                + binding("b", "approver", "user:alice", "notAfter: 2026-07-01T00:00:00Z");

        assertThat(messages(base, binding("b", "approver", "user:alice", "notAfter: 2026-06-20T00:00:00Z")))
                .isEmpty();
        assertThat(messages(base, binding("b", "approver", "user:alice", "notAfter: 2026-08-01T00:00:00Z")))
                .hasSize(1);
    }

    @Test
    void tellsWhatANewRuleFindsFromWhatAChangeGives() {
        String given = binding("c", "approver", "user:bob", "") + binding("d", "auditor", "user:bob", "");

        List<Violation> found = newViolations(TENANT + ROLES + AUDITOR + APPROVER, RULE + given);

        assertThat(found)
                .extracting(violation -> violation.subject() + " " + violation.existing())
                .containsExactly("user:alice true", "user:bob false");
        assertThat(newViolations(
                        TENANT + ROLES + RULE + AUDITOR + APPROVER, RULE.replace("roles:", "limit: 1, roles:")))
                .isEmpty();
    }

    @Test
    void countsUpToTheLimit() {
        String rule = document(
                "SeparationOfDuty", "s", "{type: assigned-roles, roles: [auditor, approver, clerk], limit: 2}");

        assertThat(messages(TENANT + ROLES + rule + AUDITOR, APPROVER)).isEmpty();
        assertThat(messages(TENANT + ROLES + rule + AUDITOR + APPROVER, binding("c", "clerk", "user:alice", "")))
                .containsExactly("`user:alice`: role `approver` conflicts with `auditor`, `clerk`"
                        + " (separation of duty `s`, at most 2)");
    }

    @Test
    void listsEverybodyWhoHoldsTooMuch() {
        assertThat(AssignedRoles.violations(
                        set(ACME, TENANT + ROLES + RULE + AUDITOR + APPROVER),
                        PolicySet.empty(PolicyScope.PLATFORM),
                        NOW))
                .extracting(Violation::message)
                .containsExactly(
                        "`user:alice`: role `approver` conflicts with `auditor` (separation of duty `payments`)");
    }

    @Test
    void appliesThePlatformsRulesInEveryTenant() {
        PolicySet platform = set(PolicyScope.PLATFORM, (ROLES + RULE).replace("  tenant: acme\n", ""));
        PolicySet none = PolicySet.empty(PolicyScope.PLATFORM);
        PolicySet tenant = set(ACME, TENANT + AUDITOR + APPROVER);
        Set<DocumentKey> changed = new HashSet<>();
        platform.documents().forEach(document -> changed.add(document.key()));

        assertThat(AssignedRoles.newViolations(tenant, tenant, none, platform, changed, NOW))
                .singleElement()
                .satisfies(violation -> assertThat(violation.rule().scope()).isEqualTo(PolicyScope.PLATFORM));
    }

    private static List<String> messages(String before, String puts) {
        return newViolations(before, puts).stream().map(Violation::message).toList();
    }

    private static List<Violation> newViolations(String before, String puts) {
        PolicySet old = set(ACME, before);
        List<Document> changed = read(puts);
        PolicySet next = old.with(new Revision(2), changed, List.of());
        Set<DocumentKey> keys = new HashSet<>();
        changed.forEach(document -> keys.add(document.key()));
        PolicySet platform = PolicySet.empty(PolicyScope.PLATFORM);
        return AssignedRoles.newViolations(old, next, platform, platform, keys, NOW);
    }

    private static String role(String name) {
        return document("Role", name, "permissions: [{resources: [x], actions: [" + name + "]}]");
    }

    private static String binding(String name, String role, String subject, String more) {
        return document(
                "RoleBinding",
                name,
                "{subjects: [\"" + subject + "\"], role: " + role + (more.isEmpty() ? "" : ", " + more) + "}");
    }

    private static String document(String kind, String name, String spec) {
        String tenant = kind.equals("Tenant") ? "" : "  tenant: acme\n";
        return "apiVersion: assize.dev/v1\nkind: " + kind + "\nmetadata:\n" + tenant + "  name: " + name + "\nspec:\n  "
                + spec + "\n---\n";
    }

    private static PolicySet set(PolicyScope scope, String documents) {
        return PolicySet.of(scope, new Revision(1), read(documents));
    }

    private static List<Document> read(String yaml) {
        ReadResult read = DocumentReader.read("p.yaml", 1, yaml.getBytes(StandardCharsets.UTF_8));
        assertThat(read.problems()).isEmpty();
        return read.documents();
    }
}
