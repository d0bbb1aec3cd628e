package dev.assize.server.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class PolicyTestWatchTest {

    private static final Duration PATIENCE = Duration.ofSeconds(20);

    private static final Surroundings SURROUNDINGS =
            new Surroundings(Map.of(), false, InstantSource.fixed(Instant.parse("2026-03-01T12:00:00.5Z")));

    private static final String POLICY = """
            apiVersion: assize.dev/v1
            kind: Tenant
            metadata: {name: acme}
            spec: {environments: [default]}
            """;

    private static final String SUITE = """
            apiVersion: assize.dev/v1
            kind: PolicyTest
            metadata: {name: suite, tenant: acme}
            spec:
              now: 2026-02-22T14:02:00Z
              cases:
                - {name: nobody, subjects: ["user:alice"], resources: ["doc:1"], actions: [read], expect: ALLOW}
            """;

    @TempDir
    private Path directory;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @Test
    void runsAgainWhenAFileChangesAndEndsWhenInterrupted() throws IOException, InterruptedException {
        Files.writeString(directory.resolve("policy.yaml"), POLICY);
        Files.createDirectories(directory.resolve("tests"));
        Files.writeString(directory.resolve("tests/suite.yaml"), SUITE);
        Thread watching = Thread.ofPlatform()
                .start(() -> CommandErrors.install(new CommandLine(new PolicyTestCommand(SURROUNDINGS)))
                        .setOut(new PrintWriter(out, true))
                        .setErr(new PrintWriter(err, true))
                        .execute("--watch", directory.toString()));

        awaitOutput("0 checks passed, 1 failed");
        Files.writeString(directory.resolve("tests/suite.yaml"), SUITE.replace("expect: ALLOW", "expect: NO_GRANT"));
        awaitOutput("1 check passed, 0 failed");
        watching.interrupt();

        assertThat(watching.join(PATIENCE)).isTrue();
        assertThat(err.toString())
                .startsWith("Ran at 2026-03-01T12:00:00Z. Watching 2 files under " + directory + "; Ctrl-C ends.");
    }

    @Test
    void refusesAShareOfTheRulesThatIsNone() {
        int code = CommandErrors.install(new CommandLine(new PolicyTestCommand(SURROUNDINGS)))
                .setErr(new PrintWriter(out, true))
                .execute("--min-coverage", "101", directory.toString());

        assertThat(code).isEqualTo(ExitCodes.USAGE);
        assertThat(out.toString()).contains("--min-coverage is `101`: expected 0 to 100");
    }

    private void awaitOutput(String expected) {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (!out.toString().contains(expected)) {
            assertThat(System.nanoTime()).as(out.toString()).isLessThan(deadline);
            LockSupport.parkNanos(10_000_000);
        }
    }
}
