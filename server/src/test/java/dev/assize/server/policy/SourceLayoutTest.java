package dev.assize.server.policy;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.policy.SourceLayout.Laid;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Sources in the one layout, comments included. */
class SourceLayoutTest {

    @Test
    void refusesWhatIsNoDocument() {
        Laid laid = SourceLayout.of("a.yaml", 7, bytes("kind: Role\nspec: 1\n"));

        assertThat(laid.text()).isEmpty();
        assertThat(laid.problems())
                .isNotEmpty()
                .allSatisfy(it -> assertThat(it.place().file()).isEqualTo("a.yaml"));
    }

    @Test
    void refusesTwoDocumentsWithoutAMarkerBetweenThem() {
        String role = "apiVersion: assize.dev/v1\nkind: Role\nmetadata: {name: a}\nspec: {inherits: [b]}\n";

        assertThat(SourceLayout.of("a.yaml", 1, bytes(role + "...\n" + role.replace("name: a", "name: c")))
                        .problems())
                .singleElement()
                .satisfies(it -> assertThat(it.message()).startsWith("a.yaml:6:1: source: "));
    }

    @Test
    void writesFieldsInTheirOrderAndLeavesDefaultsOut() {
        assertThat(laid("""
                kind:   Role
                apiVersion: "assize.dev/v1"

                spec:
                    permissions: [{actions: [read], resources: ['host', "*"], environments: ["*"]}]
                metadata: {name: viewer, tenant: acme}
                """)).isEqualTo("""
                ---
                apiVersion: assize.dev/v1
                kind: Role
                metadata:
                  tenant: acme
                  name: viewer
                spec:
                  permissions:
                  - effect: allow
                    resources:
                    - "*"
                    actions:
                    - read
                """);
    }

    @Test
    void keepsCommentsWithWhatTheyStandBeside() {
        String laid = laid("""
                # Who may look.

                # Second paragraph.
                kind: Role # of the platform
                apiVersion: assize.dev/v1
                metadata: {name: viewer} # no tenant
                spec:
                  permissions:
                    # hosts only
                    - resources: [host] # no others
                      # "*" would be too much
                      actions: [write, # rarely
                                read]
                      when: |
                        # no comment
                        subject.id == "a"
                    - effect: deny
                      environments: ["*"] # default
                      actions: [erase]
                      resources:
                        # one
                        - host
                # the end
                """);

        assertThat(laid).isEqualTo("""
                # Who may look.

                # Second paragraph.
                ---
                apiVersion: assize.dev/v1
                kind: Role # of the platform
                metadata: # no tenant
                  name: viewer
                spec:
                  permissions:
                  # hosts only
                  - effect: allow
                    resources: # no others
                    - host
                    # "*" would be too much
                    actions: # rarely
                    - write
                    - read
                    when: "# no comment\\nsubject.id == \\"a\\"\\n"
                  - effect: deny # default
                    resources:
                    # one
                    - host
                    actions:
                    - erase
                # the end
                """);
    }

    @Test
    void keepsWhatHasCommentsOnly() {
        assertThat(laid("# licence\n\n\n#  more  \n\n")).isEqualTo("# licence\n\n#  more\n");
        assertThat(laid("---\n# nothing here\n")).isEqualTo("---\n# nothing here\n");
        assertThat(laid("---\n\n")).isEmpty();
    }

    @Test
    void readsLinesThatEndAsOnWindowsAndAByteOrderMark() {
        assertThat(laid("\uFEFF# head\r\nkind: Group # g\r\napiVersion: assize.dev/v1\r\n"
                        + "metadata: {name: noc, tenant: acme}\r\nspec: {members: [user:a]}\r\n...\r\n# end\r\n"))
                .isEqualTo("# head\n---\napiVersion: assize.dev/v1\nkind: Group # g\nmetadata:\n  tenant: acme\n"
                        + "  name: noc\nspec:\n  members:\n  - user:a\n# end\n");
    }

    @Test
    void layingOutTwiceChangesNothingMoreNorWhatADocumentSays() throws IOException {
        try (Stream<Path> files = Files.walk(Path.of("src/main/resources"))) {
            for (Path file : files.filter(it -> it.toString().endsWith(".yaml"))
                    .filter(it -> !it.toString().contains("/tests/"))
                    .toList()) {
                for (String source : Files.readString(file).split("(?m)^(?=---)", -1)) {
                    requireStable(source);
                }
            }
        }
    }

    @Test
    void whatTheWriterWritesStaysAsItIs() {
        RandomDocuments documents = new RandomDocuments(23);
        for (int i = 0; i < 300; i++) {
            String exported = "---\n" + DocumentText.write(documents.next());
            assertThat(laid(exported)).isEqualTo(exported);
        }
    }

    @Test
    void losesNoCommentWhereverOneStands() {
        RandomDocuments documents = new RandomDocuments(29);
        for (int i = 0; i < 150; i++) {
            List<String> lines = DocumentText.write(documents.next()).lines().toList();
            StringBuilder source = new StringBuilder();
            for (int line = 0; line < lines.size(); line++) {
                String text = lines.get(line);
                String indent = " ".repeat(text.length() - text.stripLeading().length());
                source.append(indent).append("# before ").append(line).append('\n');
                source.append(text).append(" # beside ").append(line).append('\n');
            }
            String laid = requireStable(source + "# after\n");
            assertThat(laid.lines().filter(line -> line.contains("# before "))).hasSize(lines.size());
            assertThat(laid.lines().filter(line -> line.contains("# beside "))).hasSize(lines.size());
            assertThat(laid).endsWith("# after\n");
        }
    }

    private static String requireStable(String source) {
        String laid = laid(source);
        StringBuilder again = new StringBuilder();
        for (String piece : laid.split("(?m)^(?=---)", -1)) {
            again.append(laid(piece));
        }
        assertThat(again).hasToString(laid);
        assertThat(texts(laid)).isEqualTo(texts(source));
        return laid;
    }

    private static List<String> texts(String yaml) {
        return DocumentReader.read("", 1, bytes(yaml)).documents().stream()
                .map(DocumentText::write)
                .toList();
    }

    private static String laid(String source) {
        Laid laid = SourceLayout.of("a.yaml", 1, bytes(source));
        assertThat(laid.problems()).isEmpty();
        return laid.text();
    }

    private static byte[] bytes(String text) {
        return text.getBytes(UTF_8);
    }
}
