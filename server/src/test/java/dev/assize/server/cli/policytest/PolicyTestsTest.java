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
    void failsOnADirectoryThatIsNotThere() {
        PolicyTestResult result = PolicyTests.run(directory.resolve("gone"), new PrintWriter(report));

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
                        "1 suites, 2 checks passed, 2 failed");
    }

    private PolicyTestResult run() {
        return PolicyTests.run(directory, new PrintWriter(report));
    }

    private void write(String file, String text) throws IOException {
        Path path = directory.resolve(file);
        Files.createDirectories(path.getParent());
        Files.writeString(path, text);
    }
}
