package dev.assize.server.app;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.assize.client.ledger.ChainVerifier;
import dev.assize.server.testing.InMemory;
import dev.assize.server.testing.TestDatabase;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** Exports and proofs of a real server with its own PostgreSQL, and what a machine without it makes of them. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ServedProofsTest {

    private static final String POLICY = """
            apiVersion: assize.dev/v1
            kind: Tenant
            metadata: {name: acme}
            spec: {environments: [staging, production]}
            """;

    /** A tenant with its decisions on record. */
    private static final String RECORDED = """
            apiVersion: assize.dev/v1
            kind: Tenant
            metadata: {name: bank}
            spec: {environments: [default], audit: {decisionLog: all}}
            ---
            apiVersion: assize.dev/v1
            kind: Role
            metadata: {tenant: bank, name: clerk}
            spec:
              permissions:
                - resources: [order]
                  actions: [pay]
            ---
            apiVersion: assize.dev/v1
            kind: RoleBinding
            metadata: {tenant: bank, name: clerks}
            spec: {subjects: ["user:alice"], role: clerk}
            """;

    private final TestDatabase database = TestDatabase.migrated();
    private final Path home;
    private final Path files;
    private final Console console;
    private final Console elsewhere;
    private final AssizeServer server;

    ServedProofsTest(@TempDir(factory = InMemory.class) Path directory) throws IOException {
        home = directory.resolve("home");
        files = Files.createDirectory(directory.resolve("files"));
        Map<String, String> environment = new HashMap<>(database.environment());
        environment.put("ASSIZE_TENANT", "acme");
        console = new Console(home, environment);
        elsewhere = new Console(directory.resolve("another machine"), Map.of("ASSIZE_SERVER", "127.0.0.1:1"));
        server = AssizeServer.of(console.config());
    }

    @BeforeAll
    void start() throws IOException {
        server.start();
        Path file = Files.writeString(home.resolve("policy.yaml"), POLICY);
        ok("policy", "apply", file.toString(), "--reason", "first");
        for (int i = 0; i < 3; i++) {
            append("replay:" + i);
        }
    }

    @AfterAll
    void stop() {
        server.close();
        database.close();
    }

    @Test
    void aBundleIsVerifiedWithoutTheServer() throws Exception {
        String keys = keys();
        Path kept = files.resolve("kept");
        signed(kept);
        append("replay:later");
        Path bundle = files.resolve("acme.tar");
        exportSigned(bundle);

        assertThat(elsewhere.run("audit", "verify", bundle.toString(), "--vkeys", keys))
                .as(elsewhere.out())
                .isZero();
        assertThat(elsewhere.out()).startsWith("VALID  ").contains("/acme\n", "head   ");
        assertThat(elsewhere.run(
                        "audit", "verify", bundle.toString(), "--vkeys", keys, "--checkpoint", kept.toString()))
                .isZero();
        assertThat(elsewhere.out()).contains("continues the checkpoint in " + kept);

        assertThat(elsewhere.run("audit", "verify", bundle.toString())).isEqualTo(3);
        assertThat(elsewhere.out()).contains("NOT PROVEN", "rest on the keys in the bundle itself");
        assertThat(elsewhere.run("audit", "verify", bundle.toString(), "--trust-bundled-keys"))
                .isZero();
        assertThat(elsewhere.out()).contains("VALID", "rest on the keys in the bundle itself");
        assertThat(elsewhere.run("audit", "verify", bundle.toString(), "--vkeys", keys, "--tenant", "partner"))
                .isEqualTo(3);
        assertThat(elsewhere.run("audit", "verify", bundle.toString(), "--vkey", "nobody"))
                .isEqualTo(2);
        assertThat(elsewhere.run("audit", "verify", bundle.toString(), "--vkeys", keys, "--from", "1"))
                .isEqualTo(2);
        assertThat(elsewhere.run("audit", "verify", files.resolve("nothing").toString()))
                .isEqualTo(1);
    }

    @Test
    void aBundleIsVerifiedWithTheKeysOfBeforeAndAfterARotation() throws Exception {
        Path kept = files.resolve("kept before the rotation");
        signed(kept);
        String before = Files.readAllLines(Path.of(keys())).getFirst();
        ok("signing-key", "prepare");
        ok("signing-key", "activate");
        String after = console.out().strip();
        server.sign("acme");
        append("replay:after-the-rotation");
        Path bundle = files.resolve("rotated.tar");
        exportSigned(bundle);

        String[] verify = {"audit", "verify", bundle.toString(), "--checkpoint", kept.toString(), "--vkey", after};
        assertThat(elsewhere.run(verify)).as("without the old key").isEqualTo(3);
        assertThat(elsewhere.run("audit", "verify", bundle.toString(), "--vkey", before))
                .as("without the new key")
                .isEqualTo(3);
        assertThat(elsewhere.run(Stream.concat(Arrays.stream(verify), Stream.of("--vkey", before))
                        .toArray(String[]::new)))
                .as(elsewhere.out())
                .isZero();
        assertThat(elsewhere.run(
                        "audit", "verify", bundle.toString(), "--checkpoint", kept.toString(), "--vkeys", keys()))
                .isZero();
    }

    @Test
    void aPolicyIsRebuiltFromABundleWithoutTheServer() throws Exception {
        Path bundle = files.resolve("policy.tar");
        exportSigned(bundle);
        ok("policy", "history", "--output", "json");
        String digest = new ObjectMapper()
                .readTree(console.out())
                .at("/revisions/0/policyDigest")
                .asText();

        String[] replay = {"policy", "replay", "--from", bundle.toString()};
        assertThat(elsewhere.run(replay)).isEqualTo(2);
        assertThat(elsewhere.err()).contains("--vkeys");
        assertThat(elsewhere.run(with(replay, "--vkeys", keys())))
                .as(elsewhere.err() + elsewhere.out())
                .isZero();
        assertThat(elsewhere.out()).startsWith("REBUILT  revision 1, ").contains("policy " + digest);
        assertThat(elsewhere.run(with(replay, "--vkeys", keys(), "--revision", "7")))
                .isEqualTo(1);
        assertThat(elsewhere.run(with(replay, "--vkeys", keys(), "--tenant", "partner")))
                .isEqualTo(3);
        assertThat(elsewhere.run(with(replay, "--vkeys", keys(), "--whole"))).isEqualTo(2);
        assertThat(console.run("policy", "replay", "--vkeys", keys())).isEqualTo(2);
        String text = Files.readString(bundle, StandardCharsets.ISO_8859_1);
        Files.writeString(bundle, text.replace("user:alice", "user:malic"), StandardCharsets.ISO_8859_1);
        assertThat(elsewhere.run(with(replay, "--vkeys", keys()))).isEqualTo(3);
        assertThat(elsewhere.out()).startsWith("NOT AS RECORDED  first bad entry ");
    }

    private static String[] with(String[] command, String... more) {
        return Stream.concat(Arrays.stream(command), Arrays.stream(more)).toArray(String[]::new);
    }

    @Test
    void aByteThatWasChangedIsFoundWithItsEntry() throws Exception {
        Path bundle = files.resolve("changed.tar");
        exportSigned(bundle);
        String text = Files.readString(bundle, StandardCharsets.ISO_8859_1);
        Files.writeString(bundle, text.replace("replay:1", "replay:9"), StandardCharsets.ISO_8859_1);

        assertThat(elsewhere.run("audit", "verify", bundle.toString(), "--vkeys", keys(), "--output", "json"))
                .isEqualTo(3);
        JsonNode found = new ObjectMapper().readTree(elsewhere.out());
        assertThat(found.get("valid").asBoolean()).isFalse();
        assertThat(found.get("message").asText()).contains("another hash than its tile says");
        assertThat(found.get("firstBadSeq").asLong()).isPositive();
    }

    @Test
    void theProofOfAnEntryIsVerifiedWithoutTheServer() throws Exception {
        String keys = keys();
        Path proof = files.resolve("one.tlog-proof");
        ok("audit", "proof", "1", "--output", proof.toString(), "--vkeys", keys);

        assertThat(elsewhere.run("audit", "verify", proof.toString(), "--vkeys", keys))
                .as(elsewhere.out())
                .isZero();
        assertThat(elsewhere.out()).startsWith("VALID  entry 1 of ");
        assertThat(elsewhere.run("audit", "verify", proof.toString())).isEqualTo(2);
        assertThat(elsewhere.err()).contains("a proof brings no keys along");
        Files.writeString(proof, Files.readString(proof).replace("index 1", "index 2"));
        assertThat(elsewhere.run("audit", "verify", proof.toString(), "--vkeys", keys))
                .isEqualTo(3);
    }

    @Test
    void aDecisionIsOnRecordAndProvenWithoutTheServer() throws Exception {
        String keys = keys();
        Path policy = Files.writeString(files.resolve("bank.yaml"), RECORDED);
        ok("policy", "apply", policy.toString(), "--reason", "decisions on record");
        ok("check", "user:alice", "order:1", "pay", "--tenant", "bank", "--env", "default", "--output", "json");
        String id = new ObjectMapper().readTree(console.out()).get("decisionId").asText();
        assertThat(console.run("check", "user:bob", "order:1", "pay", "--tenant", "bank", "--env", "default"))
                .isEqualTo(3);

        ok("audit", "decisions", "--tenant", "bank", "--output", "json");
        JsonNode found = new ObjectMapper().readTree(console.out()).get("decisions");
        assertThat(found).hasSize(2);
        assertThat(found.get(1).get("decisionId").asText()).isEqualTo(id);
        assertThat(found.get(1).get("binding").asText()).isEqualTo("clerks");
        ok("audit", "decisions", "--tenant", "bank", "--decision", "deny");
        assertThat(console.out()).contains("user:bob", "NO_GRANT").doesNotContain("user:alice");
        assertThat(console.run("audit", "decisions", "--tenant", "bank", "--reason", "SOMETHING"))
                .isEqualTo(2);

        Path proposed = Files.writeString(
                files.resolve("proposed.yaml"),
                RECORDED.substring(RECORDED.lastIndexOf("---") + 4).replace("user:alice", "user:bob"));
        ok("policy", "diff", proposed.toString(), "--against-ledger", "7d");
        assertThat(console.out())
                .contains("tenant bank, on record since ", "of 2 decisions 2 would be another", "DENY NO_GRANT", id)
                .contains("no longer clerks, clerk permissions[0]");
        ok("policy", "apply", proposed.toString(), "--dry-run", "--against-ledger", "12h", "--output", "json");
        JsonNode against = new ObjectMapper().readTree(console.out()).at("/againstLedger/0");
        assertThat(against.get("decisions").asInt()).isEqualTo(2);
        assertThat(against.get("complete").asBoolean()).isTrue();
        assertThat(against.get("moved").asInt()).isZero();
        assertThat(against.at("/flips").findValuesAsText("subject"))
                .containsExactlyInAnyOrder("user:alice", "user:bob");
        assertThat(console.run("policy", "apply", proposed.toString(), "--against-ledger", "12h"))
                .isEqualTo(2);
        assertThat(console.run("policy", "diff", proposed.toString(), "--against-ledger", "forever"))
                .isEqualTo(2);
        assertThat(console.run("policy", "diff", proposed.toString(), "--against-ledger", "32d"))
                .isEqualTo(2);
        assertThat(console.err()).contains("at most 31 days");

        Path proof = files.resolve("alice.decision-proof");
        ok("audit", "decision", id, "--tenant", "bank", "--vkeys", keys, "--output", proof.toString());
        assertThat(console.out()).startsWith("PROVEN  decision " + id).contains("user:alice", "ALLOW");
        assertThat(elsewhere.run("audit", "verify", proof.toString(), "--vkeys", keys))
                .as(elsewhere.out() + elsewhere.err())
                .isZero();
        assertThat(elsewhere.out())
                .startsWith("VALID  decision " + id)
                .contains("/bank")
                .doesNotContain("user:bob");
        assertThat(elsewhere.run("audit", "verify", proof.toString(), "--vkeys", keys, "--tenant", "acme"))
                .isEqualTo(3);
        Files.writeString(proof, Files.readString(proof).replace("place 0 1", "place 1 2"));
        assertThat(elsewhere.run("audit", "verify", proof.toString(), "--vkeys", keys))
                .isEqualTo(3);
        assertThat(console.run("audit", "decision", "0123", "--tenant", "bank")).isEqualTo(1);

        ok("audit", "verify", "--tenant", "bank");
        Path bundle = files.resolve("bank.tar");
        ok("audit", "export", "--format", "bundle", "--output", bundle.toString(), "--tenant", "bank");
        assertThat(elsewhere.run("audit", "verify", bundle.toString(), "--vkeys", keys))
                .as(elsewhere.out())
                .isZero();
        String text = Files.readString(bundle, StandardCharsets.ISO_8859_1);
        int record = text.indexOf(id);
        Files.writeString(
                bundle, text.substring(0, record) + "0" + text.substring(record + 1), StandardCharsets.ISO_8859_1);
        assertThat(elsewhere.run("audit", "verify", bundle.toString(), "--vkeys", keys))
                .isEqualTo(id.startsWith("0") ? 0 : 3);
    }

    @Test
    void aCheckpointIsPrintedKeptAndContinued() throws Exception {
        String keys = keys();
        Path kept = files.resolve("checkpoint");
        signed(kept);
        ok("audit", "checkpoint", "--vkeys", keys, "--continues", kept.toString());
        assertThat(console.out()).startsWith(Files.readAllLines(kept).getFirst());
        ok("audit", "checkpoint", "--vkeys", keys, "--meta");
        assertThat(console.out()).contains("/~meta/");
        assertThat(console.run("audit", "checkpoint", "--output", kept.toString()))
                .isEqualTo(1);
        assertThat(console.err()).contains("exists already", "--force");
        ok("audit", "checkpoint", "--output", kept.toString(), "--force");
        assertThat(console.out())
                .isEqualToIgnoringNewLines("KEPT  " + Files.readAllLines(kept).getFirst() + ", in " + kept);
        assertThat(console.run("audit", "checkpoint", "--tenant", "assize", "--continues", kept.toString()))
                .isEqualTo(3);
    }

    @Test
    void exportsLinesOfJson() throws Exception {
        Path file = files.resolve("acme.jsonl");
        ok("audit", "export", "--format", "jsonl", "--output", file.toString());
        List<String> lines = Files.readAllLines(file);
        assertThat(lines.size()).isGreaterThanOrEqualTo(4);
        for (int seq = 0; seq < lines.size(); seq++) {
            JsonNode entry = new ObjectMapper().readTree(lines.get(seq));
            byte[] frame = Base64.getDecoder().decode(entry.get("frame").asText());
            assertThat(entry.get("seq").asLong()).isEqualTo(seq);
            assertThat(entry.get("entry_hash").asText())
                    .isEqualTo(HexFormat.of().formatHex(ChainVerifier.entryHash(frame)));
        }
    }

    @Test
    void exportsWhatFits() throws Exception {
        Path file = files.resolve("one.csv");
        ok("audit", "export", "--format", "csv", "--output", file.toString(), "--resource", "replay:1");
        assertThat(console.out()).startsWith("EXPORTED  1 entry to ");
        assertThat(Files.readAllLines(file)).hasSize(2).last().asString().contains("replay:1,staging,SUCCESS");
    }

    @Test
    void leavesNothingHalfWrittenAndReplacesNothing() throws Exception {
        Path file = files.resolve("kept.csv");
        Files.writeString(file, "mine");
        assertThat(console.run("audit", "export", "--format", "csv", "--output", file.toString()))
                .isEqualTo(1);
        assertThat(file).hasContent("mine");
        Path missing = files.resolve("missing.csv");
        assertThat(console.run(
                        "audit", "export", "--format", "csv", "--output", missing.toString(), "--resource", "no path"))
                .isEqualTo(2);
        assertThat(missing).doesNotExist();
        try (Stream<Path> left = Files.list(files)) {
            assertThat(left.map(Path::getFileName).map(Path::toString)).noneMatch(it -> it.endsWith(".part"));
        }
        assertThat(console.run(
                        "audit", "export", "--format", "bundle", "--output", missing.toString(), "--actor", "user:a"))
                .isEqualTo(2);
        assertThat(console.run("audit", "export", "--format", "xml", "--output", missing.toString()))
                .isEqualTo(2);
        assertThat(console.err()).contains("csv, jsonl or bundle");
    }

    @Test
    void aLedgerThatHasLostNothingBeginsNoIncarnation() {
        assertThat(console.run("audit", "incarnation", "--reason", "to try it")).isEqualTo(1);
        assertThat(console.err()).contains("for good", "has lost nothing");
    }

    private void append(String resource) {
        ok(
                "audit",
                "append",
                "--type",
                "replay.executed",
                "--action",
                "execute",
                "--resource",
                resource,
                "--actor",
                "user:alice",
                "--env",
                "staging");
    }

    /** A bundle with everything that was appended, and is signed. */
    private void exportSigned(Path bundle) throws Exception {
        signed(files.resolve("any"));
        ok("audit", "export", "--format", "bundle", "--output", bundle.toString());
        assertThat(console.out()).startsWith("EXPORTED  ").endsWith(" to " + bundle + "\n");
    }

    /** Signs all that was appended, and keeps the checkpoint. */
    private void signed(Path kept) throws Exception {
        server.sign("acme");
        Files.deleteIfExists(kept);
        ok("audit", "checkpoint", "--output", kept.toString());
    }

    /** The keys that sign, got over another way. */
    private String keys() throws Exception {
        return home.resolve("signing-keys").resolve("verifiers").toString();
    }

    private void ok(String... command) {
        assertThat(console.run(command)).as(() -> console.err() + console.out()).isZero();
    }
}
