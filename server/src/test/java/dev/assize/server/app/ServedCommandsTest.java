package dev.assize.server.app;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.assize.server.storage.DatabaseAccess;
import dev.assize.server.testing.InMemory;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** The commands against a real server, with its own PostgreSQL, over TCP. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ServedCommandsTest {

    private static final String POLICY = """
        apiVersion: assize.dev/v1
        kind: Tenant
        metadata: {name: acme}
        spec: {environments: [staging, production]}
        ---
        apiVersion: assize.dev/v1
        kind: Role
        metadata: {tenant: acme, name: operator}
        spec:
          permissions:
            - {resources: [replay], actions: [execute]}
        ---
        apiVersion: assize.dev/v1
        kind: RoleBinding
        metadata: {tenant: acme, name: noc}
        spec:
          subjects: ["user:alice"]
          role: operator
          scope: {environments: [staging]}
        """;

    private final Path home;
    private final Console console;
    private final AssizeServer server;

    ServedCommandsTest(@TempDir(factory = InMemory.class) Path directory) {
        home = directory.resolve("home of assize");
        console = new Console(home, Map.of("ASSIZE_TENANT", "acme"));
        server = AssizeServer.of(console.config());
    }

    @BeforeAll
    void start() throws IOException {
        server.start();
        Path file = Files.writeString(home.resolve("policy.yaml"), POLICY);
        assertThat(console.run("policy", "apply", file.toString(), "--reason", "first"))
                .as(console.err())
                .isZero();
    }

    @AfterAll
    void stop() {
        server.close();
    }

    @Test
    void checksAndExplains() {
        assertThat(console.run("check", "user:alice", "replay:1", "execute", "--env", "staging"))
                .isZero();
        assertThat(console.out()).startsWith("ALLOW  ALLOWED");
        assertThat(console.run("check", "user:alice", "replay:1", "execute", "--env", "production"))
                .isEqualTo(3);
        assertThat(console.out()).startsWith("DENY  OUT_OF_SCOPE");
        assertThat(console.run("explain", "user:alice", "replay:1", "execute", "--env", "production"))
                .isEqualTo(3);
        assertThat(console.out()).contains("[out of scope] binding noc gives role operator", "policy.yaml:");
        assertThat(console.run("check", "user:alice", "replay 1", "execute")).isEqualTo(2);
        assertThat(console.err()).contains("replay 1").hasLineCount(1);
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

    @Test
    void readsPolicyBack() throws IOException {
        assertThat(console.run("policy", "export")).isZero();
        Path exported = Files.writeString(home.resolve("exported.yaml"), console.out());
        assertThat(console.run("policy", "diff", exported.toString())).isZero();
        assertThat(console.out()).contains("3 unchanged");
        assertThat(console.run("policy", "history")).isZero();
        assertThat(console.out()).contains("user:admin", "first");
    }

    @Test
    void showsHowPolicyWasAndRebuildsItFromTheLedger() throws Exception {
        String group = """
            {apiVersion: assize.dev/v1, kind: Group, metadata: {tenant: past, name: g}, spec: {members: ["user:%s"]}}
            """;
        Path file = home.resolve("past.yaml");
        Files.writeString(
                file,
                "{apiVersion: assize.dev/v1, kind: Tenant, metadata: {name: past}, spec: {environments: [default]}}\n"
                        + "---\n"
                        + group.formatted("alice"));
        assertThat(console.run("policy", "apply", file.toString()))
                .as(console.err())
                .isZero();
        assertThat(console.run("policy", "export", "--tenant", "past")).isZero();
        String first = console.out();
        Files.writeString(file, group.formatted("bob"));
        assertThat(console.run("policy", "apply", file.toString(), "--reason", "bob came"))
                .isZero();
        assertThat(console.run("freeze", "--tenant", "past", "--subject", "user:bob", "--reason", "why"))
                .isZero();

        assertThat(console.run("policy", "history", "--tenant", "past")).isZero();
        assertThat(console.out()).contains("THROUGH", "freeze", "apply", "bob came");
        assertThat(console.run("policy", "diff", "--tenant", "past", "--from-revision", "1", "--to-revision", "2"))
                .as(console.err())
                .isZero();
        assertThat(console.out())
                .contains("tenant past: revision 1 -> 2", "~ Group/g", "-   - user:alice", "+   - user:bob")
                .doesNotContain("Freeze");
        assertThat(console.run("policy", "diff", "--tenant", "past", "--from-revision", "2", "--output", "json"))
                .isZero();
        assertThat(console.out())
                .contains("\"kind\" : \"Freeze\"", "\"change\" : \"CREATED\"", "\"origin\" : \"freeze\"");
        assertThat(console.run("policy", "export", "--tenant", "past", "--at-revision", "1"))
                .isZero();
        assertThat(console.out()).isEqualTo(first);
        assertThat(console.run("policy", "export", "--tenant", "past")).isZero();
        String present = console.out();
        assertThat(console.run("policy", "export", "--tenant", "past", "--at-revision", "3"))
                .isZero();
        assertThat(console.out()).isEqualTo(present);
        assertThat(console.run(
                        "policy",
                        "export",
                        "--tenant",
                        "past",
                        "--as-of",
                        Instant.now().toString()))
                .isZero();
        assertThat(console.out()).isEqualTo(present);
        assertThat(console.run("policy", "export", "--tenant", "past", "--as-of", "2020-01-01T00:00:00Z"))
                .isEqualTo(1);
        assertThat(console.run("policy", "export", "--tenant", "past", "--as-of", "yesterday"))
                .isEqualTo(2);
        assertThat(console.run("policy", "diff")).isEqualTo(2);
        assertThat(console.run("policy", "diff", file.toString(), "--to-revision", "1"))
                .isEqualTo(2);

        for (String[] how : new String[][] {{}, {"--whole"}, {"--revision", "2"}}) {
            assertThat(console.run(Stream.concat(Stream.of("policy", "replay", "--tenant", "past"), Arrays.stream(how))
                            .toArray(String[]::new)))
                    .as(console.out())
                    .isZero();
            assertThat(console.out()).startsWith("EQUAL  revision " + (how.length == 2 ? 2 : 3) + ", ");
        }
        assertThat(console.run("policy", "replay", "--platform")).isZero();
        alter("past", "UPDATE assize.policy_document SET yaml = replace(yaml, 'bob', 'eve') WHERE to_revision IS NULL");
        assertThat(console.run("policy", "replay", "--tenant", "past")).isEqualTo(3);
        assertThat(console.out())
                .startsWith("DRIFT  revision 3")
                .contains("! Group/g is stored with another text than entry", "-   - user:bob", "+   - user:eve");
        assertThat(console.run("policy", "replay", "--tenant", "past", "--output", "json"))
                .isEqualTo(3);
        assertThat(new ObjectMapper()
                        .readTree(console.out())
                        .at("/drifts/0/type")
                        .asText())
                .isEqualTo("TEXT");
        assertThat(console.run("policy", "replay", "--tenant", "past", "--revision", "9"))
                .isEqualTo(3);
        assertThat(console.out()).startsWith("NOT TOLD  ").contains("revision 9 is missing");
        alter("past", "UPDATE assize.policy_document SET yaml = replace(yaml, 'eve', 'bob') WHERE to_revision IS NULL");
    }

    private void alter(String tenant, String sql) throws SQLException {
        DatabaseAccess owner = server.databaseOwner().orElseThrow();
        try (Connection connection = DriverManager.getConnection(owner.url(), owner.user(), owner.password());
                Statement statement = connection.createStatement()) {
            statement.execute("SET assize.tenant = '" + tenant + "'");
            statement.execute(sql);
        }
    }

    @Test
    void refusesWrongPolicyWithFileAndLine() throws IOException {
        Path file = Files.writeString(home.resolve("wrong.yaml"), POLICY.replace("role: operator", "role: nobody"));

        assertThat(console.run("policy", "apply", file.toString())).isEqualTo(1);
        assertThat(console.err()).contains("wrong.yaml:1", "nobody");
        assertThat(console.run("policy", "validate", file.toString())).isEqualTo(1);
        assertThat(console.err()).contains("wrong.yaml:1", "nobody");
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
    void makesListsAndRevokesKeys() {
        assertThat(console.run(
                        "key", "create", "--tenant", "assize", "--subject", "service:replay", "--tenants", "acme"))
                .as(console.err())
                .isZero();
        String key = console.out().strip();
        String id = key.split("_", 3)[1];
        assertThat(console.run("key", "list", "--tenant", "assize")).isZero();
        assertThat(console.out()).contains(id, "service:replay").doesNotContain(key);
        assertThat(console.run("key", "revoke", id, "--tenant", "assize")).isZero();
        Console asService = new Console(home, Map.of("ASSIZE_TENANT", "acme", "ASSIZE_KEY", key));
        assertThat(asService.run("check", "service:replay", "replay:1", "execute", "--env", "staging"))
                .isEqualTo(1);
        assertThat(asService.err()).contains("not authenticated").hasLineCount(1);
    }

    private String served(String path) throws Exception {
        try (HttpClient client = HttpClient.newHttpClient()) {
            return get(client, path);
        }
    }

    /** The drill, as docs/operations.md leads through it. */
    @Test
    void sealsBreaksAndSealsAnew() throws Exception {
        assertThat(console.run("key", "seal", "--description", "safe 3"))
                .as(console.err())
                .isZero();
        String first = console.out().strip();
        assertThat(console.err()).contains("only time its secret is shown");
        assertThat(console.run("key", "list", "--tenant", "assize")).isZero();
        assertThat(console.out())
                .contains("user:break-glass", "sealed", "safe 3")
                .doesNotContain(first);
        assertThat(served("/readyz")).doesNotContain("break-glass: ATTENTION");

        Console broken = new Console(home, Map.of("ASSIZE_TENANT", "acme", "ASSIZE_KEY", first));
        assertThat(broken.run("policy", "history")).as(broken.err()).isZero();
        assertThat(broken.run("check", "user:alice", "replay:1", "execute", "--env", "staging"))
                .isEqualTo(1);
        assertThat(served("/readyz")).contains("break-glass: ATTENTION");
        assertThat(served("/metrics")).contains("assize_break_glass_uses_total 2.0", "assize_break_glass_broken 1.0");
        for (String tenant : List.of("assize", "acme")) {
            assertThat(console.run("audit", "list", "--tenant", tenant, "--type", "assize.break-glass.used"))
                    .isZero();
            assertThat(console.out()).contains("user:break-glass");
        }

        assertThat(console.run("key", "seal")).isZero();
        assertThat(console.err()).contains(first.split("_", 3)[1] + " is void");
        assertThat(broken.run("policy", "history")).isEqualTo(1);
        assertThat(broken.err()).contains("not authenticated");
        assertThat(served("/readyz")).doesNotContain("break-glass: ATTENTION");
    }

    @Test
    void proposesShowsAndAccepts() throws IOException {
        Path first = Files.writeString(home.resolve("bank.yaml"), """
            {apiVersion: assize.dev/v1, kind: Tenant, metadata: {name: bank},
              spec: {environments: [default], changeApprovals: 1}}
            """);
        assertThat(console.run("policy", "apply", first.toString(), "--idempotency-key", "bank-1"))
                .as(console.err())
                .isZero();
        assertThat(console.run("policy", "apply", first.toString(), "--idempotency-key", "bank-1"))
                .isZero();
        assertThat(console.out()).contains("applied before under this key", "revision 0 -> 1");
        Path change = Files.writeString(home.resolve("payer.yaml"), """
            {apiVersion: assize.dev/v1, kind: Role, metadata: {tenant: bank, name: payer},
              spec: {permissions: [{resources: [invoice], actions: [pay]}]}}
            ---
            {apiVersion: assize.dev/v1, kind: RoleBinding, metadata: {tenant: bank, name: payers},
              spec: {subjects: ["user:paula"], role: payer}}
            """);
        assertThat(console.run("policy", "apply", change.toString())).isEqualTo(1);
        assertThat(console.err()).contains("1 other accepts", "assize policy propose");
        assertThat(console.run("policy", "diff", change.toString())).isEqualTo(1);
        assertThat(console.err()).contains("needs 1 other to accept it");
        assertThat(console.run("policy", "propose", "--tenant", "bank")).isEqualTo(2);
        assertThat(console.run("policy", "propose", change.toString(), "--tenant", "bank", "--prune"))
                .isEqualTo(2);
        assertThat(console.err()).contains("metadata.manager");
        assertThat(console.run("policy", "propose", change.toString(), "--tenant", "bank", "--ttl", "31d"))
                .isEqualTo(2);

        assertThat(console.run(
                        "policy",
                        "propose",
                        change.toString(),
                        "--tenant",
                        "bank",
                        "--reason",
                        "pay",
                        "--output",
                        "json"))
                .as(console.err())
                .isZero();
        String id = new ObjectMapper().readTree(console.out()).get("id").asText();
        assertThat(console.run("policy", "proposals", "--tenant", "bank", "--state", "pending"))
                .isZero();
        assertThat(console.out()).contains(id, "pending", "user:admin", "0 of 1", "pay");
        assertThat(console.run("policy", "proposals", id, "--tenant", "bank")).isZero();
        assertThat(console.out())
                .contains("+ Role/payer", "+ RoleBinding/payers", "user:paula", "ALLOW", "1 answer changes");
        assertThat(console.run("policy", "accept", id, "--tenant", "bank")).isEqualTo(1);
        String digest = console.err().replaceAll("(?s).*--digest ([0-9a-f]{64}).*", "$1");
        assertThat(console.run("policy", "accept", id, "--tenant", "bank", "--digest", digest))
                .isEqualTo(1);
        assertThat(console.err()).contains("PROPOSAL_OWN").hasLineCount(1);
        assertThat(console.run("policy", "accept", id, "--tenant", "bank", "--digest", "no"))
                .isEqualTo(2);

        assertThat(console.run("key", "create", "--tenant", "assize", "--subject", "user:olga", "--tenants", "bank"))
                .isZero();
        Console olga = new Console(
                home,
                Map.of("ASSIZE_TENANT", "bank", "ASSIZE_KEY", console.out().strip()));
        assertThat(olga.run("policy", "accept", id, "--digest", digest)).isEqualTo(1);
        Path acceptor = Files.writeString(home.resolve("acceptor.yaml"), """
            {apiVersion: assize.dev/v1, kind: RoleBinding, metadata: {tenant: assize, name: acceptors},
              spec: {subjects: ["user:olga"], role: policy-acceptor}}
            """);
        assertThat(console.run("policy", "apply", acceptor.toString()))
                .as(console.err())
                .isZero();
        assertThat(olga.run("policy", "comment", id, "which invoices?"))
                .as(olga.err())
                .isZero();
        assertThat(console.run("policy", "comment", id, "all of March", "--tenant", "bank"))
                .as(console.err())
                .isZero();
        assertThat(console.run("policy", "proposals", id, "--tenant", "bank")).isZero();
        assertThat(console.out()).containsSubsequence("user:olga", "which invoices?", "user:admin", "all of March");
        assertThat(olga.run("policy", "comment", id)).isEqualTo(2);
        assertThat(console.run("audit", "list", "--tenant", "bank", "--type", "assize.proposal.commented"))
                .isZero();
        assertThat(console.out()).contains("user:olga", "user:admin");
        assertThat(olga.run("policy", "accept", id, "--digest", digest, "--comment", "fine"))
                .as(olga.err())
                .isZero();
        assertThat(olga.out()).contains("applied", "user:olga", "fine");
        assertThat(console.run("check", "user:paula", "invoice:1", "pay", "--tenant", "bank"))
                .isZero();
        assertThat(console.run("policy", "withdraw", id, "--tenant", "bank")).isEqualTo(1);
        assertThat(olga.run("policy", "reject", id)).isEqualTo(1);
        proposesADirectoryThatPrunes(olga);
    }

    /** The manager is the one that all its documents name. */
    private void proposesADirectoryThatPrunes(Console acceptor) throws IOException {
        String role = """
            {apiVersion: assize.dev/v1, kind: Role, metadata: {tenant: bank, name: %s, manager: ci},
              spec: {permissions: [{resources: [invoice], actions: [read]}]}}
            """;
        Path directory = Files.createDirectories(home.resolve("bank-policies"));
        Files.writeString(directory.resolve("kept.yaml"), role.formatted("kept"));
        Path gone = Files.writeString(directory.resolve("gone.yaml"), role.formatted("gone"));
        accepted(acceptor, directory);
        Files.delete(gone);
        accepted(acceptor, directory);

        assertThat(console.run("policy", "export", "--tenant", "bank")).isZero();
        assertThat(console.out()).contains("name: kept").doesNotContain("name: gone");
    }

    private void accepted(Console acceptor, Path directory) {
        assertThat(console.run("policy", "propose", "--dir", directory.toString(), "--tenant", "bank", "--prune"))
                .as(console.err())
                .isZero();
        String id = console.out().replaceAll("(?s).*proposal +(\\w{32}).*", "$1");
        assertThat(acceptor.run("policy", "accept", id)).isEqualTo(1);
        String digest = acceptor.err().replaceAll("(?s).*--digest ([0-9a-f]{64}).*", "$1");
        assertThat(acceptor.run("policy", "accept", id, "--digest", digest))
                .as(acceptor.err())
                .isZero();
    }

    @Test
    void freezesListsAndLifts() throws IOException {
        assertThat(console.run("freeze", "--subject", "user:alice")).isEqualTo(2);
        assertThat(console.err()).contains("--reason");
        assertThat(console.run("freeze", "--reason", "why")).isEqualTo(2);
        assertThat(console.run("freeze", "--all", "--reason", "why", "--until", "soon"))
                .isEqualTo(2);
        assertThat(console.run(
                        "freeze", "--run", "r1", "--reason", "why", "--until", "2999-01-01T00:00:00Z", "--for", "15m"))
                .isEqualTo(2);

        assertThat(console.run("freeze", "--subject", "user:alice", "--reason", "runs wild", "--name", "stop"))
                .as(console.err())
                .isZero();
        assertThat(console.out())
                .contains("FROZEN stop", "Confirmed by 1 node.", "noc", "assize unfreeze stop --tenant acme");
        assertThat(console.run("check", "user:alice", "replay:1", "execute", "--env", "staging"))
                .isEqualTo(3);
        assertThat(console.run("freeze", "--list")).isZero();
        assertThat(console.out()).contains("stop", "user:alice", "runs wild");
        assertThat(console.run("unfreeze", "stop", "--reason", "over", "--output", "json"))
                .isZero();
        assertThat(new ObjectMapper()
                        .readTree(console.out())
                        .path("nodes")
                        .path("confirmed")
                        .asInt())
                .isEqualTo(1);
        assertThat(console.run("unfreeze", "stop")).isEqualTo(1);
        assertThat(console.run("check", "user:alice", "replay:1", "execute", "--env", "staging"))
                .isZero();

        assertThat(console.run(
                        "freeze",
                        "--run",
                        "r1",
                        "--env",
                        "staging",
                        "--for",
                        "15m",
                        "--reason",
                        "w",
                        "--output",
                        "json"))
                .isZero();
        String name = new ObjectMapper().readTree(console.out()).path("name").asText();
        assertThat(console.run("freeze", "--list", "--output", "json")).isZero();
        assertThat(new ObjectMapper()
                        .readTree(console.out())
                        .path("freezes")
                        .path(0)
                        .path("env")
                        .asText())
                .isEqualTo("staging");
        assertThat(console.run("unfreeze", name)).isZero();
    }

    @Test
    void grantsAndRevokes() {
        assertThat(console.run("grant", "--subject", "user:bob")).isEqualTo(2);
        assertThat(console.run("grant", "--subject", "user:bob", "--role", "nobody"))
                .isEqualTo(1);
        assertThat(console.run(
                        "grant",
                        "--subject",
                        "user:bob,user:eve",
                        "--role",
                        "operator",
                        "--env",
                        "staging",
                        "--for",
                        "8h",
                        "--name",
                        "on-call"))
                .as(console.err())
                .isZero();
        assertThat(console.out()).startsWith("GRANTED on-call");
        assertThat(console.run("check", "user:bob", "replay:1", "execute", "--env", "staging"))
                .isZero();
        assertThat(console.run("check", "user:bob", "replay:1", "execute", "--env", "production"))
                .isEqualTo(3);
        assertThat(console.run("revoke", "on-call", "--subject", "user:bob")).isZero();
        assertThat(console.run("check", "user:eve", "replay:1", "execute", "--env", "staging"))
                .isZero();
        assertThat(console.run("check", "user:bob", "replay:1", "execute", "--env", "staging"))
                .isEqualTo(3);
        assertThat(console.run("revoke", "on-call", "--idempotency-key", "k", "--output", "json"))
                .isZero();
        assertThat(console.run("revoke", "on-call", "--idempotency-key", "k")).isZero();
        assertThat(console.out()).contains("by an earlier request");
        assertThat(console.run("revoke", "on-call")).isEqualTo(1);
    }

    @Test
    void reviewsAccessAsTableJsonAndCsv() throws IOException {
        assertThat(console.run(
                        "grant",
                        "--subject",
                        "user:rita",
                        "--role",
                        "operator",
                        "--name",
                        "rita",
                        "--reason",
                        "=HYPERLINK(\"http://x\")"))
                .as(console.err())
                .isZero();
        assertThat(console.run("access", "review", "--subject", "user:rita", "--csv", "--output", "json"))
                .isEqualTo(2);

        assertThat(console.run("access", "review", "--subject", "user:rita")).isZero();
        assertThat(console.out())
                .contains("user:rita", "operator", "user:admin", "for ever", "not recorded")
                .contains("1 grant at revision");
        assertThat(console.run("access", "review", "--subject", "user:rita", "--output", "json"))
                .isZero();
        assertThat(new ObjectMapper()
                        .readTree(console.out())
                        .path("grants")
                        .path(0)
                        .path("given")
                        .path("origin")
                        .asText())
                .isEqualTo("grant");
        assertThat(console.run("access", "review", "--csv")).isZero();
        assertThat(console.out())
                .startsWith("subject,subject_tenant,role,")
                .contains("user:rita,acme,operator,rita,")
                .contains("\"'=HYPERLINK(\"\"http://x\"\")\"")
                .doesNotContain(",=");
        assertThat(console.run("revoke", "rita")).as(console.err()).isZero();
    }

    @Test
    void cleansUpWhatHasEnded() {
        assertThat(console.run(
                        "grant",
                        "--subject",
                        "user:gone",
                        "--role",
                        "operator",
                        "--name",
                        "gone",
                        "--until",
                        "2026-01-01T00:00:00Z"))
                .as(console.err())
                .isZero();
        assertThat(console.run("access", "clean-up", "--dry-run", "--ended-for", "0s"))
                .isZero();
        assertThat(console.out()).contains("gone", "user:gone", "WOULD DELETE 1 binding");
        assertThat(console.run("access", "clean-up", "--ended-for", "0s")).isZero();
        assertThat(console.out()).contains("DELETED 1 binding  revision ");
        assertThat(console.run("access", "clean-up")).isZero();
        assertThat(console.out()).startsWith("NOTHING TO DELETE");
    }

    @Test
    void makesShowsSuspendsAndResumesTenants() {
        assertThat(console.run("tenant", "create", "newco", "--envs", "test,live", "--reason", "first"))
                .as(console.err())
                .isZero();
        assertThat(console.out()).startsWith("CREATED newco  recorded as entry 0");
        assertThat(console.run("tenant", "create", "newco")).isEqualTo(1);
        assertThat(console.run("tenant", "suspend", "newco")).isEqualTo(2);
        assertThat(console.run("tenant", "suspend", "newco", "--reason", "unpaid"))
                .isZero();
        assertThat(console.out()).startsWith("SUSPENDED newco  revision 2").contains("Confirmed by 1 node.");
        assertThat(console.run("tenant", "show", "newco")).isZero();
        assertThat(console.out()).contains("suspended", "user:admin", "unpaid", "test, live");
        assertThat(console.run("tenant", "resume", "newco", "--reason", "paid")).isZero();
        assertThat(console.out()).startsWith("RESUMED newco  revision 3");
        assertThat(console.run("tenant", "list")).isZero();
        assertThat(console.out()).contains("acme", "assize", "newco").contains("active");
        assertThat(console.run("tenant", "show", "nowhere")).isEqualTo(1);
        assertThat(console.err()).contains("nowhere").hasLineCount(1);
    }

    @Test
    void exportsATenantWholeAndDeletesItButForItsLedger(@TempDir Path directory) throws Exception {
        assertThat(console.run("tenant", "create", "oldco", "--reason", "first"))
                .isZero();
        assertThat(console.run("key", "create", "--tenant", "oldco", "--subject", "user:admin"))
                .as(console.err())
                .isZero();
        Path whole = directory.resolve("oldco");
        assertThat(console.run("tenant", "export", "oldco")).isEqualTo(2);
        assertThat(console.run("tenant", "export", "nowhere", "--dir", whole.toString()))
                .isEqualTo(1);
        assertThat(directory).isEmptyDirectory();
        assertThat(console.run("tenant", "export", "oldco", "--dir", whole.toString()))
                .as(console.err())
                .isZero();
        assertThat(console.out()).contains("EXPORTED  oldco to ", "1 document at revision 1, 3 entries, 1 key");
        assertThat(console.run("tenant", "export", "oldco", "--dir", whole.toString()))
                .isEqualTo(1);
        assertThat(whole.resolve("policy.yaml")).content().contains("kind: Tenant", "name: oldco");
        assertThat(whole.resolve("history.json")).content().contains("\"revision\" : 1", "first");
        assertThat(whole.resolve("keys.json")).content().contains("user:admin").doesNotContain("asz_");
        String ledger = whole.resolve("ledger.tar").toString();
        String verifiers = whole.resolve("verifiers").toString();
        assertThat(console.run("audit", "verify", ledger, "--vkeys", verifiers, "--tenant", "oldco"))
                .as(console.out() + console.err())
                .isZero();
        assertThat(console.run("policy", "replay", "--from", ledger, "--vkeys", verifiers, "--tenant", "oldco"))
                .isZero();
        assertThat(console.out()).startsWith("REBUILT  revision 1, 1 document");

        assertThat(console.run("tenant", "delete", "oldco", "--reason", "moved away"))
                .isEqualTo(1);
        assertThat(console.err()).contains("is not suspended", "TENANT_NOT_SUSPENDED");
        assertThat(console.run("tenant", "suspend", "oldco", "--reason", "unpaid"))
                .isZero();
        assertThat(console.run("tenant", "delete", "oldco", "--reason", "moved away"))
                .as(console.err())
                .isZero();
        assertThat(console.out()).contains("DELETED oldco  revision 3", "1 key ended", "in tenant assize as entry ");
        assertThat(console.run("tenant", "show", "oldco")).isZero();
        assertThat(console.out()).contains("removed");
        assertThat(console.run("tenant", "create", "oldco")).isEqualTo(1);
        Path rest = directory.resolve("rest");
        assertThat(console.run("tenant", "export", "oldco", "--dir", rest.toString()))
                .as(console.err())
                .isZero();
        assertThat(rest.resolve("policy.yaml")).isEmptyFile();
        assertThat(console.run("audit", "verify", "--tenant", "oldco")).isZero();
    }

    @Test
    void isReadyAndMeasured() throws Exception {
        try (HttpClient client = HttpClient.newHttpClient()) {
            console.run("check", "user:alice", "replay:1", "execute", "--env", "staging");
            assertThat(get(client, "/readyz"))
                    .isEqualTo("database: ok\n"
                            + "policy: ok\n"
                            + "clock: ok\n"
                            + "anchor: ok\n"
                            + "ledgers: ok\n"
                            + "stored policy: ok\n"
                            + "partitions: ok\n"
                            + "break-glass: ok\n"
                            + "grpc: ok\n");
            assertThat(get(client, "/metrics")).contains("assize_", "jvm_memory_used_bytes");
        }
    }

    @Test
    void aSecondServerOnTheSameDirectoryIsRefused() {
        assertThat(console.run("serve")).isEqualTo(1);
        assertThat(console.err()).contains("is in use by another server").hasLineCount(1);
    }

    @Test
    void aPortInUseIsNamed(@TempDir Path other) {
        String taken = server.grpcAddress().substring("127.0.0.1:".length());
        Console second = new Console(other, Map.of("ASSIZE_GRPC_PORT", taken));

        assertThat(second.run("serve")).isEqualTo(1);
        assertThat(second.err()).contains("cannot listen on 127.0.0.1:" + taken, "grpc.port");
    }

    @Test
    void aReadablePepperIsOneLineToo(@TempDir Path other) throws IOException {
        Files.createFile(
                other.resolve("pepper"),
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-r--r--")));

        Console second = new Console(other, Map.of());

        assertThat(second.run("serve")).isEqualTo(1);
        assertThat(second.err()).contains("pepper", "chmod 600").hasLineCount(1);
    }

    @Test
    void aMappingForEnvoyThatCannotBeReadIsNamed(@TempDir Path other) throws IOException {
        Path mapping = Files.writeString(other.resolve("mapping.yaml"), "tenant: shop\nsubject: []\n");
        Console second = new Console(other.resolve("home"), Map.of("ASSIZE_ENVOY_MAPPING_FILE", mapping.toString()));

        assertThat(second.run("serve")).isEqualTo(1);
        assertThat(second.err()).contains(mapping + ":2:1: subject").contains("subjects: missing");
        Files.delete(mapping);
        assertThat(second.run("serve")).isEqualTo(1);
        assertThat(second.err())
                .contains("envoy.mappingFile: cannot read " + mapping)
                .hasLineCount(1);
    }

    private String get(HttpClient client, String path) throws IOException, InterruptedException {
        return client.send(
                        HttpRequest.newBuilder(URI.create("http://" + server.operationsAddress() + path))
                                .build(),
                        HttpResponse.BodyHandlers.ofString())
                .body();
    }
}
