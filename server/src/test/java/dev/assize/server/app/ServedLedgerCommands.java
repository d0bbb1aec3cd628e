package dev.assize.server.app;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** What was done, from the command line: appending, finding, verifying, lineage, and names under pseudonyms. */
abstract class ServedLedgerCommands extends ServedCommands {

    ServedLedgerCommands(Served served) {
        super(served);
    }

    @Test
    void recordsFindsAndVerifies() throws IOException {
        assertThat(console.run(
                        "audit",
                        "append",
                        "--type",
                        "replay.executed",
                        "--action",
                        "execute",
                        "--resource",
                        "replay:7",
                        "--actor",
                        "user:alice",
                        "--env",
                        "staging",
                        "--idempotency-key",
                        "once"))
                .as(console.err())
                .isZero();
        assertThat(console.run("audit", "list", "--actor", "user:alice")).isZero();
        assertThat(console.out()).contains("replay.executed", "replay:7");
        assertThat(console.run("audit", "verify", "--output", "json")).isZero();
        assertThat(new ObjectMapper().readTree(console.out()).get("valid").asBoolean())
                .isTrue();
    }

    @Test
    void showsTheLineageOfARecord() {
        for (String[] step : new String[][] {{"db:prices", "db:rates"}, {"db:rates", "db:report"}}) {
            assertThat(console.run(
                            "audit",
                            "append",
                            "--type",
                            "table.written",
                            "--action",
                            "write",
                            "--resource",
                            "table:prices",
                            "--outcome",
                            "success",
                            "--reads",
                            step[0],
                            "--writes",
                            step[1]))
                    .as(console.err())
                    .isZero();
        }
        assertThat(console.run("audit", "lineage", "db:report"))
                .as(console.err())
                .isZero();
        assertThat(console.out())
                .contains("db:report  derived from", "db:rates  (entry", "db:prices  (entry", "nothing known");
        assertThat(console.run("audit", "lineage", "db:prices", "--downstream", "--depth", "1", "--output", "json"))
                .isZero();
        assertThat(console.out())
                .contains("\"uri\" : \"db:rates\"", "\"cut\" : \"DEPTH\"")
                .doesNotContain("upstream");
        assertThat(console.run("audit", "lineage", "db:prices", "--upstream", "--downstream"))
                .isEqualTo(2);
    }

    @Test
    void identifiesAndForgetsWhoStandsUnderAPseudonym() throws Exception {
        Path file = Files.writeString(
                home.resolve("private.yaml"),
                "{apiVersion: assize.dev/v1, kind: Tenant, metadata: {name: private},"
                        + " spec: {environments: [default], audit: {pseudonyms: [user]}}}");
        assertThat(console.run("policy", "apply", file.toString()))
                .as(console.err())
                .isZero();
        String event = "{\"type\":\"report.sent\",\"actor\":\"user:%s\",\"action\":\"send\",\"resource\":\"report:1\","
                + "\"env\":\"default\",\"outcome\":\"SUCCESS\"}";
        Path events = Files.writeString(home.resolve("events.jsonl"), event.formatted("alice") + "\n");
        assertThat(console.run("audit", "append", "--tenant", "private", "--file", events.toString()))
                .as(console.err())
                .isZero();
        Files.writeString(events, event.formatted("x").replace("user:x", "pseudonym:x"));
        assertThat(console.run("audit", "append", "--tenant", "private", "--file", events.toString()))
                .isEqualTo(2);
        assertThat(console.err()).contains("a subject, not a pseudonym");
        assertThat(console.run("audit", "list", "--tenant", "private", "--type", "report.sent"))
                .isZero();
        assertThat(console.out()).contains("pseudonym:").doesNotContain("alice");

        assertThat(console.run("audit", "identify", "--tenant", "private", "user:alice", "--reason", "case 12"))
                .as(console.err())
                .isZero();
        String pseudonym =
                console.out().lines().skip(1).findFirst().orElseThrow().split(" +", -1)[1];
        assertThat(console.run("audit", "list", "--tenant", "private", "--actor", pseudonym))
                .isZero();
        assertThat(console.out()).contains("report.sent");
        assertThat(console.run("audit", "erase", "--tenant", "private", "--actor", "user:alice", "--basis", "7"))
                .as(console.err())
                .isZero();
        assertThat(console.out()).contains("erased the name behind " + pseudonym);
        assertThat(console.run("audit", "identify", "--tenant", "private", pseudonym, "--reason", "case 12"))
                .isZero();
        assertThat(console.out()).doesNotContain("alice");
        assertThat(console.run("audit", "erase", "--tenant", "private", "--actor", "user:alice", "--basis", "7"))
                .isEqualTo(1);
        assertThat(console.err()).contains("user:alice");
        assertThat(console.run("audit", "verify", "--tenant", "private"))
                .as(console.out())
                .isZero();
    }
}
