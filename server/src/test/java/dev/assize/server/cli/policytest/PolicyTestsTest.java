package dev.assize.server.cli.policytest;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PolicyTestsTest {

    private static final String POLICY = """
            apiVersion: assize.dev/v1
            kind: Tenant
            metadata: {name: acme}
            spec: {environments: [production]}
            ---
            apiVersion: assize.dev/v1
            kind: Role
            metadata: {tenant: acme, name: viewer}
            spec: {permissions: [{resources: [incident], actions: [read]}]}
            ---
            apiVersion: assize.dev/v1
            kind: RoleBinding
            metadata: {tenant: acme, name: viewers}
            spec: {subjects: ["user:vera"], role: viewer}
            """;

    private static final String SUITE_HEAD = """
            apiVersion: assize.dev/v1
            kind: PolicyTest
            metadata: {tenant: acme, name: suite}
            spec:
              now: 2026-01-01T00:00:00Z
              environments: [production]
              cases:
            """;

    @TempDir
    private Path directory;

    private final StringWriter report = new StringWriter();

    @Test
    void failsWithoutAnyTests() throws IOException {
        write("policy.yaml", POLICY);

        PolicyTestResult result = run();

        assertThat(result.isSuccess()).isFalse();
        assertThat(report.toString()).contains("no test suites", "no check was run");
    }

    @Test
    void failsOnADirectoryThatIsNotThere() throws IOException {
        PolicyTestResult result = PolicyTests.run(directory.resolve("gone"), new PrintWriter(report), null);

        assertThat(result.isSuccess()).isFalse();
        assertThat(report.toString()).contains("gone", "a directory of policy files");
    }

    @Test
    void runsNoCheckAgainstPolicyThatAServerWouldRefuse() throws IOException {
        write("policy.yaml", POLICY.replace("role: viewer}", "role: viewr}"));
        write("tests/suite.yaml", SUITE_HEAD + """
                  - {name: a, subjects: ["user:vera"], resources: ["incident:1"], actions: [read], expect: ALLOWED}
              """);

        PolicyTestResult result = run();

        assertThat(result)
                .extracting(PolicyTestResult::passed, PolicyTestResult::failed)
                .containsExactly(0, 0);
        assertThat(report.toString()).contains("policy.yaml:11: RoleBinding/viewers: spec.role: `viewr`");
    }

    @Test
    void saysAllThatIsWrongWithASuite() throws IOException {
        write("policy.yaml", POLICY);
        write("tests/suite.yaml", SUITE_HEAD + """
                - name: a
                  subjects: ["group:noc", "user:vera"]
                  resources: ["incident:"]
                  actions: ["9"]
                  expect: MAYBE
                  expects: ALLOWED
                - {name: b, subjects: [], resources: [incident], actions: [read], expect: DENY, table: {}}
              """);

        assertThat(run().problems()).hasSize(9);
        assertThat(report.toString())
                .contains(
                        "suite.yaml:9:16: spec.cases[0].subjects[0]: `group:noc`",
                        "spec.cases[0].resources[0]: `incident:`",
                        "spec.cases[0].actions[0]: `9`",
                        "spec.cases[0].expect: `MAYBE`",
                        "spec.cases[0].expects: `expects`",
                        "spec.cases[1].subjects: `[]`",
                        "either `table` or");
    }

    @Test
    void refusesACaseOfTooManyChecks() throws IOException {
        write("policy.yaml", POLICY);
        StringBuilder actions = new StringBuilder("a0");
        StringBuilder resources = new StringBuilder("\"x:0\"");
        for (int i = 1; i <= 400; i++) {
            actions.append(", a").append(i);
            resources.append(", \"x:").append(i).append('"');
        }
        write(
                "tests/suite.yaml",
                SUITE_HEAD + "  - {name: a, subjects: [\"user:vera\"], resources: [" + resources + "], actions: ["
                        + actions + "], expect: DENY}\n");

        run();

        assertThat(report.toString()).contains("`160801 checks`: expected at most 100000");
    }

    @Test
    void tellsWhatFailedWithItsLineAndWhatDecided() throws IOException {
        write("policy.yaml", POLICY);
        write("tests/suite.yaml", SUITE_HEAD + """
                - name: vera reads
                  subjects: ["user:vera"]
                  resources: ["incident:1"]
                  actions: [read, write]
                  expect: ALLOWED
                - name: vera again
                  subjects: ["user:vera"]
                  table:
                    "incident:1":
                      read: NO_GRANT
                      write: DENY
              """);

        PolicyTestResult result = run();

        assertThat(result)
                .extracting(PolicyTestResult::passed, PolicyTestResult::failed)
                .containsExactly(2, 2);
        assertThat(report.toString())
                .contains(
                        "suite.yaml:12: suite: vera reads: user:vera write incident:1 in acme/production: expected ALLOWED,"
                                + " was NO_GRANT\n",
                        "suite.yaml:17: suite: vera again: user:vera read incident:1 in acme/production: expected NO_GRANT,"
                                + " was ALLOWED (RoleBinding/viewers, Role/viewer, permissions[0])\n",
                        "1 suite, 2 checks passed, 2 failed");
    }

    @Test
    void saysAllThatIsWrongWithFacts() throws IOException {
        write("policy.yaml", POLICY);
        write("tests/suite.yaml", SUITE_HEAD + """
                - name: a
                  subjects: ["user:vera"]
                  history:
                    - {actor: "group:noc", action: read, resource: "incident:1", outcome: MAYBE, at: yesterday}
                    - {action: read}
                  approvals:
                    - {subject: "user:vera", action: read, resource: "incident:1", approvedBy: []}
                  onBehalfOf: "group:noc"
                  activeRoles: []
                  obligations: ["a b"]
                  resources: ["incident:1"]
                  actions: [read]
                  expect: ALLOWED
              """);

        run();

        assertThat(report.toString())
                .contains(
                        "spec.cases[0].history[0].actor: `group:noc`",
                        "spec.cases[0].history[0].outcome: `MAYBE`",
                        "spec.cases[0].history[0].at: `yesterday`",
                        "spec.cases[0].history[1].actor",
                        "spec.cases[0].history[1].resource",
                        "spec.cases[0].approvals[0].requestedAt",
                        "spec.cases[0].onBehalfOf: `group:noc`",
                        "spec.cases[0].activeRoles: `[]`",
                        "spec.cases[0].obligations[0]: `a b`");
    }

    @Test
    void asksWithTheHistoryThatAreGiven() throws IOException {
        write("policy.yaml", POLICY + """
                ---
                apiVersion: assize.dev/v1
                kind: SeparationOfDuty
                metadata: {tenant: acme, name: writers-do-not-read}
                spec: {type: performed-actions, actions: [read, write], resources: ["*"]}
                """);
        write("tests/suite.yaml", SUITE_HEAD + """
                - name: what vera wrote before
                  subjects: ["user:vera"]
                  history:
                    - {actor: "user:vera", action: write, resource: "incident:1", at: "2025-12-31T00:00:00Z"}
                    - {actor: "user:vera", action: write, resource: "incident:2", at: "2026-01-02T00:00:00Z"}
                    - {actor: "user:vera", action: write, resource: "incident:3", outcome: DENIED}
                    - {actor: "user:olga", action: write, resource: "incident:4"}
                  table:
                    "incident:1": {read: SEPARATION_OF_DUTY}
                    "incident:2": {read: ALLOWED}
                    "incident:3": {read: ALLOWED}
                    "incident:4": {read: ALLOWED}
              """);

        assertThat(run().isSuccess()).as(report.toString()).isTrue();
    }

    @Test
    void asksWithTheApprovalsThatAreGivenAndForTheObligations() throws IOException {
        write("policy.yaml", POLICY + """
                ---
                apiVersion: assize.dev/v1
                kind: ApprovalRule
                metadata: {tenant: acme, name: four-eyes}
                spec:
                  resources: ["*"]
                  actions: [read]
                  approverRole: viewer
                  pendingTtl: 1h
                  ttl: 1h
                  singleUse: true
                """);
        write("tests/suite.yaml", SUITE_HEAD + """
                - name: approved
                  subjects: ["user:vera"]
                  approvals:
                    - subject: "user:vera"
                      action: read
                      resource: "incident:1"
                      environment: production
                      requestedAt: 2025-12-31T23:10:00Z
                      approvedBy: ["user:olga"]
                      resolvedAt: 2025-12-31T23:30:00Z
                  obligations: [assize/use-approval]
                  table:
                    "incident:1": {read: ALLOWED}
                - name: not approved
                  subjects: ["user:vera"]
                  obligations: []
                  table:
                    "incident:2": {read: APPROVAL_REQUIRED}
                - name: other obligations
                  subjects: ["user:vera"]
                  obligations: [log]
                  table:
                    "incident:2": {read: APPROVAL_REQUIRED}
              """);

        PolicyTestResult result = run();

        assertThat(report.toString())
                .contains("other obligations: user:vera read incident:2 in acme/production:"
                        + " expected obligations [log], were []");
        assertThat(result.passed()).isEqualTo(2);
        assertThat(result.failed()).isEqualTo(1);
    }

    @Test
    void runsNoCheckWhereSomebodyHoldsWhatNobodyMayHoldTogether() throws IOException {
        write("policy.yaml", POLICY + """
                ---
                apiVersion: assize.dev/v1
                kind: Role
                metadata: {tenant: acme, name: auditor}
                spec: {permissions: [{resources: [incident], actions: [audit]}]}
                ---
                apiVersion: assize.dev/v1
                kind: RoleBinding
                metadata: {tenant: acme, name: auditors}
                spec: {subjects: ["user:vera"], role: auditor, notBefore: 2027-01-01T00:00:00Z}
                ---
                apiVersion: assize.dev/v1
                kind: SeparationOfDuty
                metadata: {tenant: acme, name: viewers-do-not-audit}
                spec: {type: assigned-roles, roles: [viewer, auditor]}
                """);
        write("tests/suite.yaml", SUITE_HEAD + """
                - {name: a, subjects: ["user:vera"], table: {"incident:1": {read: ALLOWED}}}
              """);

        run();

        assertThat(report.toString())
                .contains(
                        "policy.yaml:26: SeparationOfDuty/viewers-do-not-audit: `user:vera of tenant acme with"
                                + " roles auditor, viewer`: expected at most 1 of them (separation of duty"
                                + " `viewers-do-not-audit`)",
                        "no check was run");
    }

    @Test
    void countsTheRulesThatNoCheckMet() throws IOException {
        write("policy.yaml", POLICY + """
                ---
                apiVersion: assize.dev/v1
                kind: Freeze
                metadata: {tenant: acme, name: of-a-run}
                spec: {run: r1, reason: tested}
                ---
                apiVersion: assize.dev/v1
                kind: Freeze
                metadata: {tenant: acme, name: of-another-run}
                spec: {run: r2, reason: never asked about}
                """);
        write("tests/suite.yaml", SUITE_HEAD + """
                - {name: a, subjects: ["user:vera"], run: r1, table: {"incident:1": {read: FROZEN}}}
                - {name: b, subjects: ["user:vera"], table: {"incident:1": {read: ALLOWED}}}
              """);

        PolicyTestResult result = run();

        assertThat(result.coverage().rules()).isEqualTo(4);
        assertThat(result.coverage().met()).isEqualTo(3);
        assertThat(result.coverage().percent()).isEqualTo(75);
        assertThat(result.coverage().unmet())
                .singleElement()
                .asString()
                .endsWith("policy.yaml:21: Freeze/of-another-run");
        assertThat(report.toString()).contains("2 checks passed, 0 failed, 3 of 4 rules met");
    }

    @Test
    void writesTheOutcomeForBuildServers() throws IOException {
        write("policy.yaml", POLICY);
        write("tests/suite.yaml", SUITE_HEAD + """
                - {name: "reads & writes", subjects: ["user:vera"], table: {"incident:1": {read: ALLOWED, write: ALLOWED}}}
              """);
        Path junit = directory.resolve("target/junit.xml");

        PolicyTests.run(directory, new PrintWriter(report), junit);

        assertThat(junit)
                .content()
                .contains(
                        "<testsuites tests=\"2\" failures=\"1\">",
                        "<testsuite name=\"suite\" tests=\"2\" failures=\"1\">",
                        "name=\"reads &amp; writes: user:vera read incident:1 in acme/production\"",
                        "<failure message=\"expected ALLOWED, was NO_GRANT\">");
    }

    private PolicyTestResult run() throws IOException {
        return PolicyTests.run(directory, new PrintWriter(report), null);
    }

    private void write(String file, String text) throws IOException {
        Path path = directory.resolve(file);
        Files.createDirectories(path.getParent());
        Files.writeString(path, text);
    }
}
