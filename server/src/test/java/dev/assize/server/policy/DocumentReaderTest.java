package dev.assize.server.policy;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.model.Limits;
import dev.assize.server.policy.DocumentReader.ReadResult;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DocumentReaderTest {

    private static final String ROLE = """
            apiVersion: assize.dev/v1
            kind: Role
            metadata: {tenant: acme, name: viewer}
            spec:
              permissions:
                - {resources: [vault], actions: [read]}
            """;

    @Test
    void readsWhatIsOfItsForm() {
        ReadResult read = read("# nothing\n---\n" + ROLE + "---\n" + ROLE);
        assertThat(read.problems()).isEmpty();
        assertThat(read.documents()).hasSize(2);
        assertThat(read.documents().getLast().place()).hasToString("a.yaml:10");
    }

    @Test
    void takesADocumentOf256KiBAndRefusesOneByteMore() {
        String largest = ROLE + "#" + "x".repeat(Limits.DOCUMENT_BYTES - ROLE.length() - 2) + "\n";
        assertThat(largest).hasSize(Limits.DOCUMENT_BYTES);
        assertThat(read(largest).problems()).isEmpty();
        refuses(largest + "\n", "262145 bytes", "at most 262144 bytes");
    }

    @Test
    void looksAtNoSourceOfMoreThan4MiB() {
        refuses("#" + "x".repeat(10_000_000), "10000001 bytes", "at most " + YamlSource.MAX_BYTES + " bytes");
    }

    @Test
    void refusesABombOfAliases() {
        StringBuilder bomb = new StringBuilder("a: &a [x, x, x, x, x, x, x, x, x]\n");
        for (char c = 'b'; c <= 'j'; c++) {
            char before = (char) (c - 1);
            bomb.append(c)
                    .append(": &")
                    .append(c)
                    .append(" [")
                    .append(("*" + before + ", ").repeat(8))
                    .append("*")
                    .append(before)
                    .append("]\n");
        }
        ReadResult read = read(bomb.toString());
        assertThat(read.documents()).isEmpty();
        assertThat(read.problems()).isNotEmpty();
        assertThat(read.problems().getFirst().message()).contains("a.yaml:1");
    }

    @Test
    void refusesNestingWithoutEnd() {
        refuses("[".repeat(100_000), "deeper nesting", "at most " + YamlSource.MAX_DEPTH + " deep");
    }

    @ParameterizedTest
    @ValueSource(strings = {"kind: Rule", "kind: role", "kind: PolicyTest"})
    void refusesKindsThereAreNot(String kind) {
        refuses(ROLE.replace("kind: Role", kind), kind.substring(6), "`Role`");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"when: ''", "when: true", "wen: 'true'", "effect: permit", "obligations: []", "environments: []"
            })
    void overlooksNothingInAPermission(String field) {
        ReadResult read = read(ROLE.replace("actions: [read]", "actions: [read], " + field));
        assertThat(read.documents()).isEmpty();
        assertThat(read.problems()).singleElement().satisfies(problem -> {
            assertThat(problem.field()).startsWith("Role/viewer: spec.permissions[0].");
            assertThat(problem.place().line()).isEqualTo(6);
        });
    }

    @Test
    void refusesAKeyThatStandsTwice() {
        refuses(ROLE + "kind: Role\n", "kind", "each key once");
    }

    @Test
    void refusesWhatIsNotText() {
        refuses(ROLE + "# \u0007\n", "U+0007", "text without control characters");
        ReadResult read = DocumentReader.read("a.yaml", 1, (ROLE + "# \u00e9\n").getBytes(ISO_8859_1));
        assertThat(read.problems())
                .singleElement()
                .satisfies(problem -> assertThat(problem.value()).isEqualTo("byte 0xE9"));
    }

    @Test
    void refusesAScopeThatLimitsNothing() {
        refuses("""
                apiVersion: assize.dev/v1
                kind: RoleBinding
                metadata: {tenant: acme, name: b}
                spec: {subjects: ["user:a"], role: viewer, scope: {}}
                """, "", "at least one of");
    }

    @Test
    void tellsEverythingThatIsWrongAtOnce() {
        ReadResult read = read(ROLE.replace("vault", "Vault!").replace("read", "1st") + "---\n[\n---\n" + ROLE);
        assertThat(read.documents()).hasSize(1);
        assertThat(read.problems()).hasSize(3);
        assertThat(read.problems()).extracting(Problem::value).contains("Vault!", "1st");
    }

    private static void refuses(String yaml, String value, String expected) {
        ReadResult read = read(yaml);
        assertThat(read.documents()).isEmpty();
        List<Problem> problems = read.problems();
        assertThat(problems).isNotEmpty();
        assertThat(problems).anySatisfy(problem -> {
            assertThat(problem.value()).contains(value);
            assertThat(problem.expected()).contains(expected);
        });
    }

    private static ReadResult read(String yaml) {
        return DocumentReader.read("a.yaml", 1, yaml.getBytes(UTF_8));
    }
}
