package dev.assize.server.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import dev.assize.proto.v1.ExportPolicyResponse;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The commands on files of policy, against a server that gives prepared answers. */
class PolicyFileCommandsTest extends CommandsFixture {

    @Test
    void schemaKnowsNoOtherKinds() {
        misused("KIND `Rule`: expected one of `Tenant`, `ResourceType`, `Role`,", "policy", "schema", "Rule");
    }

    @Test
    void schemaPrintsThatOfAllKindsOrOfOne() throws IOException {
        environment.clear();
        assertThat(run("policy", "schema")).isZero();
        assertThat(json().at("/definitions/Role/description").textValue())
                .isEqualTo("A role: what those may do who hold it.");
        assertThat(json().at("/properties/kind/enum")).hasSize(10);

        assertThat(run("policy", "schema", "Group")).isZero();
        assertThat(json().at("/properties/kind/const").textValue()).isEqualTo("Group");
        assertThat(json().at("/definitions/Role").isMissingNode()).isTrue();
    }

    @Test
    void fmtLeavesAFileInWhichSomethingIsWrongAsItIs() throws IOException {
        Path bad = Files.writeString(home.resolve("bad.yaml"), GROUP + "---\nkind: Role\n");
        Path good = Files.writeString(home.resolve("good.yaml"), GROUP);

        assertThat(run("policy", "fmt", bad.toString(), good.toString())).isOne();

        assertThat(bad).hasContent(GROUP + "---\nkind: Role\n");
        assertThat(err.toString()).contains("bad.yaml:7:");
        assertThat(out.toString().strip()).isEqualTo(good.toString());
        assertThat(run("policy", "fmt", "--check", bad.toString(), good.toString()))
                .isOne();
    }

    @Test
    void fmtChecksWithoutWritingThenWritesOnce() throws IOException {
        Path dir = home.resolve("pack");
        Files.createDirectories(dir.resolve("tests"));
        Path file = Files.writeString(dir.resolve("a.yaml"), "# ours\n" + GROUP + "---\n" + GROUP.replace("noc", "a"));
        Files.writeString(dir.resolve("tests/a.yaml"), "a:   test\n");
        String before = Files.readString(file);

        assertThat(run("policy", "fmt", "--check", dir.toString())).isEqualTo(3);
        assertThat(out.toString().strip()).isEqualTo(file.toString());
        assertThat(Files.readString(file)).isEqualTo(before);

        assertThat(run("policy", "fmt", dir.toString())).isZero();
        String laid = """
                ---
                apiVersion: assize.dev/v1
                kind: Group
                metadata:
                  tenant: acme
                  name: noc
                spec:
                  members:
                  - user:alice # on call
                """;
        assertThat(Files.readString(file)).isEqualTo("# ours\n" + laid + laid.replace("noc", "a"));

        assertThat(run("policy", "fmt", "--check", dir.toString())).isZero();
        assertThat(out.toString()).isEmpty();
        assertThat(dir.toFile().list()).containsExactlyInAnyOrder("a.yaml", "tests");
    }

    @Test
    void exportPrintsAMultiDocumentStream() {
        server.export = List.of(
                ExportPolicyResponse.newBuilder()
                        .setYaml(ByteString.copyFromUtf8("kind: Role\n"))
                        .build(),
                ExportPolicyResponse.newBuilder()
                        .setYaml(ByteString.copyFromUtf8("kind: Group\n"))
                        .build());

        assertThat(run("policy", "export")).isZero();
        assertThat(out.toString())
                .isEqualTo("---\nkind: Role\n---\nkind: Group\n".replace("\n", System.lineSeparator()));
    }
}
