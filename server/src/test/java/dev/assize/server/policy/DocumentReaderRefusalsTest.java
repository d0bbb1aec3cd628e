package dev.assize.server.policy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import dev.assize.server.policy.DocumentReader.ReadResult;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What the reader refuses, field by field and byte by byte. */
class DocumentReaderRefusalsTest {

    private static final int DOCUMENT_BYTES = 256 * 1_024;
    private static final String GROUP = """
            apiVersion: assize.dev/v1
            kind: Group
            metadata: {tenant: acme, name: noc}
            spec: {members: ["user:olga"]}
            """;

    @Test
    void refusesTenMegabytesAtOnce() {
        byte[] yaml = "- a\n".repeat(10 * 1_024 * 1_024 / 4).getBytes(StandardCharsets.UTF_8);

        List<String> problems = assertTimeoutPreemptively(Duration.ofSeconds(2), () -> messages(yaml));

        assertThat(problems).containsExactly("p.yaml:1:1: source: `10485760 bytes`: expected at most 4194304 bytes");
    }

    @Test
    void refusesFourMegabytesInOneDocumentAtOnce() {
        byte[] yaml = "[".repeat(4 * 1_024 * 1_024).getBytes(StandardCharsets.UTF_8);

        List<String> problems = assertTimeoutPreemptively(Duration.ofSeconds(2), () -> messages(yaml));

        assertThat(problems)
                .containsExactly("p.yaml:1:1: source: `4194304 bytes`: expected a document of at most 262144 bytes");
    }

    @Test
    void readsTwoHundredAndFiftySixKilobytesAndNotOneByteMore() {
        String exact = GROUP + "#".repeat(DOCUMENT_BYTES - GROUP.length());

        assertThat(read(exact).documents()).hasSize(1);
        assertThat(messages(exact + "#")).singleElement().asString().contains("262145 bytes");
        assertThat(read(exact.substring(0, DOCUMENT_BYTES - 1) + "\n---\n" + GROUP.replace("noc", "b"))
                        .documents())
                .as("each document by itself")
                .hasSize(2);
    }

    @Test
    void countsBytesAndNotCharacters() {
        String half = GROUP + "#" + "é".repeat((DOCUMENT_BYTES - GROUP.length()) / 2);

        assertThat(messages(half + "é")).singleElement().asString().contains("at most 262144 bytes");
    }

    @Test
    void refusesABombOfAliases() {
        StringBuilder bomb = new StringBuilder("a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n");
        for (int i = 1; i < 40; i++) {
            String alias = "*a" + (i - 1);
            bomb.append("a" + i + ": &a" + i + " [" + String.join(", ", List.of(alias, alias, alias, alias)) + "]\n");
        }

        List<String> problems = assertTimeoutPreemptively(Duration.ofSeconds(2), () -> messages(bomb.toString()));

        assertThat(problems)
                .contains(
                        "p.yaml:1:5: source: `&a0`: expected values without anchors: aliases are refused",
                        "p.yaml:2:10: source: `*a0`: expected values written out: aliases are refused");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            {members: [!!str "user:olga"]}      | tag:yaml.org,2002:str
            {members: !mine ["user:olga"]}      | !mine
            {members: [&a "user:olga"]}         | &a
            {? [complex] : x, members: ["a:b"]} | a string as the key
            {members: ["user:olga"], 7: x}      | a string as the key
            {members: ["user:olga"], ~: x}      | a string as the key
            """)
    void refusesWhatPolicyHasNoUseFor(String spec, String part) {
        assertThat(messages(GROUP.replace("{members: [\"user:olga\"]}", spec)))
                .anySatisfy(
                        problem -> assertThat(problem).startsWith("p.yaml:4:").contains(part));
        assertThat(read(GROUP.replace("{members: [\"user:olga\"]}", spec)).documents())
                .isEmpty();
    }

    @Test
    void refusesSeventeenListsInOneAnotherAndReadsSixteen() {
        assertThat(messages("[".repeat(17) + "]".repeat(17)))
                .singleElement()
                .asString()
                .contains("deeper nesting", "at most 16 deep");
        assertThat(messages("[".repeat(16) + "]".repeat(16)))
                .singleElement()
                .asString()
                .doesNotContain("nesting");
        assertThat(assertTimeoutPreemptively(Duration.ofSeconds(5), () -> messages("[".repeat(200_000))))
                .singleElement()
                .asString()
                .contains("deeper nesting");
    }

    @Test
    void refusesBytesThatAreNotUtf8AndSaysWhere() {
        byte[] yaml = GROUP.replace("olga", "ol?a").getBytes(StandardCharsets.UTF_8);
        yaml[GROUP.indexOf("olga") + 2] = (byte) 0xE9;

        assertThat(messages(yaml)).containsExactly("p.yaml:4:26: source: `byte 0xE9`: expected UTF-8");
    }

    @Test
    void refusesBytesOfASurrogateAndOverlongForms() {
        for (int[] bytes :
                List.of(new int[] {0xED, 0xA0, 0x80}, new int[] {0xC0, 0xAF}, new int[] {0xF4, 0x90, 0x80, 0x80})) {
            byte[] yaml = new byte[bytes.length + 2];
            yaml[0] = '#';
            for (int i = 0; i < bytes.length; i++) {
                yaml[i + 1] = (byte) bytes[i];
            }

            assertThat(messages(yaml)).singleElement().asString().contains("UTF-8");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"\\u200B", "\\u202E", "\\uFFFF", "\\uD800", "\\0", "\\n", "\\u0085"})
    void refusesForbiddenCharactersThatComeAsEscapes(String escape) {
        assertThat(messages(GROUP.replace("olga", "ol" + escape + "ga"))).hasSize(1);
    }

    @ParameterizedTest
    @ValueSource(strings = {"\u0000", "\u0007", "\u001B", "\u007F", "\u0085", "\uFEFF"})
    void refusesControlCharactersInTheSource(String character) {
        assertThat(messages(GROUP.replace("olga", "ol" + character + "ga")))
                .singleElement()
                .asString()
                .startsWith("p.yaml:4:")
                .contains("text without control characters");
    }

    @Test
    void refusesKeysGivenTwice() {
        assertThat(messages("""
                        apiVersion: assize.dev/v1
                        kind: Group
                        kind: Group
                        metadata: {tenant: acme, name: noc, labels: {a: x, a: y}}
                        spec:
                          members: ["user:olga"]
                          members: ["user:mallory"]
                        """))
                .containsExactlyInAnyOrder(
                        "p.yaml:3:1: Group/noc: kind: `kind`: expected each key once, and line 2 has it already",
                        "p.yaml:4:52: Group/noc: metadata.labels.a: `a`: expected each key once, and line 4 has it"
                                + " already",
                        "p.yaml:7:3: Group/noc: spec.members: `members`: expected each key once, and line 6 has it"
                                + " already");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            Tenant       | environments: []                                                   | environments
            ResourceType | actions: []                                                        | actions
            ResourceType | {actions: [a], implies: {a: []}}                                   | implies.a
            Role         | {inherits: []}                                                     | inherits
            Role         | {permissions: []}                                                  | permissions
            Role         | {permissions: [{resources: [], actions: [a]}]}                     | permissions[0].resources
            Role         | {permissions: [{resources: [x], actions: []}]}                     | permissions[0].actions
            Role         | {permissions: [{resources: [x], actions: [a], environments: []}]}   | permissions[0].environments
            Role         | {permissions: [{resources: [x], actions: [a], obligations: []}]}    | permissions[0].obligations
            Group        | {members: []}                                                      | members
            RoleBinding  | {subjects: [], role: r}                                            | subjects
            RoleBinding  | {subjects: ["user:a"], role: r, scope: {environments: []}}         | scope.environments
            RoleBinding  | {subjects: ["user:a"], role: r, scope: {resourceTypes: []}}        | scope.resourceTypes
            RoleBinding  | {subjects: ["user:a"], role: r, scope: {resources: []}}            | scope.resources
            """)
    void refusesEmptyLists(String kind, String spec, String field) {
        assertThat(messages(document(kind, spec)))
                .singleElement()
                .asString()
                .contains(kind + "/n: spec." + field + ": `[]`: expected a list with at least one entry");
    }

    @Test
    void refusesAnEmptyScopeWhichWouldBeTheWidest() {
        assertThat(messages(document("RoleBinding", "{subjects: [\"user:a\"], role: r, scope: {}}")))
                .singleElement()
                .asString()
                .contains("spec.scope: `{}`");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            Tenant       | {environments: [a], envs: [b]}                               | envs
            ResourceType | {actions: [a], verbs: [b]}                                   | verbs
            Role         | {inherits: [a], permission: []}                              | permission
            Role         | {permissions: [{resources: [x], actions: [a], action: b}]}   | permissions[0].action
            Group        | {members: ["user:a"], Members: ["user:b"]}                   | Members
            RoleBinding  | {subjects: ["user:a"], role: r, notafter: x}                 | notafter
            RoleBinding  | {subjects: ["user:a"], role: r, scope: {resource: ["a:b"]}}  | scope.resource
            """)
    void refusesUnknownFields(String kind, String spec, String field) {
        assertThat(messages(document(kind, spec)))
                .anySatisfy(problem ->
                        assertThat(problem).contains(kind + "/n: spec." + field + ":", "expected one of the fields `"));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            Tenant       | {environments: [a], audit: {}}                                       | audit
            Tenant       | {environments: [a], limits: {}}                                      | limits
            Tenant       | {environments: [a], plan: x}                                         | plan
            Tenant       | {environments: [a], changeApprovals: 1}                              | changeApprovals
            Tenant       | {environments: [a], subjectAttributes: {}}                           | subjectAttributes
            ResourceType | {actions: [a], attributes: {}}                                       | attributes
            Role         | {permissions: [{resources: [x], actions: [a], when: "true"}]}        | permissions[0].when
            RoleBinding  | {subjects: ["user:a"], role: r, when: "true"}                        | when
            """)
    void refusesWhatIsNotSupportedYetInsteadOfIgnoringIt(String kind, String spec, String field) {
        assertThat(messages(document(kind, spec)))
                .singleElement()
                .asString()
                .contains(kind + "/n: spec." + field + ":", "this version does not support it yet");
    }

    @ParameterizedTest
    @ValueSource(strings = {"Subject", "Resource", "SeparationOfDuty", "ApprovalRule", "Freeze"})
    void refusesKindsThatAreNotSupportedYet(String kind) {
        assertThat(messages(document(kind, "{}")))
                .singleElement()
                .asString()
                .contains("this version does not support `" + kind + "` yet");
    }

    @Test
    void refusesWhatIsOnlyASpellingAway() {
        assertThat(messages(document("role", "{inherits: [a]}")))
                .singleElement()
                .asString()
                .contains("`role`: expected one of `Tenant`, `ResourceType`, `Role`");
        assertThat(messages(document("Role", "{inherits: [a]}").replace("/v1", "/v2")))
                .singleElement()
                .asString()
                .contains("`assize.dev/v2`: expected `assize.dev/v1`");
    }

    @ParameterizedTest
    @ValueSource(strings = {"1", "1.5", "true", "0x1F"})
    void takesNothingButStringsForNames(String name) {
        assertThat(messages(document("Group", "{members: [\"user:a\"]}").replace("name: n", "name: " + name)))
                .anySatisfy(problem -> assertThat(problem)
                        .contains("metadata.name: `" + name + "`: expected a string: put it in quotes"));
        assertThat(read(document("Group", "{members: [\"user:a\"]}").replace("name: n", "name: \"" + name + "\""))
                        .problems())
                .isEmpty();
    }

    @Test
    void doesNotLetOneBrokenDocumentHideAnother() {
        ReadResult read = read(GROUP + "---\n{{\n---\n" + document("Group", "{members: []}"));

        assertThat(read.documents()).hasSize(1);
        assertThat(read.problems()).hasSize(2);
        assertThat(read.problems().getLast().place().line()).isEqualTo(14);
    }

    @Test
    void refusesANameGivenTwiceInAChange() {
        ReadResult read = read(GROUP + "---\n" + GROUP);

        assertThat(DocumentReader.findRepeated(read.documents()))
                .singleElement()
                .asString()
                .contains("p.yaml:6", "Group/noc: metadata.name: `noc`", "p.yaml:1 has it already");
    }

    @Test
    void readsNothingFromNothing() {
        for (String empty : List.of("", "\n", "---\n", "# only words\n", "---\n---\n", "\uFEFF")) {
            assertThat(read(empty)).isEqualTo(new ReadResult(List.of(), List.of()));
        }
    }

    private static String document(String kind, String spec) {
        String tenant = kind.equals("Tenant") ? "" : "  tenant: acme\n";
        return "apiVersion: assize.dev/v1\nkind: " + kind + "\nmetadata:\n" + tenant + "  name: n\nspec:\n  " + spec
                + "\n";
    }

    private static List<String> messages(String yaml) {
        return messages(yaml.getBytes(StandardCharsets.UTF_8));
    }

    private static List<String> messages(byte[] yaml) {
        ReadResult read = DocumentReader.read("p.yaml", 1, yaml);
        assertThat(read.documents()).isEmpty();
        return read.problems().stream().map(Problem::message).toList();
    }

    private static ReadResult read(String yaml) {
        return DocumentReader.read("p.yaml", 1, yaml.getBytes(StandardCharsets.UTF_8));
    }
}
