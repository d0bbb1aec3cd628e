package dev.assize.server.cli.policytest;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Reason;
import dev.assize.server.model.Revision;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.DocumentReader;
import dev.assize.server.policy.DocumentReader.ReadResult;
import dev.assize.server.policy.DocumentText;
import dev.assize.server.policy.FieldPlaces;
import dev.assize.server.policy.Kind;
import dev.assize.server.policy.PolicyDigest;
import dev.assize.server.policy.PolicySet;
import dev.assize.server.policy.PolicyValidator;
import dev.assize.server.policy.Problem;
import dev.assize.server.policy.Problems;
import dev.assize.server.policy.YamlSource;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The policy reference says what the code does. */
class PolicyReferencePageTest {

    private static final Path PAGE = Path.of("..", "docs", "policy-reference.md");
    private static final Pattern BLOCK = Pattern.compile("```([a-z ]+)\n(.*?)```", Pattern.DOTALL);
    private static final String FILE = "policy.yaml";

    @Test
    void everyRefusedExampleGivesExactlyTheMessagesBelowIt() throws IOException {
        List<Block> blocks = blocks();
        int refused = 0;
        for (int i = 0; i < blocks.size(); i++) {
            if (blocks.get(i).language.equals("yaml refused")) {
                assertThat(messages(blocks.get(i).text)).containsExactlyElementsOf(lines(blocks.get(i + 1)));
                refused++;
            }
        }
        assertThat(refused).isGreaterThanOrEqualTo(4);
    }

    @Test
    void theOtherExamplesAreOneValidPolicyOfEveryKind() throws IOException {
        ReadResult read = read(policy());

        assertThat(messages(policy())).isEmpty();
        assertThat(read.documents()).extracting(Document::kind).contains(Kind.values());
        assertThat(read.documents())
                .allSatisfy(document -> assertThat(
                                read(DocumentText.write(document)).problems())
                        .isEmpty());
    }

    @Test
    void theExampleSuitePassesOnThem(@TempDir Path directory) throws IOException {
        Files.writeString(directory.resolve(FILE), policy());
        Files.createDirectories(directory.resolve("tests"));
        Files.writeString(directory.resolve("tests/suite.yaml"), only("yaml suite"));
        StringWriter out = new StringWriter();

        PolicyTestResult result = PolicyTests.run(directory, new PrintWriter(out), null);

        assertThat(result.isSuccess()).as(out.toString()).isTrue();
        assertThat(result.passed()).isEqualTo(18);
    }

    @Test
    void givesTheDigestOfACanonicalExample() throws IOException {
        String yaml = only("yaml canonical");
        List<Document> documents = read(yaml).documents();
        PolicyScope acme = PolicyScope.of(new TenantId("acme"));
        List<Block> blocks = blocks();

        assertThat(documents).extracting(DocumentText::write).containsExactly(yaml);
        assertThat(lines(blocks.getLast()))
                .containsExactly(PolicyDigest.ofPolicy(PolicySet.of(acme, new Revision(1), documents))
                        .toString());
    }

    @Test
    void namesTheLimitsAndTheReasonsOfThisVersion() throws IOException {
        String page = Files.readString(PAGE);

        assertThat(page)
                .contains(
                        String.format(Locale.ROOT, "| a source that holds many | %,d bytes", YamlSource.MAX_BYTES),
                        "within one another | " + YamlSource.MAX_DEPTH + " deep |",
                        String.format(Locale.ROOT, "| problems reported at once | %,d,", Problems.MAX),
                        String.format(Locale.ROOT, "A case has at most %,d checks", SuiteReader.MAX_CHECKS));
        assertThat(Stream.of(
                        Reason.ALLOWED,
                        Reason.TENANT_UNKNOWN,
                        Reason.ENVIRONMENT_UNKNOWN,
                        Reason.TYPE_UNKNOWN,
                        Reason.ACTION_UNKNOWN,
                        Reason.EXPLICIT_DENY,
                        Reason.GRANT_EXPIRED,
                        Reason.GRANT_NOT_YET_VALID,
                        Reason.OUT_OF_SCOPE,
                        Reason.NO_GRANT))
                .allSatisfy(reason -> assertThat(page).contains("`" + reason + "`"));
    }

    private static String policy() throws IOException {
        StringBuilder policy = new StringBuilder();
        blocks().stream()
                .filter(block -> block.language.equals("yaml"))
                .forEach(block -> policy.append(block.text).append("---\n"));
        return policy.toString();
    }

    private static String only(String language) throws IOException {
        List<Block> found = blocks().stream()
                .filter(block -> block.language.equals(language))
                .toList();
        assertThat(found).hasSize(1);
        return found.getFirst().text;
    }

    private static List<String> messages(String yaml) {
        ReadResult read = read(yaml);
        List<Problem> problems = new ArrayList<>(read.problems());
        problems.addAll(DocumentReader.findRepeated(read.documents()));
        if (problems.isEmpty()) {
            PolicySet platform = set(PolicyScope.PLATFORM, read.documents());
            problems.addAll(PolicyValidator.validatePlatform(platform));
            read.documents().stream()
                    .map(Document::scope)
                    .distinct()
                    .sorted()
                    .filter(scope -> !scope.isPlatform())
                    .forEach(
                            scope -> problems.addAll(PolicyValidator.validate(set(scope, read.documents()), platform)));
        }
        FieldPlaces places = new FieldPlaces();
        places.add(FILE, 1, yaml.getBytes(StandardCharsets.UTF_8));
        return places.refine(problems).stream().map(Problem::message).toList();
    }

    private static PolicySet set(PolicyScope scope, List<Document> documents) {
        return PolicySet.of(
                scope,
                new Revision(1),
                documents.stream()
                        .filter(document -> document.scope().equals(scope))
                        .toList());
    }

    private static ReadResult read(String yaml) {
        return DocumentReader.read(FILE, 1, yaml.getBytes(StandardCharsets.UTF_8));
    }

    private static List<String> lines(Block block) {
        assertThat(block.language).isEqualTo("text");
        return block.text.lines().toList();
    }

    private static List<Block> blocks() throws IOException {
        List<Block> blocks = new ArrayList<>();
        Matcher matcher = BLOCK.matcher(Files.readString(PAGE));
        while (matcher.find()) {
            blocks.add(new Block(matcher.group(1), matcher.group(2)));
        }
        return List.copyOf(blocks);
    }

    /** A fenced block with a language. */
    private record Block(String language, String text) {}
}
