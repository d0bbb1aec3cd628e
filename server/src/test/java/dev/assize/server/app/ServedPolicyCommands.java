package dev.assize.server.app;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.assize.server.storage.DatabaseAccess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Policy from the command line: as it is, as it was, and rebuilt from the ledger. */
abstract class ServedPolicyCommands extends ServedCommands {

    ServedPolicyCommands(Served served) {
        super(served);
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
    void readsPolicyBack() throws IOException {
        assertThat(console.run("policy", "export")).isZero();
        Path exported = Files.writeString(home.resolve("exported.yaml"), console.out());
        assertThat(console.run("policy", "diff", exported.toString())).isZero();
        assertThat(console.out()).contains("3 unchanged");
        assertThat(console.run("policy", "history")).isZero();
        assertThat(console.out()).contains("user:admin", "first");
    }

    /** As a tenant of another name has the same policy, from one file a document, the last one first. */
    @Test
    void exportsTheSameBytesWhateverFilesAndOrderItCameFrom() throws IOException {
        assertThat(console.run("policy", "export")).isZero();
        String exported = console.out();
        String[] documents = exported.replace("acme", "mirror").split("(?m)^---\n", -1);
        Path directory = Files.createDirectories(home.resolve("mirrored"));
        for (int i = 1; i < documents.length; i++) {
            Files.writeString(directory.resolve(documents.length - i + ".yaml"), documents[i]);
        }
        assertThat(console.run("policy", "apply", "--dir", directory.toString()))
                .as(console.err())
                .isZero();

        assertThat(console.run("policy", "export", "--tenant", "mirror")).isZero();
        assertThat(console.out().replace("mirror", "acme")).isEqualTo(exported);
        assertThat(documents).hasSizeGreaterThan(3);
        assertThat(console.run("policy", "apply", "--dir", directory.toString(), "--dry-run", "--detailed-exitcode"))
                .as("nothing would change: %s", console.out())
                .isZero();
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
}
