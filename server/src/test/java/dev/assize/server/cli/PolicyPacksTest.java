package dev.assize.server.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** The policies that come with Assize, against their own tests. */
class PolicyPacksTest {

    private static final Path PACKS = Path.of("src/main/resources/policies");

    private final StringWriter out = new StringWriter();

    @Test
    void everyPackPassesItsTests() throws IOException {
        try (Stream<Path> packs = Files.list(PACKS)) {
            List<Path> all = packs.toList();
            assertThat(all)
                    .extracting(pack -> String.valueOf(pack.getFileName()))
                    .containsExactlyInAnyOrder("audra-flow", "causeflow", "flexor", "rbac-audit-pipeline", "traceflux");
            for (Path pack : all) {
                int code = run(pack);
                assertThat(code).as(out.toString()).isZero();
                assertThat(pack.resolve("README.md")).isNotEmptyFile();
            }
        }
    }

    @Test
    void aFailedCheckExitsWithOneAndNamesThePlace(@TempDir Path directory) throws IOException {
        Files.writeString(directory.resolve("policy.yaml"), """
                apiVersion: assize.dev/v1
                kind: Tenant
                metadata: {name: acme}
                spec: {environments: [default]}
                """);
        Files.createDirectories(directory.resolve("tests"));
        Files.writeString(directory.resolve("tests/checks.yaml"), """
                apiVersion: assize.dev/v1
                kind: PolicyTest
                metadata: {name: wrong, tenant: acme}
                spec:
                  now: 2026-02-22T14:02:00Z
                  cases:
                    - name: nobody may, and the test says otherwise
                      subjects: ["user:alice"]
                      resources: ["doc:1"]
                      actions: [read]
                      expect: ALLOW
                """);

        assertThat(run(directory)).isEqualTo(1);
        assertThat(out.toString()).contains("checks.yaml:11", "NO_GRANT", "0 checks passed, 1 failed");
    }

    private int run(Path directory) {
        out.getBuffer().setLength(0);
        return CommandErrors.install(new CommandLine(
                        new PolicyTestCommand(new Surroundings(Map.of(), false, InstantSource.system()))))
                .setOut(new PrintWriter(out, true))
                .execute(directory.toString());
    }
}
